from __future__ import annotations

import openai
import pytest


@pytest.fixture(scope="session")
def client(provider):
    """A client of the provider behind a socket; most tests here need none (`in_process.offline`)."""
    with openai.OpenAI(api_key="x", base_url=provider.base_url, max_retries=0) as client:
        yield client
