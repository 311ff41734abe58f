"""The SDK's own retries: one question, one end, and how often was tried before."""

from __future__ import annotations

import openai
import pytest

from tests.support.apis import CHAT
from tests.support.calling import KINDS, functions, run_sync
from tests.support.in_process import HTTP, client_over, response
from tests.support.ways import WAYS


def failing(times, then):
    """Fail some times, and try again at once."""
    left = [times]

    def answer(request):
        if left[0]:
            left[0] -= 1
            error = {"error": {"message": "Busy", "code": "overloaded"}}
            return response(error, status=503, **{"retry-after-ms": "1"})
        return then()

    return answer


def said():
    message = {"role": "assistant", "content": "Hi"}
    return response({"id": "c_1", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})


def streamed():
    delta = b'data: {"id": "c_1", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}\n\n'
    return response([delta, b"data: [DONE]\n\n"])


ANSWERS = {"plain": said, "raw": said, "stream": streamed}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("times", [0, 1, 3])
@pytest.mark.parametrize("way", ANSWERS)
def test_the_answer_says_how_often_was_tried_before(runner, recording, way, times, kind):
    answer = ANSWERS[way]
    recording()
    f = functions(client_over(failing(times, answer), kind, max_retries=3), CHAT.call)
    (run_sync if kind == "sync" else runner.run)(WAYS[way](f, CHAT.arguments, []))
    told = [event for event in recording.log().events if event["action"] != "completion_chunk"]
    assert [event["action"] for event in told] == ["prompt", "completion"]
    assert told[1]["extensions"].get("retries") == (times or None)
    assert told[1]["extensions"]["status_code"] == 200


def refused():
    raise HTTP.ConnectError("nobody there")


GIVEN_UP = {
    "a status": (failing(9, said), openai.InternalServerError, "overloaded"),
    "no connection": (lambda request: refused(), openai.APIConnectionError, "connection"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", GIVEN_UP)
def test_the_failure_says_how_often_was_tried_before(runner, recording, monkeypatch, name, kind):
    answer, error, code = GIVEN_UP[name]
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.001)
    recording()
    f = functions(client_over(answer, kind, max_retries=2), CHAT.call)
    with pytest.raises(error):
        (run_sync if kind == "sync" else runner.run)(WAYS["plain"](f, CHAT.arguments, []))
    prompt, failure = recording.log().events
    assert failure["extensions"]["retries"] == 2
    assert failure["extensions"]["error_code"] == code
    assert failure["extensions"]["reply_to"] == prompt["event_id"]


AFTER = {  # headers: seconds to wait
    "seconds": ({"retry-after": "7"}, 7.0),
    "milliseconds": ({"retry-after-ms": "1500"}, 1.5),
    "milliseconds first": ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
    "a date": ({"retry-after": "Fri, 31 Dec 2099 23:59:59 GMT"}, None),
    "nonsense": ({"retry-after": "soon"}, None),
    "nothing": ({}, None),
}


@pytest.mark.parametrize("name", AFTER)
def test_when_to_try_again(recording, name):
    headers, seconds = AFTER[name]
    recording()
    client = client_over(lambda request: response({}, status=429, **headers))
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(**CHAT.arguments)
    failure = recording.log().of("system")[0]["extensions"]
    assert failure.get("retry_after") == seconds
    assert failure["error_code"] == "rate_limit"
