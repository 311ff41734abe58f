"""Every way to ask google-genai: the program sees what it sees without us, and the log has it once."""

from __future__ import annotations

import pytest
from google.genai import types

from tests.support.calling import HELLO, KINDS, settled
from tests.support.gemini import (
    ANSWERS,
    ASK,
    PIECES,
    STREAMS,
    WAYS,
    chunks,
    completion,
    get_weather,
    prompt,
    provenance,
)

USED = (3, 17)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ANSWERS)
def test_an_answer_comes_whole(compare, kind, way):
    log = compare(kind, WAYS[way], ASK)
    assert log.normalized() == [prompt(log.sent), completion(HELLO, USED, finish_reason="STOP")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", STREAMS)
def test_an_answer_comes_in_a_stream(compare, kind, way):
    log = compare(kind, WAYS[way], ASK)
    end = completion(HELLO, USED, finish_reason="STOP", chunks=len(PIECES))
    assert log.normalized() == [prompt(log.sent), *chunks(PIECES), end]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
def test_a_function_is_called_by_the_sdk(compare, kind, way):
    config = types.GenerateContentConfig(tools=[get_weather])
    log = compare(kind, WAYS[way], ASK | {"contents": "How is the weather in Rome?", "config": config})
    assert [event for event in log.actions if event != "completion_chunk"] == [
        *("prompt", "completion", "tool_call"),
        *("tool_result", "prompt", "completion"),
    ]
    asked, answer = log.of("completion")
    (call,), (result,), (_, told) = log.of("tool_call"), log.of("tool_result"), log.of("prompt")
    assert call["content"] == {"text": '{"city": "Rome"}'}
    assert call["extensions"] == {"reply_to": asked["event_id"], "tool": "get_weather"}
    assert result["actor"] == {"type": "tool", "id": "get_weather"}
    assert result["content"] == {"text": '{"result": "sunny in Rome"}'}
    assert result["extensions"] == {"reply_to": call["event_id"], "tool": "get_weather"}
    assert told["actor"] == {"type": "tool", "id": "get_weather"}
    assert told["extensions"]["reply_to"] == result["event_id"]
    assert told["extensions"]["history"] == {"messages": 2, "after": asked["event_id"]}
    assert answer["content"]["text"] == "I asked, and this is what the tool returned: sunny in Rome."
    assert len({event["session_id"] for event in log.events}) == 1


async def embed(f, arguments, seen):
    seen.append((await settled(f.embed(**arguments))).model_dump(exclude={"sdk_http_response"}))


@pytest.mark.parametrize("kind", KINDS)
def test_embeddings(compare, kind):
    log = compare(kind, embed, {"model": "gemini-embedding-001", "contents": ["one", "two"]})
    (event,) = log.normalized()
    assert event == {
        "session_id": 0,
        "actor": {"type": "agent", "id": "gemini-embedding-001"},
        "action": "embedding",
        "content": {
            "messages": [
                {"role": "user", "parts": [{"type": "text", "content": text}]} for text in ("one", "two")
            ]
        },
        "metrics": {},
        "provenance": provenance("gemini-embedding-001", operation="batchEmbedContents"),
        "extensions": {
            "model": "gemini-embedding-001",
            "dimensions": 768,
            "inputs": 2,
            "status_code": 200,
        },
    }
