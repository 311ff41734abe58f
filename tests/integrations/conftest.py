from __future__ import annotations

import openai
import pytest
from conformance.fixtures import runner, strict, watch  # noqa: F401  for the tests

from hilt_autolog.io.session import Session


@pytest.fixture
def session(tmp_path):
    with Session(tmp_path / "session.hilt.jsonl") as session:
        yield session


@pytest.fixture
def client(provider):
    with openai.OpenAI(api_key="x", base_url=provider.base_url, max_retries=0) as client:
        yield client


@pytest.fixture
def asynchronous(provider, runner):  # noqa: F811  the fixture
    client = openai.AsyncOpenAI(api_key="x", base_url=provider.base_url, max_retries=0)
    yield client
    runner.run(client.close())
