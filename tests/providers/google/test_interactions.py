"""Interactions of google-genai: whole, streamed, continued, failing, in the background."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google import genai

from tests.support.calling import KINDS, agree, collected, each, outcome, run_sync, settled, some
from tests.support.gemini import HTTP, SDK, closed, made

# google-genai 1 has another client for them, and another wire format.
IS_OLD = genai.__version__.startswith("1.")
STEP, BEGUN, ENDED = ("content", "start", "complete") if IS_OLD else ("step", "created", "completed")
USAGE = {
    "total_input_tokens": 5,
    "total_output_tokens": 2,
    "total_thought_tokens": 3,
    "total_tokens": 10,
}
STEPS = [
    {"type": "thought", "summary": [{"type": "text", "text": "Hm."}]},
    {"type": "text", "text": "It is warm."}
    if IS_OLD
    else {"type": "model_output", "content": [{"type": "text", "text": "It is warm."}]},
]
CALL = {"type": "function_call", "id": "call_1", "name": "get_weather", "arguments": {"city": "Rome"}}
HEAD = {"object": "interaction", "model": "gemini-2.5-flash", "created": "2026-01-01T00:00:00Z"}
HEAD |= {"updated": "2026-01-01T00:00:00Z"}


def answer(identity="int_1", steps=STEPS, status="completed"):
    return HEAD | {"id": identity, "status": status, "usage": USAGE, "outputs" if IS_OLD else "steps": steps}


def events():
    known = HEAD | {"id": "int_1", "status": "in_progress"}
    yield {"event_type": f"interaction.{BEGUN}", "interaction": known}
    yield {"event_type": f"{STEP}.start", "index": 0, STEP: {"type": "thought"}}
    yield _delta(0, {"type": "thought_summary", "content": {"type": "text", "text": "Hm."}})
    yield {"event_type": f"{STEP}.stop", "index": 0}
    said = {"type": "text", "text": ""} if IS_OLD else {"type": "model_output"}
    yield {"event_type": f"{STEP}.start", "index": 1, STEP: said}
    yield _delta(1, {"type": "text", "text": "It is"})
    yield _delta(1, {"type": "text", "text": " warm."})
    yield {"event_type": f"{STEP}.stop", "index": 1}
    ended = known | {"status": "completed", "usage": USAGE}
    yield {"event_type": f"interaction.{ENDED}", "interaction": ended}


def _delta(index, delta):
    return {"event_type": f"{STEP}.delta", "index": index, "delta": delta}


def streamed():
    lines = [f"event: {one['event_type']}\ndata: {json.dumps(one)}\n\n" for one in events()]
    pieces = Pieces(line.encode() for line in [*lines, "event: done\ndata: [DONE]\n\n"])
    return HTTP.Response(200, stream=pieces, headers={"content-type": "text/event-stream"})


SyncByteStream: Any = HTTP.SyncByteStream
AsyncByteStream: Any = HTTP.AsyncByteStream


class Pieces(SyncByteStream, AsyncByteStream):
    """A body in pieces, for both kinds of client."""

    def __init__(self, pieces):
        self.pieces = iter(pieces)

    def __iter__(self):
        yield from self.pieces

    async def __aiter__(self):
        for piece in self.pieces:
            yield piece


class Responder:
    """Answers in turn what it is given: a body, or a function that makes a response."""

    def __init__(self, *answers):
        self.answers = answers
        self.asked = []

    def __call__(self, request):
        given = self.answers[min(len(self.asked), len(self.answers) - 1)]
        self.asked.append(request)
        return given() if callable(given) else HTTP.Response(200, json=given)


@pytest.fixture
def compare(recording, runner):
    """Do the same without us and with us; returns the log."""

    def compared(kind, doing, *answers):
        def once():
            client = made(transport=Responder(*answers))
            offered = (client if kind == "sync" else client.aio).interactions
            seen = outcome(run_sync if kind == "sync" else runner.run, doing, offered)
            runner.run(closed(client))
            return seen

        alone = once()
        recording()
        agree(alone, once())
        log = recording.log()
        log.seen = alone[0]
        return log

    return compared


def spelled(value):
    return f"{type(value).__qualname__} {value.model_dump_json()}"


ASK = {"model": "gemini-2.5-flash", "input": "How is Rome?"}


async def plain(interactions, seen):
    seen.append(spelled(await settled(interactions.create(**ASK))))


async def stream(interactions, seen):
    opened = await settled(interactions.create(**ASK, stream=True))
    seen += [spelled(event) async for event in each(opened)]


PROVENANCE = {
    "provider": "gemini",
    "operation": "interactions",
    "model": "gemini-2.5-flash",
    "sdk": SDK,
    "server": "offline",
}
MESSAGE = {
    "role": "assistant",
    "parts": [{"type": "reasoning", "content": "Hm."}, {"type": "text", "content": "It is warm."}],
}


def expected(chunks=None):
    """The prompt and the completion."""
    prompt = {
        "session_id": 0,
        "actor": {"type": "human", "id": "user"},
        "action": "prompt",
        "content": {"text": "How is Rome?"},
        "provenance": PROVENANCE,
        "extensions": {"model": "gemini-2.5-flash"},
    }
    more = {} if chunks is None else {"chunks": chunks}
    completion = {
        "session_id": 0,
        "actor": {"type": "agent", "id": "gemini-2.5-flash"},
        "action": "completion",
        "content": {"text": "It is warm.", "messages": [MESSAGE]},
        "metrics": {"tokens": {"prompt": 5, "completion": 5, "total": 10, "reasoning": 3}, "cost_usd": True},
        "provenance": PROVENANCE | {"response_id": "int_1"},
        "extensions": {
            "reply_to": 0,
            "model": "gemini-2.5-flash",
            "status_code": 200,
            "finish_reason": "completed",
            "usage": USAGE,
        }
        | more,
    }
    return prompt, completion


@pytest.mark.parametrize("kind", KINDS)
def test_an_interaction(compare, kind):
    log = compare(kind, plain, answer())
    assert log.normalized() == [*expected()]


@pytest.mark.parametrize("kind", KINDS)
def test_an_interaction_in_a_stream(compare, kind):
    log = compare(kind, stream, streamed)
    prompt, completion = expected(chunks=3)
    told = log.normalized()
    assert [told[0], told[-1]] == [prompt, completion]
    said = [(event["extensions"]["kind"], event["content"]["text"]) for event in told[1:-1]]
    assert said == [("reasoning", "Hm."), ("text", "It is"), ("text", " warm.")]


async def left(interactions, seen):
    opened = await settled(interactions.create(**ASK, stream=True))
    seen += map(spelled, await some(opened, 6))
    await settled(opened.close())
    await collected()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("frozen")
def test_a_stream_is_left(compare, kind):
    log = compare(kind, left, streamed)
    ended = log.events[-1]
    assert ended["action"] == "completion"
    assert log.actions.count("completion") == 1


async def with_a_tool(interactions, seen):
    first = await settled(interactions.create(**ASK))
    result = {"type": "function_result", "call_id": "call_1", "name": "get_weather", "result": "sunny"}
    arguments = {"model": "gemini-2.5-flash", "input": [result], "previous_interaction_id": first.id}
    seen.append(spelled(await settled(interactions.create(**arguments))))


@pytest.mark.parametrize("kind", KINDS)
def test_an_interaction_goes_on_with_what_a_tool_has_returned(compare, kind):
    log = compare(kind, with_a_tool, answer("int_1", [CALL], "requires_action"), answer("int_2"))
    assert log.actions == ["prompt", "completion", "tool_call", "tool_result", "prompt", "completion"]
    assert len({event["session_id"] for event in log.events}) == 1
    (call,), (result,) = log.of("tool_call"), log.of("tool_result")
    assert result["extensions"] == {
        "reply_to": call["event_id"],
        "tool_call_id": "call_1",
        "tool": "get_weather",
    }


def refused():
    return HTTP.Response(404, json={"error": {"code": 404, "message": "Not here", "status": "NOT_FOUND"}})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("doing", [plain, stream])
def test_an_interaction_fails(compare, kind, doing):
    log = compare(kind, doing, refused)
    asked, failed = log.normalized()
    assert asked == expected()[0]
    assert failed["content"] == {"text": "Not here"}
    assert failed["extensions"] == {
        "reply_to": 0,
        "status_code": 404,
        "model": "gemini-2.5-flash",
        "error_type": log.seen[-1].error.__name__,
        "error_code": "api_error" if IS_OLD else "NOT_FOUND",
    }


async def in_the_background(interactions, seen):
    first = await settled(interactions.create(**ASK, background=True))
    seen += [spelled(await settled(interactions.get(first.id))) for _ in range(2)]


@pytest.mark.parametrize("kind", KINDS)
def test_an_interaction_in_the_background(compare, kind):
    pending = answer(steps=[], status="in_progress")
    log = compare(kind, in_the_background, pending, pending, answer())
    prompt, completion = log.normalized()
    assert prompt["extensions"]["request"] == {"background": True}
    assert completion["content"] == expected()[1]["content"]
