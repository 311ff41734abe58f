"""However a stream ends, the program sees what it sees without us, and the log says how it ended."""

from __future__ import annotations

from functools import partial

import pytest
from offline.answers import pieces

from tests.support.apis import APIS, HELPED
from tests.support.calling import HELLO, KINDS, MADE_HERE, collected, each, entered, settled, some, spelled
from tests.support.ways import streaming_unread

SOME = 7  # items that are taken before a stream is left


# --- ways to a stream that nobody closes by itself


async def stream(f, arguments):
    return await settled(f.create(**arguments, stream=True))


async def raw_stream(f, arguments):
    return await settled((await settled(f.raw(**arguments, stream=True))).parse())


OPEN = {"stream": stream, "raw stream": raw_stream}


# --- ways to leave it


async def dropped(stream, f, arguments, seen):
    seen += map(spelled, await some(await stream(f, arguments), SOME))
    await collected()


async def dropped_unread(stream, f, arguments, seen):
    seen.append(type(await stream(f, arguments)))
    await collected()


async def closed(stream, f, arguments, seen):
    opened = await stream(f, arguments)
    seen += map(spelled, await some(opened, SOME))
    await settled(opened.close())
    await settled(opened.close())
    seen.append(opened.response.is_closed)


async def closed_unread(stream, f, arguments, seen):
    opened = await stream(f, arguments)
    await settled(opened.close())
    seen.append(opened.response.is_closed)


async def closed_by_the_response(stream, f, arguments, seen):
    opened = await stream(f, arguments)
    seen += map(spelled, await some(opened, SOME))
    await settled(getattr(opened.response, "aclose" if hasattr(opened, "__anext__") else "close")())


async def aclosed(stream, f, arguments, seen):
    opened = await stream(f, arguments)
    seen += map(spelled, await some(opened, SOME))
    await settled(getattr(opened, "aclose", opened.close)())


async def left_by_with(stream, f, arguments, seen):
    async with entered(await stream(f, arguments)) as opened:
        seen += map(spelled, await some(opened, SOME))


async def left_by_an_exception(stream, f, arguments, seen):
    async with entered(await stream(f, arguments)) as opened:
        seen += map(spelled, await some(opened, SOME))
        raise ZeroDivisionError


async def left_by_a_step(stream, f, arguments, seen):
    opened = await stream(f, arguments)
    step = opened.__anext__ if hasattr(opened, "__anext__") else opened.__next__
    seen += [spelled(await settled(step())) for _ in range(SOME)]
    await settled(opened.close())


async def read_on_after_break(stream, f, arguments, seen):
    opened = await stream(f, arguments)
    seen += map(spelled, await some(opened, SOME))
    seen += [spelled(item) async for item in each(opened)]


# what the log says of the end; whether something had been read
ENDINGS = {
    dropped: ("dropped", True),
    dropped_unread: ("dropped", False),
    closed: ("closed", True),
    closed_unread: ("closed", False),
    closed_by_the_response: ("closed", True),
    aclosed: ("closed", True),
    left_by_with: ("closed", True),
    left_by_an_exception: ("closed", True),
    left_by_a_step: ("closed", True),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("opening", OPEN)
@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.__name__)
@pytest.mark.usefixtures("frozen")
def test_a_stream_is_left(compare, api, kind, opening, ending):
    log = compare(kind, partial(ending, OPEN[opening]), **APIS[api].asks())
    ended, read = ENDINGS[ending]
    assert log.normalized() == events(APIS[api], log.sent, pieces(HELLO)[: APIS[api].texts * read], ended)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("opening", OPEN)
def test_a_stream_is_read_on_after_a_break(compare, api, kind, opening):
    log = compare(kind, partial(read_on_after_break, OPEN[opening]), **APIS[api].asks())
    facts, texts = APIS[api], pieces(HELLO)
    end = facts.completion(HELLO, facts.streamed, finish_reason=facts.finish, chunks=len(texts))
    assert log.normalized() == [facts.prompt(log.sent), *facts.chunks(texts), end]


# --- responses that are closed for the program


def left(reading, count, *args):
    async def within(f, arguments, seen):
        async with entered(f.streaming(**arguments)) as response:
            seen.append(len(await some(getattr(response, reading)(*args), count)))
        seen.append(response.is_closed)

    return within


async def left_stream(f, arguments, seen):
    async with entered(f.streaming(**arguments)) as response:
        seen += map(spelled, await some(await settled(response.parse()), SOME))


async def left_helper(f, arguments, seen):
    async with entered(f.stream(**{k: v for k, v in arguments.items() if k != "stream"})) as stream:
        seen += [event.type for event in await some(stream, SOME)]


LEFT = {
    "unread": streaming_unread,
    "iter_lines": left("iter_lines", 3 * SOME),
    "iter_bytes": left("iter_bytes", SOME),
    "stream": left_stream,
    "helper": left_helper,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("api", HELPED)
@pytest.mark.parametrize("way", LEFT)
def test_a_streaming_response_is_left(compare, api, kind, way):
    log = compare(kind, LEFT[way], **APIS[api].asks(stream=True))
    heard = [chunk["content"]["text"] for chunk in log.of("completion_chunk")]
    assert heard == pieces(HELLO)[: len(heard)]
    assert bool(heard) == (way != "unread")
    assert log.normalized() == events(APIS[api], log.sent, heard, "closed")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("way", [streaming_unread, left("iter_bytes", 3, 10)])
def test_an_answer_is_left_unread(compare, api, kind, way):
    log = compare(kind, way, **APIS[api].asks())
    prompt, end = events(APIS[api], log.sent, [], "closed")
    del end["extensions"]["chunks"]
    assert log.normalized() == [prompt, end]


# --- raw responses that nobody parses


async def unparsed(f, arguments, seen):
    response = await settled(f.raw(**arguments, stream=True))
    seen.append(response.is_closed)


async def unparsed_and_half_read(f, arguments, seen):
    response = (await settled(f.raw(**arguments, stream=True))).http_response
    lines = response.aiter_lines if hasattr(f.client._client, "aclose") else response.iter_lines
    seen += [MADE_HERE.sub("#", line)[:10] for line in await some(lines(), 3 * SOME)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("api", ["chat", "messages"])
@pytest.mark.parametrize("way", [unparsed, unparsed_and_half_read])
@pytest.mark.usefixtures("frozen")
def test_a_raw_response_is_dropped(compare, kind, api, way):
    async def dropping(*args):
        await way(*args)
        await collected()

    log = compare(kind, dropping, **APIS[api].asks())
    heard = [chunk["content"]["text"] for chunk in log.of("completion_chunk")]
    assert bool(heard) == (way is unparsed_and_half_read)
    ended = log.events[-1]["extensions"]["ended"]
    assert ended in ("dropped", "closed")  # the HTTP library closes what was half read
    assert log.normalized() == events(APIS[api], log.sent, heard, ended)


# --- what the log says


def events(api, sent, heard, ended):
    """The events of a stream that was left after some texts."""
    used = api.begun if heard else None
    end = api.completion("".join(heard), used, chunks=len(heard), partial=True, ended=ended)
    return [api.prompt(sent), *api.chunks(heard), end if heard else unheard(api, end)]


def unheard(api, end):
    """The end of a stream that has not said anything, not even who answers."""
    del end["content"]
    model = api.sdk.asked
    provenance = api.provenance(model) | {"request_id": "req_#"}
    actor = {"type": "agent", "id": model}
    extensions = end["extensions"] | {"model": model}
    return end | {"actor": actor, "provenance": provenance, "extensions": extensions}
