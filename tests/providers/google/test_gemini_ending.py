"""However a stream ends, the program sees what it sees without us, and the log says how it ended."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

import hilt_autolog
from tests.support.calling import HELLO, KINDS, collected, each, settled, some
from tests.support.gemini import ASK, PIECES, chunks, completion, made, prompt, resources, spelled

SOME = 7  # chunks that are taken before a stream is left


async def opened(f, arguments):
    return await settled(f.stream(**arguments))


async def opened_by_a_chat(f, arguments):
    return await settled(f.chat(model=arguments["model"]).send_message_stream(arguments["contents"]))


OPEN = {"stream": opened, "chat stream": opened_by_a_chat}


async def left_by_break(stream, seen):
    taken = 0
    if hasattr(stream, "__anext__"):
        async for chunk in stream:
            seen.append(spelled(chunk))
            if (taken := taken + 1) == SOME:
                break
    else:
        for chunk in stream:
            seen.append(spelled(chunk))
            if (taken := taken + 1) == SOME:
                break


async def left_by_close(stream, seen):
    seen += map(spelled, await some_of(stream))
    await settled(stream.aclose() if hasattr(stream, "aclose") else stream.close())


async def left_by_an_exception(stream, seen):
    seen += map(spelled, await some_of(stream))
    throw = stream.athrow if hasattr(stream, "athrow") else stream.throw
    with pytest.raises(ZeroDivisionError):
        await settled(throw(ZeroDivisionError()))


async def dropped(stream, seen):
    seen += map(spelled, await some_of(stream))


async def some_of(stream):
    step = stream.__anext__ if hasattr(stream, "__anext__") else stream.__next__
    return [await settled(step()) for _ in range(SOME)]


WAYS = (left_by_break, left_by_close, dropped)


def leaving(opening, ending):
    async def doing(f, arguments, seen):
        await ending(await opening(f, arguments), seen)
        await collected()

    return doing


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("opening", OPEN)
@pytest.mark.parametrize("ending", WAYS)
@pytest.mark.usefixtures("frozen")
def test_a_stream_is_left(compare, kind, opening, ending):
    log = compare(kind, leaving(OPEN[opening], ending), ASK)
    heard = PIECES[:SOME]
    end = completion("".join(heard), chunks=SOME, partial=True, ended="closed")
    assert log.normalized() == [prompt(log.sent), *chunks(heard), end]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("frozen")
def test_an_exception_is_thrown_into_a_stream(compare, kind):
    log = compare(kind, leaving(opened, left_by_an_exception), ASK)
    assert log.events[-1]["extensions"]["ended"] == "closed"
    assert len(log.of("completion")) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_is_left_after_its_last_word(compare, kind):
    async def all_but_the_end(stream, seen):
        seen += map(spelled, await some(stream, len(PIECES) + 1))

    log = compare(kind, leaving(opened, all_but_the_end), ASK)
    end = completion(HELLO, (3, 17), finish_reason="STOP", chunks=len(PIECES))
    assert log.normalized() == [prompt(log.sent), *chunks(PIECES), end]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("opening", OPEN)
def test_a_stream_that_nobody_iterates_has_sent_nothing(clients, provider, recording, kind, opening):
    run, offered = clients[kind]
    recording()
    provider.requests.clear()

    async def unread():
        await OPEN[opening](offered, ASK)
        await collected()

    run(unread())
    assert not provider.requests
    assert recording.log().events == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_prompt_is_written_with_the_first_step(clients, recording, kind):
    run, offered = clients[kind]
    recording()

    async def stepping():
        stream = await opened(offered, ASK)
        assert recording.log().actions == []
        async with contextlib.aclosing(each(stream)) as chunks_of_it:
            await anext(chunks_of_it)
            return recording.log().actions

    assert run(stepping()) == ["prompt", "completion_chunk"]


def test_a_task_is_cancelled_in_the_middle(provider, runner, recording):
    recording()

    async def cancelled():
        client = made(provider.url)
        arguments = {"model": "fail-stall", "contents": "Hello"}
        task = asyncio.ensure_future(drain(resources(client.aio), arguments))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await client.aio.aclose()
        return task.cancelled()

    assert runner.run(cancelled())
    *_, partial, failed = recording.log().events
    assert partial["extensions"]["ended"] == "cancelled"
    assert failed["extensions"]["error_code"] == "cancelled"


async def drain(f, arguments):
    async for _ in await f.stream(**arguments):
        pass


def test_a_task_is_cancelled_before_the_answer(provider, runner, recording):
    recording()

    async def cancelled():
        client = made(provider.url)
        task = asyncio.ensure_future(client.aio.models.generate_content(model="fail-slow", contents="Hi"))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await client.aio.aclose()

    runner.run(cancelled())
    log = recording.log()
    assert log.actions == ["prompt", "system"]
    assert log.events[-1]["extensions"]["error_code"] == "cancelled"


def test_a_stream_is_open_when_the_recording_ends(clients, recording):
    recording()
    _, offered = clients["sync"]
    stream = offered.stream(**ASK)
    next(stream)
    hilt_autolog.disable()
    events = recording.log().events
    assert events[-1]["extensions"]["ended"] == "exit"
    rest = "".join(chunk.text or "" for chunk in stream)
    assert PIECES[0] + rest == HELLO
    assert len(recording.log().events) == len(events)
