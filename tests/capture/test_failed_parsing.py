"""`parse` can fail on an answer that was given and paid for: the answer is kept, and the failure told."""

from __future__ import annotations

import openai
import pydantic
import pytest
from conformance.apis import CHAT
from conformance.inprocess import client_over, response
from conformance.kit import KINDS, agree, functions, outcome, run_sync
from conformance.ways import PARSES, WAYS

USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}


def chat(content, finish):
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {"id": "c_1", "model": "gpt-4o", "choices": [choice], "usage": USAGE}


ANSWERS = {  # what comes: the exception that it makes of `parse`
    "cut short": (chat('{"name": "A', "length"), openai.LengthFinishReasonError),
    "filtered": (chat("", "content_filter"), openai.ContentFilterFinishReasonError),
    "no JSON": (chat("Anna", "stop"), pydantic.ValidationError),
    "another shape": (chat('{"age": 3}', "stop"), pydantic.ValidationError),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_cannot_be_parsed(runner, watch, name, kind):
    body, error = ANSWERS[name]
    run = run_sync if kind == "sync" else runner.run
    f = functions(client_over(lambda request: response(body), kind), CHAT.call)
    case = (run, PARSES["parse"], f, CHAT.arguments)
    alone = outcome(*case)
    assert issubclass(alone[0][-1].error, error)
    watch()
    agree(alone, outcome(*case))
    prompt, answer, failure = watch.log().events
    text = body["choices"][0]["message"]["content"]
    assert answer["action"] == "completion"
    assert answer.get("content", {}).get("text", "") == text
    assert answer["metrics"]["tokens"] == {"prompt": 9, "completion": 2, "total": 11}
    assert "partial" not in answer["extensions"]
    assert (failure["action"], failure["extensions"]["error_type"]) == ("system", alone[0][-1].error.__name__)
    assert failure["extensions"]["reply_to"] == prompt["event_id"]
    assert failure["extensions"]["error_code"] == "api_error"
    assert "status_code" not in failure["extensions"]


BROKEN = {  # a body that is no answer
    "broken JSON": ('{"id": "c_1", "cho', "application/json"),
    "a web page": ("<html>Bad gateway</html>", "text/html"),
    "nothing": ("", "application/json"),
    "a list": ("[1, 2]", "application/json"),
    "a number": ("3", "application/json"),
    "null": ("null", "application/json"),
    "no UTF-8": (b"\xff\xfe", "application/json"),
}


@pytest.mark.parametrize("way", ["plain", "raw", "streaming.parse", "streaming.read"])
@pytest.mark.parametrize("name", BROKEN)
def test_a_body_that_is_no_answer(watch, name, way):
    f = functions(client_over(lambda request: response(*BROKEN[name])), CHAT.call)
    case = (run_sync, WAYS[way], f, CHAT.arguments)
    alone = outcome(*case)
    watch()
    agree(alone, outcome(*case))
    actions = watch.log().actions
    assert actions[0] == "prompt"
    assert actions[1:] in (["completion"], ["system"])
    assert all(event["extensions"]["reply_to"] for event in watch.log().events[1:])
