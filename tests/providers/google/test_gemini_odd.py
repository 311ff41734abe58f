"""Whatever is missing, null or of another type in an answer: the program gets it, the call has its end."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from google.genai import types

from hilt_autolog.runtime import control
from tests.support.calling import outcome, run_sync
from tests.support.gemini import HTTP, WAYS, get_weather, made, plain, resources, stream

ANSWER = {
    "candidates": [
        {
            "content": {
                "role": "model",
                "parts": [
                    {"text": "Let me see.", "thought": True, "thoughtSignature": "YQ=="},
                    {"text": "Yes"},
                    {"functionCall": {"id": "call_1", "name": "get_weather", "args": {"city": "Rome"}}},
                    {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}},
                    {"fileData": {"mimeType": "text/plain", "fileUri": "gs://a/b"}},
                    {"executableCode": {"language": "PYTHON", "code": "1"}},
                    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
                ],
            },
            "finishReason": "STOP",
            "finishMessage": "Done",
            "index": 0,
            "safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}],
            "citationMetadata": {"citations": [{"startIndex": 0, "uri": "https://example.com"}]},
            "groundingMetadata": {
                "groundingChunks": [{"web": {"uri": "https://example.com", "title": "Example"}}],
                "groundingSupports": [{"groundingChunkIndices": [0], "confidenceScores": [0.5]}],
            },
        }
    ],
    "promptFeedback": {"blockReason": "OTHER", "safetyRatings": []},
    "usageMetadata": {
        "promptTokenCount": 3,
        "candidatesTokenCount": 4,
        "totalTokenCount": 7,
        "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 1}],
    },
    "modelVersion": "gemini-2.5-flash",
    "responseId": "abc",
}
GONE = object()
WRONG = {"gone": GONE, "null": None, "a number": 3, "a text": "x", "a list": [1], "an object": {"a": None}}


def places(value, path=()):
    """The paths of all fields and items."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in items:
        yield (*path, key)
        yield from places(one, (*path, key))


def spoiled(path, wrong):
    body = copy.deepcopy(ANSWER)
    *above, last = path
    holder: Any = body
    for key in above:
        holder = holder[key]
    if wrong is GONE:
        del holder[last]
    else:
        holder[last] = wrong
    return body


SPOILED = [spoiled(path, wrong) for path in places(ANSWER) for wrong in WRONG.values()]


def all_seen(way):
    """What the program sees of each of the spoiled answers."""
    bodies = iter(SPOILED)
    client = made(transport=lambda _: (streamed if way is stream else whole)(next(bodies)))
    f, arguments = resources(client), {"model": "m", "contents": "Hello"}
    seen = [outcome(run_sync, way, f, arguments)[0] for _ in SPOILED]
    client.close()
    return seen


def whole(body):
    return HTTP.Response(200, json=body)


def streamed(body):
    content = f"data: {json.dumps(body)}\n\n".encode()
    return HTTP.Response(200, content=content, headers={"content-type": "text/event-stream"})


@pytest.mark.parametrize("way", [plain, stream])
def test_an_answer_with_a_field_spoiled(recording, way):
    alone = all_seen(way)
    recording(chunks="off")
    assert all_seen(way) == alone
    log = recording.log()
    assert log.read.problems == []
    begun = [event["event_id"] for event in log.of("prompt")]
    ended = [event["extensions"]["reply_to"] for event in log.of("completion", "system")]
    assert len(begun) == len(SPOILED)
    assert {*ended} == {*begun}


NOTHING = ("", "null", "[]", "3", '"x"', "{}", '{"candidates": []}', '{"candidates": [null]}', "{", "<html>")


@pytest.mark.parametrize("body", NOTHING)
def test_bodies_that_say_nothing(recording, body):
    client = made(transport=lambda _: HTTP.Response(200, text=body))
    f, arguments = resources(client), {"model": "m", "contents": "Hello"}
    alone = outcome(run_sync, plain, f, arguments)[0]
    recording()
    assert outcome(run_sync, plain, f, arguments)[0] == alone
    asked, *ends = recording.log().events
    assert [event["action"] for event in ends] in (["completion"], ["system"])
    assert ends[0]["extensions"]["reply_to"] == asked["event_id"]
    client.close()


# --- requests of every form that the SDK takes

PARTS = types.Part(text="one"), types.Part(text="two")
FORMS = {
    "a text": ("one", [["one"]]),
    "texts": (["one", "two"], [["one", "two"]]),
    "a part": (PARTS[0], [["one"]]),
    "parts": ([*PARTS], [["one", "two"]]),
    "a content": (types.UserContent("one"), [["one"]]),
    "contents": ([types.UserContent("one"), types.UserContent("two")], [["one"], ["two"]]),
    "a dict": ({"role": "user", "parts": [{"text": "one"}]}, [["one"]]),
    "dicts": ([{"parts": [{"text": "one"}]}, {"parts": [{"text": "two"}]}], [["one"], ["two"]]),
    "an empty text": ([{"role": "user", "parts": [{"text": ""}]}], [[]]),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_a_request(clients, provider, recording, form):
    _, offered = clients["sync"]
    contents, expected = FORMS[form]
    with recording():
        offered.generate(model="gemini-2.5-flash", contents=contents)
    log = recording.log()
    messages = log.read.messages_of(log.of("prompt")[0])
    assert [[part["content"] for part in one["parts"]] for one in messages] == expected


def test_a_request_is_not_changed(clients, provider, recording):
    _, offered = clients["sync"]
    contents = [types.UserContent("Hello")]
    config = types.GenerateContentConfig(temperature=0.5, tools=[get_weather], system_instruction="Be brief")
    before = (copy.deepcopy(contents), config.model_dump_json(exclude={"tools"}))
    bodies = []
    for _ in range(2):
        offered.generate(model="gemini-2.5-flash", contents=contents, config=config)
        bodies.append(provider.requests[-1].body)
        recording()
    assert bodies[0] == bodies[1]
    assert (contents, config.model_dump_json(exclude={"tools"})) == before


@pytest.mark.parametrize("way", WAYS)
def test_ten_calls_leave_nothing_open(clients, recording, way):
    _, offered = clients["sync"]
    recording()
    for model in ("gemini-2.5-flash", "fail-500") * 5:
        outcome(run_sync, WAYS[way], offered, {"model": model, "contents": "Hello"})
    assert control._state.call_starter.recorder.open_activities == {}
