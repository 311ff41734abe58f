"""Turns of a Realtime conversation: one prompt, its chunks, one end, each in its place."""

from __future__ import annotations

import hashlib

from tests.support.calling import SDK, joined, settled
from tests.support.realtime import MODEL, OLD_WAY, asked, said, turns, until
from tests.support.realtime_server import SAID, SOUND, TRANSCRIPT, USAGE, b64

pytestmark = OLD_WAY
ORIGIN = {"provider": "openai", "operation": "realtime", "model": MODEL, "sdk": SDK}


def text(content):
    return {"type": "text", "content": content}


def blob(content):
    part = {"type": "blob", "modality": "audio", "mime_type": "audio/pcm"}
    return part | {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def test_a_turn(call, recording):
    recording()
    call(lambda connection: asked(connection, "Hi there"))
    told = recording.log().normalized()
    server = told[1]["provenance"].pop("server")
    assert server.startswith("127.0.0.1")
    for event in told:
        event.get("provenance", {}).pop("server", None)
    openai = {"type": "system", "id": "openai"}
    agent = {"type": "agent", "id": MODEL}
    session = {"id": "sess_1", "object": "realtime.session", "model": MODEL, "voice": "alloy"}
    assert told[0] == {
        "session_id": 0,
        "actor": {"type": "human", "id": "user"},
        "action": "prompt",
        "content": {"text": "Hi there"},
        "provenance": ORIGIN,
        "extensions": {"model": MODEL},
    }
    assert told[1] == {
        "session_id": 0,
        "actor": openai,
        "action": "system",
        "content": {"text": "session opened"},
        "provenance": ORIGIN,
        "extensions": {"model": MODEL, "session": "sess_1", "request": session},
    }
    assert told[2:6] == [
        {
            "session_id": 0,
            "actor": agent,
            "action": "completion_chunk",
            "content": {"text": word},
            "extensions": {"reply_to": 0, "index": index, "kind": "text"},
        }
        for index, word in enumerate(["You", " said:", " Hi", " there"])
    ]
    assert told[6] == {
        "session_id": 0,
        "actor": agent,
        "action": "completion",
        "content": {"text": "You said: Hi there"},
        "metrics": {
            "tokens": {
                "prompt": 20,
                "completion": 10,
                "total": 30,
                "cached": 4,
                "audio_prompt": 12,
                "audio_completion": 7,
            },
        }
        | ({"cost_usd": True} if "cost_usd" in told[6]["metrics"] else {}),
        "provenance": ORIGIN | {"response_id": "resp_1"},
        "extensions": {
            "reply_to": 0,
            "model": MODEL,
            "finish_reason": "completed",
            "usage": USAGE,
            "chunks": 4,
        },
    }
    assert told[7] == {
        "session_id": 0,
        "actor": openai,
        "action": "system",
        "content": {"text": "connection closed"},
        "provenance": ORIGIN,
        "extensions": {"model": MODEL, "ended": "closed"},
    }
    assert len(told) == 8


def test_turns_continue_one_another(call, recording):
    async def program(connection):
        for words in ("One", "Two", "Three"):
            await asked(connection, words)

    recording()
    call(program)
    told = turns(recording.log())
    assert [event["content"]["text"] for event in told] == [
        "One",
        "You said: One",
        "Two",
        "You said: Two",
        "Three",
        "You said: Three",
    ]
    assert {event["session_id"] for event in told} == {0}
    log = recording.log()
    prompts, completions = log.of("prompt"), log.of("completion")
    links = [event["extensions"].get("reply_to") for event in prompts]
    assert links == [None, completions[0]["event_id"], completions[1]["event_id"]]


def test_instructions_are_what_the_system_says(call, recording):
    async def program(connection):
        await settled(connection.session.update(session={"type": "realtime", "instructions": "Be brief."}))
        await asked(connection, "One")
        await asked(connection, "Two", instructions="Be long.")

    recording()
    call(program)
    log = recording.log()
    assert log.events[0]["content"]["text"] == "session updated"
    assert log.events[0]["extensions"]["request"] == {"type": "realtime", "instructions": "Be brief."}
    first, second = (event["content"]["messages"] for event in log.of("prompt"))
    assert first == [
        {"role": "system", "parts": [text("Be brief.")]},
        {"role": "user", "parts": [text("One")]},
    ]
    assert second == [
        {"role": "system", "parts": [text("Be long.")]},
        {"role": "user", "parts": [text("Two")]},
    ]


def test_a_tool(call, recording):
    async def program(connection):
        await asked(connection, "tool")
        output = {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}
        await settled(connection.conversation.item.create(item=output))
        await settled(connection.response.create())
        await until(connection)

    recording()
    call(program)
    log = recording.log()
    told = turns(log)
    assert [event["action"] for event in told] == [
        "prompt",
        "completion",
        "tool_call",
        "tool_result",
        "prompt",
        "completion",
    ]
    [asking], [result] = log.of("tool_call"), log.of("tool_result")
    assert asking["content"] == {"text": '{"city": "Rome"}'}
    assert asking["extensions"]["tool_call_id"] == "call_1"
    assert (result["content"], result["actor"]["id"]) == ({"text": "sunny"}, "weather")
    assert result["extensions"]["reply_to"] == asking["event_id"]
    arguments = [c for c in log.of("completion_chunk") if c["extensions"]["kind"] == "tool_arguments"]
    assert joined(arguments) == '{"city": "Rome"}'


def test_what_the_model_says_aloud(call, recording):
    recording()
    call(lambda connection: asked(connection, "Hi", output_modalities=["audio"]))
    log = recording.log()
    [end] = log.of("completion")
    assert end["content"]["text"] == SAID
    [spoken] = end["content"]["messages"]
    assert spoken["parts"] == [text(SAID), blob(b"".join(SOUND))]
    assert joined(log.of("completion_chunk")) == SAID
    assert log.of("prompt")[0]["extensions"]["request"] == {"output_modalities": ["audio"]}
    assert b64(SOUND[0]) not in recording.path.read_text()


def test_what_the_user_says_aloud(call, recording):
    async def program(connection):
        await settled(connection.input_audio_buffer.append(audio=b64(b"thrown away")))
        await settled(connection.input_audio_buffer.clear())
        for sound in SOUND:
            await settled(connection.input_audio_buffer.append(audio=b64(sound)))
        await settled(connection.input_audio_buffer.commit())
        await until(connection, "conversation.item.input_audio_transcription.completed")
        await settled(connection.response.create())
        await until(connection)

    recording()
    call(program)
    [prompt] = recording.log().of("prompt")
    assert prompt["content"] == {
        "text": TRANSCRIPT,
        "messages": [{"role": "user", "parts": [text(TRANSCRIPT), blob(b"".join(SOUND))]}],
    }
    assert b64(SOUND[0]) not in recording.path.read_text()


def test_a_turn_that_the_server_begins(call, recording):
    async def program(connection):
        session = {"type": "realtime", "turn_detection": {"type": "server_vad"}}
        await settled(connection.session.update(session=session))
        for sound in SOUND:
            await settled(connection.input_audio_buffer.append(audio=b64(sound)))
            await until(connection, "conversation.item.input_audio_transcription.completed")

    recording()
    call(program)
    log = recording.log()
    heard = [event for event in log.of("system") if event["content"]["text"] == "input transcribed"]
    assert [event["action"] for event in turns(log)] == ["prompt", "completion", "system"] * 2
    prompts = log.of("prompt")
    for prompt, sound, late in zip(prompts, SOUND, heard, strict=True):
        assert prompt["content"]["messages"] == [{"role": "user", "parts": [blob(sound)]}]
        assert late["content"]["messages"] == [{"role": "user", "parts": [text(TRANSCRIPT)]}]
        assert late["extensions"]["reply_to"] == prompt["event_id"]
        assert late["extensions"]["usage"] == {"type": "duration", "seconds": 1.5}
        assert late["session_id"] == prompt["session_id"]


def test_a_response_apart_from_the_conversation(call, recording):
    async def program(connection):
        await asked(connection, "One")
        apart = {"conversation": "none", "input": [said("Judge this")]}
        await settled(connection.response.create(response=apart))
        await until(connection)
        await asked(connection, "Two")

    recording()
    call(program)
    log = recording.log()
    first, apart, second = log.of("prompt")
    assert apart["content"] == {"text": "Judge this"}
    assert "reply_to" not in apart["extensions"]
    assert second["extensions"]["reply_to"] == log.of("completion")[0]["event_id"]
    assert len({event["session_id"] for event in (first, apart, second)}) == 1


def test_items_that_somebody_else_adds(call, recording, server):
    """As over a connection beside a telephone call: sound and words come to the server by another way."""

    class Sideband:
        def __init__(self, socket, model):
            from tests.support.realtime_server import Realtime

            script = Realtime(socket, model)
            content = [{"type": "input_audio", "transcript": "Hallo"}]
            item = {"id": "item_x", "type": "message", "role": "user", "content": content}
            script.send("conversation.item.added", item=item)
            script.send("conversation.item.done", item=item)
            script.words = "Hallo"
            script.on_response_create({})

    server.play = Sideband
    recording()
    call(until)
    [prompt] = recording.log().of("prompt")
    assert prompt["content"]["text"] == "Hallo"
    heard = {"type": "blob", "modality": "audio", "mime_type": "audio/pcm"}
    assert prompt["content"]["messages"] == [{"role": "user", "parts": [text("Hallo"), heard]}]
