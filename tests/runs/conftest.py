from __future__ import annotations

from importlib.metadata import version
from types import SimpleNamespace

import langchain_openai
import pytest

from tests.support.calling import settled
from tests.support.in_process import HTTP
from tests.support.langchain import OTHERS, RunLog


@pytest.fixture
def run_log(recording):
    """Enable recording, and read the log: `run_log()`."""
    recording()
    return lambda: RunLog(recording.path)


@pytest.fixture(scope="session")
def connections(runner):
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


@pytest.fixture(scope="session")
def other(provider, runner):
    """Return the model of another package over the offline provider, and its facts.

    There is one for all tests: the packages share the connections of all models that are made alike.
    """
    made = {}

    def make(package):
        pytest.importorskip(package)
        served = OTHERS[package]
        if int(version(package).partition(".")[0]) < served.oldest:
            pytest.skip(f"this {package} calls another SDK")
        if package not in made:
            made[package] = served.model(provider.url)
        return made[package], served

    async def close():
        for package, model in made.items():
            for one in OTHERS[package].close(model):
                await settled(one())

    yield make
    runner.run(close())
