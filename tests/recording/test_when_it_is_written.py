"""What has happened is on disk before the program goes on, and how long it took is recorded."""

from __future__ import annotations

import asyncio
import contextvars
import time

import pytest
from offline.wire import frame

import hilt_autolog
from tests.support.calling import KINDS, each, run_sync, settled
from tests.support.in_process import client_over, offline, response

ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
ANSWER = {"id": "c_1", "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}}]}


def said(*texts):
    return [frame({"id": "c_1", "choices": [{"index": 0, "delta": {"content": text}}]}) for text in texts]


def test_the_question_is_written_before_it_is_sent(recording):
    seen = []

    def answer(request):
        seen.extend(recording.log().actions)
        return response(ANSWER)

    recording()
    client_over(answer).chat.completions.create(**ASK)
    assert seen == ["prompt"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_chunk_is_written_before_the_program_has_it(runner, recording, kind):
    async def read():
        client = client_over(lambda request: response(said("a", "b", "c")), kind)
        stream = await settled(client.chat.completions.create(**ASK, stream=True))
        return [recording.log().actions.count("completion_chunk") async for _ in each(stream)]

    recording()
    assert (run_sync if kind == "sync" else runner.run)(read()) == [1, 2, 3]


def test_how_long_it_took(recording):
    def slowly():
        for piece in said("a", "b", "c"):
            time.sleep(0.03)
            yield piece

    recording()
    list(client_over(lambda request: response(slowly())).chat.completions.create(**ASK, stream=True))
    client_over(lambda request: time.sleep(0.05) or response(ANSWER)).chat.completions.create(**ASK)
    streamed, whole = [answer["metrics"] for answer in recording.log().of("completion")]
    assert 30 <= streamed["ttft_ms"] <= streamed["latency_ms"] - 60
    assert 50 <= whole["latency_ms"] < 5000
    assert "ttft_ms" not in whole


def test_a_call_made_while_the_log_is_closed_for_good(recording):
    with recording():
        offline().chat.completions.create(**ASK)
    offline().chat.completions.create(**ASK)
    assert recording.log().actions == ["prompt", "completion"]


# --- tasks and contexts


def test_a_named_conversation_goes_along_into_tasks(runner, recording):
    async def ask():
        await offline("async").chat.completions.create(**ASK)

    async def together():
        with hilt_autolog.conversation("team"):
            await asyncio.gather(ask(), ask())
        await ask()

    recording()
    runner.run(together())
    names = [event["extensions"].get("conversation") for event in recording.log().of("prompt")]
    assert names == ["team", "team", None]


def test_a_stream_begun_in_one_task_is_ended_in_another(runner, recording):
    async def begin():
        with hilt_autolog.conversation("first"):
            stream = await offline("async").chat.completions.create(**ASK, stream=True)
            await anext(stream)
            return stream

    async def end(stream):
        with hilt_autolog.conversation("second"):
            return [chunk async for chunk in stream]

    async def both():
        stream = await asyncio.create_task(begin())
        await asyncio.create_task(end(stream))

    recording()
    runner.run(both())
    told = recording.log().of("prompt", "completion")
    assert [event["extensions"].get("conversation") for event in told] == ["first", "first"]


def test_a_generator_is_closed_in_another_context(recording):
    def talking():
        with hilt_autolog.conversation("inside"):
            yield offline().chat.completions.create(**ASK)

    recording()
    generator = talking()
    contextvars.copy_context().run(next, generator)
    generator.close()
    offline().chat.completions.create(**ASK)
    names = [event["extensions"].get("conversation") for event in recording.log().of("prompt")]
    assert names == ["inside", None]
