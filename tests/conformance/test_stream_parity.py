"""A stream that is observed is the SDK's own object, and behaves as one that is not."""

from __future__ import annotations

from itertools import islice
from typing import Any, TypeVar

import pytest
from offline.wire import frame

from tests.support.apis import APIS
from tests.support.calling import (
    HELLO,
    KINDS,
    agree,
    each,
    entered,
    functions,
    outcome,
    run_sync,
    settled,
    spelled,
)
from tests.support.in_process import IN_PROCESS
from tests.support.parity import CHECKS, checked, portrait
from tests.support.sdks import sdk_of
from tests.support.ways import WAYS

FEW = ("chat", "messages")


async def stream(f, arguments, seen):
    opened = await settled(f.create(**arguments, stream=True))
    await _pictured(opened, f, seen)


async def raw_stream(f, arguments, seen):
    raw = await settled(f.raw(**arguments, stream=True))
    seen.append(portrait(raw))
    seen.append(raw.headers["content-type"])
    opened = await settled(raw.parse())
    assert await settled(raw.parse()) is opened
    await _pictured(opened, f, seen)


async def streaming_stream(f, arguments, seen):
    async with entered(f.streaming(**arguments, stream=True)) as streaming:
        seen.append(portrait(streaming))
        await _pictured(await settled(streaming.parse()), f, seen)


async def helper(f, arguments, seen):
    async with entered(f.stream(**arguments)) as opened:
        await _pictured(opened, f, seen, inner=opened._raw_stream)


async def _pictured(opened, f, seen, inner=None):
    inner = inner or opened
    seen += [portrait(opened), portrait(inner), isinstance(inner, sdk_of(f.client).streams)]
    seen += [type(each(opened)), type(inner.response), getattr(opened, "response", None) is inner.response]
    async with entered(opened) as inside:
        seen.append(inside is opened)
        seen += [spelled(item) async for item in each(opened)]
    seen.append(portrait(inner.response))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("api", FEW)
@pytest.mark.parametrize("way", [stream, raw_stream, streaming_stream, helper])
def test_a_stream_looks_the_same(runner, recording, kind, api, way):
    run = run_sync if kind == "sync" else runner.run
    here = IN_PROCESS[APIS[api].sdk.name]
    case = (run, way, functions(here.offline(kind), APIS[api].call), APIS[api].arguments)
    alone = outcome(*case)
    recording()
    agree(alone, outcome(*case))
    assert len(recording.log().of("prompt")) == 1


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("api", FEW)
@pytest.mark.usefixtures("frozen")
def test_a_stream_is_used_the_same(runner, recording, api, kind, check):
    run = run_sync if kind == "sync" else runner.run
    f = functions(IN_PROCESS[APIS[api].sdk.name].offline(kind), APIS[api].call)

    async def opened():
        return await settled(f.create(**APIS[api].arguments, stream=True))

    alone = outcome(run, checked, CHECKS[check], opened)
    recording()
    agree(alone, outcome(run, checked, CHECKS[check], opened))
    log = recording.log()
    assert len(log.of("prompt")) == len(log.of("completion"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("api", FEW)
@pytest.mark.parametrize("way", ["plain", "raw", *(name for name in WAYS if name.startswith("streaming."))])
def test_nothing_of_ours_stays_on_a_response(runner, recording, kind, api, way):
    """A response that was read can be pickled, copied and compared as before."""
    run = run_sync if kind == "sync" else runner.run
    responses = []
    hooks = {"event_hooks": {"response": [kept(kind, responses)]}}
    here = IN_PROCESS[APIS[api].sdk.name]
    case = (run, WAYS[way], functions(here.offline(kind, hooks), APIS[api].call), APIS[api].arguments)
    outcome(*case)
    recording()
    outcome(*case)
    alone, watched = responses
    assert portrait(watched) == portrait(alone)


def kept(kind, responses):
    async def keep(response):
        responses.append(response)

    return keep if kind == "async" else responses.append


@pytest.mark.parametrize("api", FEW)
def test_mixing_iter_and_next(recording, api):
    """A loop, a step and another loop go on where the last one stopped."""

    def mixed():
        f = functions(IN_PROCESS[APIS[api].sdk.name].offline(), APIS[api].call)
        with f.create(**APIS[api].arguments, stream=True) as opened:
            items = [next(opened) for _ in range(2)]
            items += islice(opened, 2)
            assert iter(opened) is not opened
            return [*map(spelled, items), *map(spelled, iter(opened))]

    alone = mixed()
    recording()
    assert mixed() == alone
    assert recording.log().of("completion")[0]["content"]["text"] == HELLO


NOVEL = {
    "chat": [
        frame({"id": "c_1", "object": "novelty", "choices": [{"index": 0, "delta": {"melody": 1}}], "x": 1}),
        frame({"no": "choices"}),
        frame([1]),
    ],
    "messages": [
        frame({"type": "novelty", "x": 1}, "novelty"),
        frame({"type": "content_block_start", "index": 7, "content_block": {"type": "melody"}}, "melody"),
        frame({"type": "content_block_delta", "index": 7, "delta": {"type": "melody", "key": 1}}, "melody"),
        frame({"no": "type"}, "content_block_delta"),
    ],
}


@pytest.mark.parametrize("api", FEW)
def test_a_chunk_of_a_type_that_nobody_knows(recording, api):
    def chunks():
        here, frames = IN_PROCESS[APIS[api].sdk.name], [*NOVEL[api], *APIS[api].frames]
        f = functions(here.client_over(lambda request: here.response(frames)), APIS[api].call)
        return [spelled(chunk) for chunk in f.create(**APIS[api].arguments, stream=True)]

    alone = chunks()
    recording()
    assert chunks() == alone
    told = recording.log().of("completion_chunk", "completion")
    assert [event["content"]["text"] for event in told] == ["Hel", "Hel"]


T = TypeVar("T")


def odd(base):
    """A stream of another make: it has no iterator that we know."""

    of_any: Any = base[T]

    class Odd(of_any):
        def __init__(self, *, cast_to, response, client, options=None):
            self.response = response
            self._lines = response.iter_lines()

        def __iter__(self):
            return self

        def __next__(self):
            return next(self._lines)

    generic: Any = Odd
    return generic[Any]


@pytest.mark.parametrize("api", FEW)
def test_a_stream_of_another_make_is_left_alone(recording, api):
    sdk = APIS[api].sdk
    stream_cls = odd(sdk.streams[0])

    def read():
        f = functions(IN_PROCESS[sdk.name].offline(), APIS[api].call)
        body = APIS[api].arguments | {"stream": True}
        opened = f.client.post(f.path, cast_to=object, body=body, stream=True, stream_cls=stream_cls)
        return type(opened), sorted(vars(opened)), [line[:5] for line in opened]

    alone = read()
    recording()
    assert read() == alone
    assert [event["action"] for event in recording.log().events][-1] == "completion"
    assert recording.log().of("completion")[0]["content"]["text"] == HELLO
