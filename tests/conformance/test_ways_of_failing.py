"""However a call fails, the program gets the same exception as without us, and the log says why."""

from __future__ import annotations

import pytest
from offline.answers import pieces

from tests.support.apis import APIS
from tests.support.calling import HELLO, KINDS, Raised
from tests.support.sdks import OPENAI
from tests.support.ways import WAYS

LOST = {  # the code of the failure
    "fail-drop": "connection",
    "fail-slow": "timeout",
}
FEW = ("chat", "messages")  # that what takes its time is tried with
WAYS_TO_ASK = (
    "plain",
    "raw",
    "streaming.read",
    "stream",
    "raw stream",
    "streaming.stream",
    "parse",
    "helper",
)
CASES = [
    (model, api, way)
    for model in OPENAI.errors | LOST
    for api in APIS
    for way in WAYS_TO_ASK
    if way in APIS[api].ways
    and not (model == "fail-slow" and (api not in FEW or way not in ("plain", "stream")))
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("model", "api", "way"), CASES, ids=str)
def test_a_call_fails(compare, kind, model, api, way):
    log = compare(kind, WAYS[way], **APIS[api].asks(model=model), timeout=timeout(model))
    assert log.normalized() == [APIS[api].prompt(log.sent), failure(APIS[api], model, log.seen[-1])]


def timeout(model):
    return 0.05 if model in ("fail-slow", "fail-stall") else 5


def failure(api, model, raised):
    if model in LOST:
        kind = {"connection": "APIConnectionError", "timeout": "APITimeoutError"}[LOST[model]]
        return api.error(raised.text, model, error_type=kind, error_code=LOST[model])
    error, text, code = api.sdk.errors[model]
    facts = {"error_type": error, "error_code": code, "status_code": int(model[-3:])}
    facts["rate_limit"] = api.sdk.limits
    if model == "fail-429":
        facts["retry_after"] = 1.0
    return api.error(f"{text}: {model}", model, request_id="req_#", **facts)


# what goes wrong in the middle of a stream: the code of the failure
BROKEN = {
    "fail-cut": "connection",
    "fail-stall": "timeout",
    "fail-error": "api_error",
    "fail-malformed": "api_error",
}
STREAMED = [
    (api, way)
    for api in APIS
    for way in ("stream", "raw stream", "streaming.stream", "streaming.iter_lines of a stream", "helper")
    if way in APIS[api].ways
]
BREAKS = [(model, *case) for model in BROKEN for case in STREAMED if model != "fail-stall" or case[0] in FEW]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("model", "api", "way"), BREAKS, ids=str)
def test_a_stream_breaks(compare, kind, model, api, way):
    log = compare(kind, WAYS[way], **APIS[api].asks(model=model), timeout=timeout(model))
    told = log.normalized()
    heard = cut_short(APIS[api], log.sent, told)
    if isinstance(log.seen[-1], Raised) and log.seen[-1].error is not RuntimeError:
        error, text, _ = log.seen[-1]
        facts: dict[str, object] = {"error_type": error.__name__}
        if error.__name__ == "APIStatusError":  # Anthropic's: the stream itself was accepted
            text, facts["status_code"] = "Something broke while the request was handled: fail-error", 200
            facts["rate_limit"] = APIS[api].sdk.limits
    elif model == "fail-error":  # the program is given it as an answer
        text = "Something broke while the request was handled: fail-error"
        facts = {"error_type": "ResponseError", "status_code": 200}
    else:
        assert told == heard
        return
    heard[-1]["extensions"] |= {"partial": True, "ended": "error"}
    facts["error_code"] = BROKEN[model]
    error = APIS[api].error(text or facts["error_type"], model, request_id="req_#", **facts)
    assert told == [*heard, error]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("api", "way"), STREAMED, ids=str)
@pytest.mark.parametrize("model", ["fail-unfinished", "fail-no-done"])
def test_a_stream_ends_early_without_a_word(compare, kind, model, api, way):
    log = compare(kind, WAYS[way], **APIS[api].asks(model=model))
    told = log.normalized()
    expected = cut_short(APIS[api], log.sent, told)
    if model == "fail-no-done":
        assert expected[-1]["content"]["text"] == HELLO
        if api != "responses":  # there the last frame is the one that says how it ended
            expected[-1]["extensions"]["finish_reason"] = APIS[api].finish
            used = APIS[api].streamed
            expected[-1] = with_usage(expected[-1], used) if used else expected[-1]
    assert told == expected


def with_usage(end, used):
    usage, tokens = used
    return end | {"metrics": {"tokens": tokens}, "extensions": end["extensions"] | {"usage": usage}}


def cut_short(api, sent, told):
    """The events of a stream that came to an end after some of its texts."""
    heard = [event["content"]["text"] for event in told if event["action"] == "completion_chunk"]
    assert heard
    assert heard == pieces(HELLO)[: len(heard)]
    model = sent["model"]
    end = api.completion("".join(heard), api.begun, model=model, chunks=len(heard))
    return [api.prompt(sent), *api.chunks(heard, model), end]
