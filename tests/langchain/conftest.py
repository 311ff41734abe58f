from __future__ import annotations

from types import SimpleNamespace

import langchain_openai
import pytest
from conformance.fixtures import frozen, runner, strict, watch  # noqa: F401  for the tests
from conformance.inprocess import HTTP
from langchain_kit import Story


@pytest.fixture
def story(watch):  # noqa: F811  the fixture
    """Switch on, and tell what the log says since: `story()`."""
    watch()
    return lambda: Story(watch.path)


@pytest.fixture(scope="session")
def connections(runner):  # noqa: F811  the fixture
    """The HTTP clients of all models: LangChain's own would outlive their event loop."""
    http = SimpleNamespace(sync=HTTP.Client(), asynchronous=HTTP.AsyncClient())
    yield {"http_client": http.sync, "http_async_client": http.asynchronous}
    http.sync.close()
    runner.run(http.asynchronous.aclose())


@pytest.fixture
def chat(provider, connections):
    """Make a ChatOpenAI of the offline provider."""

    def make(**options):
        options = {"model": "gpt-4o-mini", "api_key": "x", "max_retries": 0} | connections | options
        return langchain_openai.ChatOpenAI(base_url=provider.base_url, **options)

    return make
