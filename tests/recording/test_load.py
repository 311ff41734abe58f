"""Many at a time and one after another: nothing is lost, doubled or mixed up, and nothing stays."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from offline.wire import frame

import hilt_autolog
from hilt_autolog.instrumentation import response_bodies, streams
from hilt_autolog.recording import call
from hilt_autolog.runtime import control
from tests.benchmarks.abandoned import leave, more_mb
from tests.support.calling import KINDS, run_sync, settled
from tests.support.chat_messages import as_logged
from tests.support.in_process import HTTP, client_over, offline, response
from tests.support.sdks import SDKS

TURNS = 3


def words_of(number):
    """Half of the conversations say the same, the others have words of their own."""
    return f"I am {number}" if number % 2 else "Hello"


async def talk(client, words):
    """A conversation, every other turn of it streamed; returns what was asked."""
    messages, asked = [], []
    for turn in range(TURNS):
        messages.append({"role": "user", "content": f"{words}, for the {turn}. time"})
        asked.append(as_logged(messages))
        stream = turn % 2 == 1
        answer = client.chat.completions.create(model="gpt-4o", messages=messages, stream=stream)
        messages.append({"role": "assistant", "content": await said(await settled(answer), stream=stream)})
    return asked


async def said(answer, *, stream):
    if not stream:
        return answer.choices[0].message.content
    chunks = [chunk async for chunk in answer] if hasattr(answer, "__anext__") else list(answer)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def told(log, conversations):
    """Every request was recorded once, whole and in its own conversation, and answered there."""
    sessions = {}
    for event in log.events:
        sessions.setdefault(event["session_id"], []).append(event)
    assert len(sessions) == len(conversations)
    chunks = Counter(chunk["extensions"]["reply_to"] for chunk in log.of("completion_chunk"))
    told = []
    for events in sessions.values():
        prompts = [event for event in events if event["action"] == "prompt"]
        names = [prompt["event_id"] for prompt in prompts]
        answers = [event["extensions"] for event in events if event["action"] == "completion"]
        assert [answer["reply_to"] for answer in answers] == names
        assert [answer.get("chunks", 0) for answer in answers] == [chunks[name] for name in names]
        assert not any("partial" in answer for answer in answers)
        told.append([log.read.messages_of(prompt) for prompt in prompts])
    assert log.read.problems == []
    assert sorted(map(str, told)) == sorted(map(str, conversations))


def test_threads(recording):
    recording()
    client = offline()
    with ThreadPoolExecutor(32) as pool:
        conversations = [*pool.map(lambda number: run_sync(talk(client, words_of(number))), range(64))]
    told(recording.log(), conversations)


def test_tasks(runner, recording):
    async def together():
        client = offline("async")
        return await asyncio.gather(*(talk(client, words_of(number)) for number in range(500)))

    recording(chunks="off")
    conversations = runner.run(together())
    log = recording.log()
    assert len(log.events) == 500 * TURNS * 2
    assert len({event["session_id"] for event in log.events}) == 500
    assert Counter(str(log.read.messages_of(prompt)) for prompt in log.of("prompt")) == Counter(
        str(asked) for conversation in conversations for asked in conversation
    )


# --- nothing stays

OURS = (call.Call, streams.StreamState, streams.AsyncStreamIterator, response_bodies.BodyRecorder)
ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}


def alive():
    for _ in range(3):  # what a finalizer has seen goes with the next collection
        gc.collect()
    return Counter(type(thing) for thing in gc.get_objects() if isinstance(thing, (*OURS, HTTP.Response)))


def left_open(client):
    next(client.chat.completions.create(**ASK, stream=True))


def unparsed(client):
    client.chat.completions.with_raw_response.create(**ASK, stream=True)


def read_by_lines(client):
    with client.chat.completions.with_streaming_response.create(**ASK, stream=True) as answer:
        list(answer.iter_lines())


def left_by_lines(client):
    with client.chat.completions.with_streaming_response.create(**ASK, stream=True) as answer:
        next(answer.iter_lines())


def drained(client):
    list(client.chat.completions.create(**ASK, stream=True))


FRAMES = [frame({"id": "c_1", "choices": [{"index": 0, "delta": {"content": word}}]}) for word in ("a", "b")]


@pytest.mark.usefixtures("frozen")
@pytest.mark.parametrize("leave", [left_open, unparsed, read_by_lines, left_by_lines, drained])
def test_nothing_is_held_of_streams(recording, leave):
    recording(chunks="off")
    client = client_over(lambda request: response(FRAMES))
    before = alive()
    for _ in range(200):
        leave(client)
    assert alive() == before
    assert control._state.call_starter.recorder.open_activities == {}
    assert recording.log().actions == ["prompt", "completion"] * 200 or leave is not drained


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="asks Linux for the memory in use")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sdk", SDKS)
def test_streams_that_are_left_keep_no_memory(recording, sdk, kind):
    """Some hundreds; `tests/benchmarks/abandoned.py` leaves 10,000."""
    recording()
    assert more_mb(sdk, kind, 300) < 2
    log = recording.log()
    assert len(log.of("prompt")) == len(log.of("completion")) == 600
    assert all(end["extensions"]["partial"] for end in log.of("completion"))
    assert control._state.call_starter.recorder.open_activities == {}


@pytest.mark.usefixtures("frozen")
@pytest.mark.parametrize("sdk", SDKS)
def test_a_stream_that_is_left_goes_at_once(recording, sdk):
    """It leaves no circle for the garbage collector to find; a client is full of them."""
    recording()
    assert garbage_of(sdk, 20) == garbage_of(sdk, 1)


def garbage_of(sdk, streams):
    gc.collect()
    gc.disable()
    leave(sdk, streams)
    found = gc.collect()
    gc.enable()
    return found


def test_nothing_is_held_of_calls_that_failed(recording):
    recording()
    client = client_over(lambda request: response({}, status=500))
    before = alive()
    for _ in range(200):
        with pytest.raises(Exception, match="500"):
            client.chat.completions.create(**ASK)
    assert alive() == before
    assert control._state.call_starter.recorder.open_activities == {}


def test_nothing_is_held_of_background_responses_that_nobody_fetches(recording):
    recording()
    client = offline()
    for _ in range(50):
        client.responses.create(model="gpt-4o", input="Hello", background=True)
    hilt_autolog.disable()
    assert recording.log().actions == ["prompt"] * 50 + ["completion"] * 50
