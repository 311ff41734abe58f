"""However a call fails, the program gets the same exception as without us, and the log says why."""

from __future__ import annotations

import pytest
from conformance.kit import HELLO, KINDS, Raised
from conformance.ways import APIS, COMPLETIONS, HELPERS, PARSES, WAYS
from offline.answers import pieces

LIMITS = {
    "x-ratelimit-limit-requests": "10000",
    "x-ratelimit-remaining-requests": "9999",
    "x-ratelimit-reset-requests": "6ms",
    "x-ratelimit-limit-tokens": "2000000",
    "x-ratelimit-remaining-tokens": "1999000",
    "x-ratelimit-reset-tokens": "30ms",
}
# model to ask for: exception, text of the event, extensions
STATUSES = {
    "fail-400": ("BadRequestError", "This request cannot be understood", "invalid_value"),
    "fail-401": ("AuthenticationError", "This API key is not known", "invalid_api_key"),
    "fail-404": ("NotFoundError", "There is no such model or path", "model_not_found"),
    "fail-429": ("RateLimitError", "Too many requests; try again in 1 s", "rate_limit_exceeded"),
    "fail-500": ("InternalServerError", "Something broke while the request was handled", "api_error"),
}
LOST = {
    "fail-drop": ("APIConnectionError", "Connection error.", "connection"),
    "fail-slow": ("APITimeoutError", "Request timed out.", "timeout"),
}
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
    for model in STATUSES | LOST
    for api in APIS
    for way in WAYS_TO_ASK
    if not (APIS[api] is COMPLETIONS and way in PARSES | HELPERS)
    and not (model == "fail-slow" and (api != "chat" or way not in ("plain", "stream")))
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("model", "api", "way"), CASES, ids=str)
def test_a_call_fails(compare, kind, model, api, way):
    arguments = APIS[api].arguments | {"model": model}
    log = compare(kind, WAYS[way], APIS[api].call, arguments, timeout=timeout(model))
    assert log.told() == [APIS[api].prompt(log.sent), failure(APIS[api], model)]


def timeout(model):
    return 0.05 if model in ("fail-slow", "fail-stall") else 5


def failure(api, model):
    error, text, code = (STATUSES | LOST)[model]
    if model in LOST:
        return api.error(text, model, error_type=error, error_code=code)
    facts = {"error_type": error, "error_code": code, "status_code": int(model[-3:]), "rate_limit": LIMITS}
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
    if not (APIS[api] is COMPLETIONS and way in HELPERS)
]
BREAKS = [
    (model, *case) for model in BROKEN for case in STREAMED if model != "fail-stall" or case[0] == "chat"
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("model", "api", "way"), BREAKS, ids=str)
def test_a_stream_breaks(compare, kind, model, api, way):
    arguments = APIS[api].arguments | {"model": model}
    log = compare(kind, WAYS[way], APIS[api].call, arguments, timeout=timeout(model))
    told = log.told()
    heard = cut_short(APIS[api], log.sent, told)
    if isinstance(log.seen[-1], Raised) and log.seen[-1].error is not RuntimeError:
        error, text, _ = log.seen[-1]
        facts = {"error_type": error.__name__}
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
    log = compare(kind, WAYS[way], APIS[api].call, APIS[api].arguments | {"model": model})
    told = log.told()
    expected = cut_short(APIS[api], log.sent, told)
    if model == "fail-no-done":
        assert expected[-1]["content"]["text"] == HELLO
        if api != "responses":  # there the last frame is the one that says how it ended
            expected[-1]["extensions"]["finish_reason"] = APIS[api].finish
    assert told == expected


def cut_short(api, sent, told):
    """The events of a stream that came to an end after some of its texts."""
    heard = [event["content"]["text"] for event in told if event["action"] == "completion_chunk"]
    assert heard
    assert heard == pieces(HELLO)[: len(heard)]
    model = sent["model"]
    end = api.completion("".join(heard), model=model, chunks=len(heard))
    return [api.prompt(sent), *api.chunks(heard, model), end]
