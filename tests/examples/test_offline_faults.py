from __future__ import annotations

import json

import openai
import pytest
from offline import faults

HELLO = "Hello! I run on your own machine. Ask me anything: I cost nothing."


@pytest.fixture(scope="module")
def client(provider):
    with openai.OpenAI(api_key="x", base_url=provider.base_url, max_retries=0, timeout=0.5) as client:
        yield client


def ask(client, fault, **more):
    return client.chat.completions.create(
        model=f"fail-{fault}", messages=[{"role": "user", "content": "Hello"}], **more
    )


def heard(stream):
    """Return what a stream says until it ends or fails, and with what it fails."""
    text, failure = "", None
    try:
        for chunk in stream:
            text += chunk.choices[0].delta.content or ""
    except Exception as error:
        failure = error
    return text, failure


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, openai.BadRequestError, "invalid_value"),
        (401, openai.AuthenticationError, "invalid_api_key"),
        (403, openai.PermissionDeniedError, "forbidden"),
        (404, openai.NotFoundError, "model_not_found"),
        (429, openai.RateLimitError, "rate_limit_exceeded"),
        (500, openai.InternalServerError, None),
        (503, openai.InternalServerError, "overloaded"),
        (504, openai.InternalServerError, None),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_every_status(client, status, error, code, stream):
    with pytest.raises(error) as failed:
        ask(client, status, stream=stream)
    assert (failed.value.status_code, failed.value.code) == (status, code)
    assert failed.value.request_id.startswith("req_")
    assert ("retry-after" in failed.value.response.headers) == (status == 429)


def test_the_first_requests_fail_and_the_same_then_succeeds(client, provider):
    provider.requests.clear()
    raw = client.with_options(max_retries=2).chat.completions.with_raw_response.create(
        model="fail-500-first-2", messages=[{"role": "user", "content": "Hello"}]
    )
    assert raw.retries_taken == 2
    assert raw.parse().choices[0].message.content == HELLO
    assert len(provider.requests) == 3
    with pytest.raises(openai.InternalServerError):
        client.with_options(max_retries=1).chat.completions.create(
            model="fail-500-first-2", messages=[{"role": "user", "content": "Hello"}]
        )


@pytest.mark.parametrize("stream", [False, True])
def test_slow_is_a_timeout(client, stream):
    with pytest.raises(openai.APITimeoutError):
        ask(client.with_options(timeout=0.1), "slow", stream=stream)


@pytest.mark.parametrize("stream", [False, True])
def test_drop_is_a_lost_connection(client, stream):
    with pytest.raises(openai.APIConnectionError) as failed:
        ask(client, "drop", stream=stream)
    assert not isinstance(failed.value, openai.APITimeoutError)


def test_cut_loses_the_connection_halfway(client):
    text, failure = heard(ask(client, "cut", stream=True))
    assert HELLO.startswith(text)
    assert 0 < len(text) < len(HELLO)
    assert type(failure).__name__ in (
        "APIConnectionError",
        "RemoteProtocolError",
    )  # the second before openai 3
    with pytest.raises(openai.APIConnectionError):
        ask(client, "cut")


def test_stall_is_a_timeout_halfway(client):
    text, failure = heard(ask(client.with_options(timeout=0.1), "stall", stream=True))
    assert 0 < len(text) < len(HELLO)
    assert type(failure).__name__ in ("APITimeoutError", "ReadTimeout")  # the second before openai 3


def test_error_is_an_object_in_the_stream(client):
    text, failure = heard(ask(client, "error", stream=True))
    assert 0 < len(text) < len(HELLO)
    assert type(failure) is openai.APIError
    assert failure.type == "server_error"
    events = list(client.responses.create(model="fail-error", input="Hello", stream=True))
    assert events[-1].type == "error"
    assert events[-2].type == "response.output_text.delta"


def test_unfinished_and_no_done_end_politely(client):
    text, failure = heard(ask(client, "unfinished", stream=True))
    assert 0 < len(text) < len(HELLO)
    assert failure is None
    assert heard(ask(client, "no-done", stream=True)) == (HELLO, None)


def test_malformed_json(client):
    text, failure = heard(ask(client, "malformed", stream=True))
    assert 0 < len(text) < len(HELLO)
    assert isinstance(failure, json.JSONDecodeError)
    with pytest.raises(json.JSONDecodeError):
        ask(client, "malformed")


def test_a_response_that_says_it_failed(client):
    answer = client.responses.create(model="fail-failed", input="Hello")
    assert (answer.status, answer.error.code, answer.output) == ("failed", "server_error", [])
    events = list(client.responses.create(model="fail-failed", input="Hello", stream=True))
    assert events[-1].type == "response.failed"


def test_a_fault_can_be_asked_for_by_header_or_metadata(client):
    hello = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(**hello, extra_headers={"x-offline-fault": "429"})
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(**hello, metadata={"offline_fault": "404"})
    with pytest.raises(openai.BadRequestError):
        client.embeddings.create(model="fail-400", input="Hello")
    with pytest.raises(openai.InternalServerError):
        client.audio.transcriptions.create(model="fail-500", file=("a.wav", b"x"))


@pytest.mark.parametrize(
    "name", ["gpt-4o", "fail-", "fail-nonsense", "fail-200", "failing", "fail-500-first-"]
)
def test_other_names_are_no_faults(client, name):
    answer = client.chat.completions.create(model=name, messages=[{"role": "user", "content": "Hello"}])
    assert answer.choices[0].message.content == HELLO


def test_every_kind_that_is_listed_can_be_asked_for():
    assert all(faults.NAME.match(f"fail-{kind}")["kind"] == kind for kind in faults.KINDS)
