"""`parse` can fail on an answer that was paid for: the failure is recorded, and keeps the answer."""

from __future__ import annotations

import openai
import pydantic
import pytest

from tests.support.apis import CHAT
from tests.support.calling import KINDS, SDK, agree, functions, outcome, run_sync
from tests.support.in_process import client_over, response
from tests.support.ways import PARSES, WAYS

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
def test_an_answer_that_cannot_be_parsed(runner, recording, name, kind):
    body, error = ANSWERS[name]
    run = run_sync if kind == "sync" else runner.run
    f = functions(client_over(lambda request: response(body), kind), CHAT.call)
    case = (run, PARSES["parse"], f, CHAT.arguments)
    alone = outcome(*case)
    assert issubclass(alone[0][-1].error, error)
    recording()
    agree(alone, outcome(*case))
    raised = alone[0][-1]
    choice, shown = body["choices"][0], {}
    if said := choice["message"]["content"]:
        part = {"type": "text", "content": said}
        shown = {
            "messages": [
                {"role": "assistant", "parts": [part], "finish_reason": choice["finish_reason"]},
            ]
        }
    _, end = recording.log().normalized()
    assert end == {
        "session_id": 0,
        "actor": {"type": "system", "id": "openai"},
        "action": "system",
        "content": {"text": raised.text} | shown,
        "metrics": {"tokens": {"prompt": 9, "completion": 2, "total": 11}, "cost_usd": True},
        "provenance": {
            "provider": "openai",
            "operation": "chat.completions",
            "model": "gpt-4o",
            "response_id": "c_1",
            "sdk": SDK,
            "server": "offline",
            "request_id": "req_1",
        },
        "extensions": {
            "reply_to": 0,
            "status_code": 200,
            "model": "gpt-4o",
            "error_type": raised.error.__name__,
            "error_code": "api_error",
            "finish_reason": choice["finish_reason"],
            "usage": USAGE,
        },
    }


def test_tool_calls_of_an_unparsed_answer_are_recorded(recording):
    """Of a call that was cut, its arguments are no JSON: the messages keep it, and nobody can obey it."""
    calls = [
        {"id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for name, arguments in (("look", '{"at": 1}'), ("take", '{"wha'))
    ]
    body = chat(None, "length")
    body["choices"][0]["message"]["tool_calls"] = calls
    f = functions(client_over(lambda request: response(body)), CHAT.call)
    recording()
    outcome(run_sync, PARSES["parse"], f, CHAT.arguments)
    _, end, call = recording.log().normalized()
    assert [part["id"] for part in end["content"]["messages"][0]["parts"]] == ["call_look", "call_take"]
    assert call == {
        "session_id": 0,
        "actor": {"type": "agent", "id": "gpt-4o"},
        "action": "tool_call",
        "content": {"text": '{"at": 1}'},
        "extensions": {"reply_to": 1, "tool_call_id": "call_look", "tool": "look"},
    }


def test_a_conversation_continues_after_an_unparsed_answer(recording):
    answers = iter([chat("Ann", "length"), chat("a", "stop")])
    f = functions(client_over(lambda request: response(next(answers))), CHAT.call)
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Who?"}]}
    with recording():
        outcome(run_sync, PARSES["parse"], f, asked)
        said = [{"role": "assistant", "content": "Ann"}, {"role": "user", "content": "Go on"}]
        f.create(**asked | {"messages": asked["messages"] + said})
    log = recording.log()
    first, failed, second, _ = log.events
    assert second["session_id"] == first["session_id"]
    assert second["content"] == {"text": "Go on"}
    assert second["extensions"]["history"] == {"messages": 2, "after": failed["event_id"]}
    spoken = [(one["role"], one["parts"][0]["content"]) for one in log.read.messages_of(second)]
    assert spoken == [("user", "Who?"), ("assistant", "Ann"), ("user", "Go on")]


@pytest.mark.parametrize("content", ["hash", "none"])
def test_what_could_not_be_parsed_is_withheld_like_any_answer(recording, content):
    f = functions(client_over(lambda request: response(chat("Anna", "stop"))), CHAT.call)
    recording(content=content)
    outcome(run_sync, PARSES["parse"], f, CHAT.arguments)
    assert b"Anna" not in recording.path.read_bytes()
    assert recording.log().events[-1]["metrics"]["tokens"]["total"] == 11


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
def test_a_body_that_is_no_answer(recording, name, way):
    f = functions(client_over(lambda request: response(*BROKEN[name])), CHAT.call)
    case = (run_sync, WAYS[way], f, CHAT.arguments)
    alone = outcome(*case)
    recording()
    agree(alone, outcome(*case))
    actions = recording.log().actions
    assert actions[0] == "prompt"
    assert actions[1:] in (["completion"], ["system"])
    assert all(event["extensions"]["reply_to"] for event in recording.log().events[1:])
