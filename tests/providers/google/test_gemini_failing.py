"""However a call fails, the program gets the SDK's exception, and the log says what went wrong."""

from __future__ import annotations

import pytest
from google.genai import types

from tests.support.calling import HELLO, KINDS, Raised, agree, outcome, run_sync
from tests.support.gemini import (
    ANSWERS,
    HTTP,
    PIECES,
    STREAMS,
    WAYS,
    chunks,
    closed,
    completion,
    error,
    made,
    plain,
    prompt,
    resources,
    stream,
)

# model to ask for: exception, status by name, text
STATUSES = {
    "fail-400": ("ClientError", "INVALID_ARGUMENT", "This request cannot be understood"),
    "fail-401": ("ClientError", "UNAUTHENTICATED", "This API key is not known"),
    "fail-404": ("ClientError", "NOT_FOUND", "There is no such model or path"),
    "fail-429": ("ClientError", "RESOURCE_EXHAUSTED", "Too many requests; try again in 1 s"),
    "fail-500": ("ServerError", "INTERNAL", "Something broke while the request was handled"),
    "fail-504": ("ServerError", "DEADLINE_EXCEEDED", "It took too long"),
}


def asking(model):
    return {"model": model, "contents": "Hello"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("model", STATUSES)
@pytest.mark.parametrize("way", WAYS)
def test_a_call_fails_with_a_status(compare, kind, model, way):
    log = compare(kind, WAYS[way], asking(model))
    kind_of_error, name, text = STATUSES[model]
    assert log.seen[-1].error.__name__ == kind_of_error
    known = {"status_code": int(model[-3:]), "error_type": kind_of_error, "error_code": name}
    known |= {"retry_after": 1.0} if model == "fail-429" else {}
    assert log.normalized() == [prompt(log.sent, model), error(f"{text}: {model}", model, **known)]


LOST = {HTTP.ConnectError: "connection", HTTP.ReadTimeout: "timeout"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("lost", LOST)
def test_a_connection_is_lost(runner, recording, kind, way, lost):
    def transport(request):
        raise lost("It is gone", request=request)

    client = made(transport=transport)
    run, offered = (run_sync, resources(client)) if kind == "sync" else (runner.run, resources(client.aio))
    alone = outcome(run, WAYS[way], offered, asking("gemini-2.5-flash"))
    recording()
    agree(alone, outcome(run, WAYS[way], offered, asking("gemini-2.5-flash")))
    asked, failed = recording.log().normalized()
    assert asked["action"] == "prompt"
    assert failed["content"] == {"text": "It is gone"}
    known = {"error_type": lost.__name__, "error_code": LOST[lost]}
    assert failed["extensions"] == {"reply_to": 0, "model": "gemini-2.5-flash"} | known
    runner.run(closed(client))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ANSWERS)
def test_an_answer_breaks_off(compare, kind, way):
    log = compare(kind, WAYS[way], asking("fail-malformed"))
    assert log.seen[-1].error.__name__ == "JSONDecodeError"
    told = log.normalized()
    assert [event["action"] for event in told] == ["prompt", "system"]
    assert told[1]["extensions"]["error_type"] == "JSONDecodeError"
    assert told[1]["content"] == {"text": log.seen[-1].text}


BREAKS = {"fail-cut": "connection", "fail-error": "INTERNAL", "fail-malformed": "api_error"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("model", BREAKS)
@pytest.mark.parametrize("way", STREAMS)
def test_a_stream_breaks(compare, kind, model, way):
    log = compare(kind, WAYS[way], asking(model))
    *told, failed = log.normalized()
    heard = PIECES[: len(told) - 2]
    assert heard
    end = completion("".join(heard), model=model, chunks=len(heard), partial=True, ended="error")
    assert told == [prompt(log.sent, model), *chunks(heard, model), end]
    raised = log.seen[-1]
    assert isinstance(raised, Raised)
    assert failed["extensions"]["error_type"] == raised.error.__name__
    assert failed["extensions"]["error_code"] == BREAKS[model]
    assert failed["extensions"].get("status_code") == (200 if model == "fail-error" else None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", STREAMS)
def test_a_stream_ends_early_without_a_word(compare, kind, way):
    log = compare(kind, WAYS[way], asking("fail-unfinished"))
    told = log.normalized()
    heard = PIECES[: len(told) - 2]
    end = completion("".join(heard), model="fail-unfinished", chunks=len(heard))
    assert told == [prompt(log.sent, "fail-unfinished"), *chunks(heard, "fail-unfinished"), end]


@pytest.mark.parametrize("way", [plain, stream])
def test_what_the_sdk_refuses_has_never_been_asked(compare, way):
    log = compare("sync", way, {"model": "gemini-2.5-flash", "contents": [object()]})
    assert isinstance(log.seen[-1], Raised)
    assert log.events == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_that_is_tried_again_is_one_call(provider, clients, recording, kind):
    run, _ = clients[kind]
    retry = types.HttpRetryOptions(attempts=3, initial_delay=0.01, max_delay=0.01)
    client = made(provider.url)
    recording()

    async def asked():
        config = {"http_options": types.HttpOptions(retry_options=retry)}
        arguments = {"model": "fail-503-first-2", "contents": "Hello", "config": config}
        if kind == "sync":
            return client.models.generate_content(**arguments)
        answer = await client.aio.models.generate_content(**arguments)
        await client.aio.aclose()
        return answer

    assert run(asked()).text == HELLO
    assert recording.log().actions == ["prompt", "completion"]
