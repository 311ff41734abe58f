"""What is the program's own doing (cancelling, interrupting, leaving) passes, and is recorded."""

from __future__ import annotations

import asyncio

import pytest
from offline.answers import pieces

from tests.support.apis import APIS
from tests.support.calling import HELLO, functions, run_sync
from tests.support.in_process import IN_PROCESS
from tests.support.ways import WAYS


async def nothing_new(seen, least):
    """Wait until the program gets no further, for some looks in a row; it gets at least so far.

    One that shows nothing has more time: it may not have begun, where the machine is busy.
    """
    known = [-1]
    for _ in range(250):
        known.append(len(seen))
        looks = 3 if seen else 8
        if known[-looks:] == [max(len(seen), least)] * looks:
            return
        await asyncio.sleep(0.04)


def cancelling(way, least=0):
    """Do it in a task, which is cancelled where it waits."""

    async def cancelled(f, arguments, seen):
        task = asyncio.create_task(way(f, arguments, seen))
        await nothing_new(seen, least)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        await task

    return cancelled


def timing_out(way, least=0):
    """Do it under a timeout, which expires where it waits."""

    async def expire(limit, seen):
        await nothing_new(seen, least)
        limit.reschedule(0)

    async def timed_out(f, arguments, seen):
        async with asyncio.timeout(None) as limit:
            expiring = asyncio.create_task(expire(limit, seen))
            await way(f, arguments, seen)
        await expiring

    return timed_out


HALF = 5  # items of a stream that stalls half way, at least
CANCELLED = {"error_type": "CancelledError", "error_code": "cancelled"}


@pytest.mark.parametrize("ending", [cancelling, timing_out])
@pytest.mark.parametrize("api", ["chat", "responses", "messages"])
@pytest.mark.parametrize("way", ["plain", "stream"])
def test_waiting_for_an_answer_is_cancelled(compare, api, way, ending):
    model = "fail-slow"
    log = compare("async", ending(WAYS[way]), **APIS[api].asks(model=model))
    assert log.normalized() == [
        APIS[api].prompt(log.sent),
        APIS[api].error("CancelledError", model, **CANCELLED),
    ]


@pytest.mark.parametrize("ending", [cancelling, timing_out])
@pytest.mark.parametrize("api", ["chat", "responses", "messages"])
@pytest.mark.parametrize("way", ["stream", "streaming.iter_lines of a stream", "helper"])
def test_waiting_for_a_chunk_is_cancelled(compare, api, way, ending):
    model = "fail-stall"
    least = 0 if way.startswith("streaming") else HALF  # lines are shown when all of them are there
    log = compare("async", ending(WAYS[way], least), **APIS[api].asks(model=model))
    heard = [chunk["content"]["text"] for chunk in log.of("completion_chunk")]
    assert heard == pieces(HELLO)[: len(heard)] != []
    end = {"chunks": len(heard), "partial": True, "ended": "cancelled"}
    assert log.normalized() == [
        APIS[api].prompt(log.sent),
        *APIS[api].chunks(heard, model),
        APIS[api].completion("".join(heard), APIS[api].begun, model=model, **end),
        APIS[api].error("CancelledError", model, request_id="req_#", **CANCELLED),
    ]


# --- exceptions that are no Exception


def raised(error):
    def answer(request):
        raise error

    return answer


LEAVING = [
    KeyboardInterrupt("stop"),
    SystemExit(3),
    GeneratorExit("gone"),
]


@pytest.mark.parametrize("api", ["chat", "messages"])
@pytest.mark.parametrize("error", LEAVING, ids=lambda error: type(error).__name__)
def test_leaving_during_a_request(recording, api, error):
    recording()
    f = functions(IN_PROCESS[APIS[api].sdk.name].client_over(raised(error)), APIS[api].call)
    with pytest.raises(type(error)) as caught:
        run_sync(WAYS["plain"](f, APIS[api].arguments, []))
    assert caught.value is error
    assert [fact(event) for event in recording.log().events] == [("prompt", None), ("system", "cancelled")]


@pytest.mark.parametrize("api", ["chat", "messages"])
@pytest.mark.parametrize("error", LEAVING, ids=lambda error: type(error).__name__)
def test_leaving_during_a_stream(recording, api, error):
    recording()
    here, frames = IN_PROCESS[APIS[api].sdk.name], [*APIS[api].frames, error]
    f = functions(here.client_over(lambda request: here.response(frames)), APIS[api].call)
    with pytest.raises(type(error)) as caught:
        run_sync(WAYS["stream"](f, APIS[api].arguments, []))
    assert caught.value is error
    log = recording.log()
    assert [fact(event) for event in log.events] == [
        ("prompt", None),
        ("completion_chunk", None),
        ("completion", "cancelled"),
        ("system", "cancelled"),
    ]
    assert log.of("completion")[0]["content"] == {"text": "Hel"}


def fact(event):
    extensions = event["extensions"]
    return event["action"], extensions.get("error_code") or extensions.get("ended")
