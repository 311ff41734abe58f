"""Every way to make a call: one of the two axes of the conformance tests."""

from __future__ import annotations

import inspect
import warnings

from tests.support.calling import Person, each, entered, settled, spelled

# --- ways that give one answer


async def plain(f, arguments, seen):
    seen.append(spelled(await settled(f.create(**arguments))))


async def raw(f, arguments, seen):
    response = await settled(f.raw(**arguments))
    seen += [type(response), response.status_code, response.headers["content-type"], response.is_closed]
    answer = await settled(response.parse())
    seen += [spelled(answer), await settled(response.parse()) is answer]


async def streaming_unread(f, arguments, seen):
    async with entered(f.streaming(**arguments)) as response:
        seen += [type(response), response.status_code, response.headers["content-type"], response.is_closed]
    seen.append(response.is_closed)


def reading(name):
    async def streaming(f, arguments, seen):
        async with entered(f.streaming(**arguments)) as response:
            seen.append(spelled(await settled(getattr(response, name)())))

    return streaming


def iterating(name):
    async def streaming(f, arguments, seen):
        async with entered(f.streaming(**arguments)) as response:
            pieces = [piece async for piece in each(getattr(response, name)())]
            seen.append(spelled(pieces[0][:0].join(pieces)))

    return streaming


async def read_twice(f, arguments, seen):
    async with entered(f.streaming(**arguments)) as response:
        seen += [spelled(await settled(response.read())), spelled(await settled(response.parse()))]


async def low_level(f, arguments, seen):
    seen.append(spelled(await settled(f.client.post(f.path, cast_to=object, body=arguments))))


async def parse(f, arguments, seen):
    with warnings.catch_warnings(action="ignore"):  # one version's own argument is deprecated in it
        seen.append(spelled(await settled(f.parse(**arguments, **_person(f.parse)))))


async def raw_parse(f, arguments, seen):
    with warnings.catch_warnings(action="ignore"):
        response = await settled(f.raw_parse(**arguments, **_person(f.parse)))
    seen += [type(response), spelled(await settled(response.parse()))]


def _person(parse):
    """The argument of `parse` that asks for a Person; it has another name in each."""
    names = ("response_format", "text_format", "output_format")
    return {next(name for name in names if name in inspect.signature(parse).parameters): Person}


# --- ways that give a stream


async def stream(f, arguments, seen):
    await _drained(await settled(f.create(**arguments, stream=True)), seen)


async def stream_with_usage(f, arguments, seen):
    await stream(f, arguments | {"stream_options": {"include_usage": True}}, seen)


async def stream_within(f, arguments, seen):
    async with entered(await settled(f.create(**arguments, stream=True))) as stream:
        await _drained(stream, seen)


async def raw_stream(f, arguments, seen):
    response = await settled(f.raw(**arguments, stream=True))
    seen += [type(response), response.headers["content-type"]]
    await _drained(await settled(response.parse()), seen)


async def streaming_stream(f, arguments, seen):
    async with entered(f.streaming(**arguments, stream=True)) as response:
        await _drained(await settled(response.parse()), seen)


async def _drained(stream, seen):
    seen.append(type(stream))
    async for item in each(stream):
        seen.append(spelled(item))
    seen += [item async for item in each(stream)]  # a second time there is nothing


async def helper(f, arguments, seen):
    async with entered(f.stream(**arguments)) as stream:
        seen.append(type(stream))
        async for event in each(stream):
            seen.append((event.type, spelled(event)))
        names = ("get_final_completion", "get_final_response", "get_final_message")
        final = next(getattr(stream, name) for name in names if hasattr(stream, name))
        seen.append(spelled(await settled(final())))


async def helper_until_done(f, arguments, seen):
    async with entered(f.stream(**arguments)) as stream:
        await settled(stream.until_done())


def of_a_stream(way):
    async def streaming(f, arguments, seen):
        await way(f, arguments | {"stream": True}, seen)

    return streaming


ANSWERS = {
    "plain": plain,
    "raw": raw,
    "streaming.read": reading("read"),
    "streaming.text": reading("text"),
    "streaming.json": reading("json"),
    "streaming.parse": reading("parse"),
    "streaming.iter_bytes": iterating("iter_bytes"),
    "streaming.iter_text": iterating("iter_text"),
    "streaming.iter_lines": iterating("iter_lines"),
    "streaming.read, parse": read_twice,
    "low level": low_level,
}
PARSES = {"parse": parse, "raw parse": raw_parse}
STREAMS = {
    "stream": stream,
    "stream with usage": stream_with_usage,
    "with stream": stream_within,
    "raw stream": raw_stream,
    "streaming.stream": streaming_stream,
    "streaming.read of a stream": of_a_stream(reading("read")),
    "streaming.text of a stream": of_a_stream(reading("text")),
    "streaming.iter_bytes of a stream": of_a_stream(iterating("iter_bytes")),
    "streaming.iter_text of a stream": of_a_stream(iterating("iter_text")),
    "streaming.iter_lines of a stream": of_a_stream(iterating("iter_lines")),
}
HELPERS = {"helper": helper, "helper.until_done": helper_until_done}
WAYS = ANSWERS | PARSES | STREAMS | HELPERS
