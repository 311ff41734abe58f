"""The offline provider in Gemini's format, as google-genai sees it."""

from __future__ import annotations

import json

import pytest
from google import genai
from google.genai import errors, types

HELLO = "Hello! I run on your own machine. Ask me anything: I cost nothing."
WEATHER = {
    "name": "get_weather",
    "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}},
}


@pytest.fixture(scope="module")
def models(provider):
    client = genai.Client(api_key="x", http_options=types.HttpOptions(base_url=provider.url))
    yield client.models
    client.close()


def test_an_answer(models):
    answer = models.generate_content(model="gemini-flash-latest", contents="Hello")
    assert (answer.text, answer.model_version) == (HELLO, "gemini-2.5-flash")
    usage = answer.usage_metadata
    assert usage.prompt_token_count + usage.candidates_token_count == usage.total_token_count


def test_a_stream(models):
    *pieces, last = models.generate_content_stream(model="gemini-2.5-flash", contents="Hello")
    assert "".join(piece.text for piece in pieces) == HELLO
    assert last.candidates[0].finish_reason == "STOP"
    assert last.usage_metadata.total_token_count == 20


def test_a_function_call(models):
    config = {"tools": [{"function_declarations": [WEATHER]}]}
    answer = models.generate_content(model="m", contents="How is the weather in Rome?", config=config)
    (call,) = answer.function_calls
    assert (call.name, call.args) == ("get_weather", {"city": "Rome"})


def test_an_answer_of_a_schema(models):
    schema = {"type": "OBJECT", "properties": {"name": {"type": "STRING"}, "age": {"type": "INTEGER"}}}
    config = {"response_mime_type": "application/json", "response_schema": schema}
    answer = models.generate_content(model="m", contents="Ada is 36", config=config)
    assert json.loads(answer.text) == {"name": "Ada", "age": 36}


def test_thoughts(models):
    config = {"thinking_config": {"include_thoughts": True}}
    parts = models.generate_content(model="m", contents="Hello", config=config).candidates[0].content.parts
    assert [bool(part.thought) for part in parts] == [True, False]


def test_limits_and_blocks(models):
    short = models.generate_content(model="m", contents="Hello", config={"max_output_tokens": 2})
    assert (short.text, short.candidates[0].finish_reason) == ("Hello!", "MAX_TOKENS")
    assert models.generate_content(model="refusing", contents="Hello").candidates[0].content is None
    blocked = models.generate_content(model="blocking", contents="Hello")
    assert (blocked.candidates, blocked.prompt_feedback.block_reason) == (None, "PROHIBITED_CONTENT")


def test_vectors_and_counts(models):
    vectors = models.embed_content(model="m", contents=["a", "b"], config={"output_dimensionality": 3})
    assert [len(one.values) for one in vectors.embeddings] == [3, 3]
    assert models.count_tokens(model="m", contents="Hello").total_tokens == 3


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(
    ("status", "name"), [(400, "INVALID_ARGUMENT"), (429, "RESOURCE_EXHAUSTED"), (503, "UNAVAILABLE")]
)
def test_faults(models, status, name, streams):
    ask = models.generate_content_stream if streams else models.generate_content
    with pytest.raises(errors.APIError) as failed:
        list(ask(model=f"fail-{status}", contents="Hello"))
    assert (failed.value.code, failed.value.status) == (status, name)
