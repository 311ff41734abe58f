"""Every way to make a call, and the calls that they make: the two axes of the conformance tests."""

from __future__ import annotations

from typing import Any, NamedTuple

from conformance.kit import SDK, Person, each, entered, settled, spelled

EXACT = "gpt-4o-2024-08-06"  # what gpt-4o answers as


class Api(NamedTuple):
    """One endpoint: what it is asked, and what the log says of its answer."""

    operation: str
    arguments: dict[str, Any]
    said: str  # key of the request that is its content
    finish: str
    usage: dict[str, Any]
    tokens: dict[str, int]
    answer: dict[str, Any]  # provenance of the answer
    parsed: tuple[dict[str, Any], dict[str, int]] | None = None  # usage and tokens of Person's JSON
    usage_is_streamed: bool = False

    @property
    def call(self):
        """The function that asks."""
        return f"{self.operation}.create"

    def prompt(self, sent):
        """The event of the request; `sent` is the body that the provider got."""
        request = {key: sent[key] for key in sent if key not in (self.said, "model", "stream")}
        return {
            "session_id": 0,
            "actor": {"type": "human", "id": "user"},
            "action": "prompt",
            "content": {"text": "Hello"},
            "provenance": self.provenance(sent["model"]),
            "extensions": {"model": sent["model"]} | ({"request": request} if request else {}),
        }

    def chunks(self, texts, model="gpt-4o"):
        """The events of a stream's deltas."""
        return [
            {
                "session_id": 0,
                "actor": {"type": "agent", "id": model},
                "action": "completion_chunk",
                "content": {"text": text},
                "extensions": {"reply_to": 0, "index": index, "kind": "text"},
            }
            for index, text in enumerate(texts)
        ]

    def completion(self, text, used=None, model=EXACT, **extensions):
        """The event of the answer; `used` is its usage and tokens."""
        usage, tokens = used or ({}, {})
        return {
            "session_id": 0,
            "actor": {"type": "agent", "id": model},
            "action": "completion",
            "content": {"text": text},
            "metrics": {"tokens": tokens, "cost_usd": True} if used else {},
            "provenance": self.provenance(model) | self.answer | {"request_id": "req_#"},
            "extensions": {"reply_to": 0, "model": model, "status_code": 200}
            | ({"usage": usage} if used else {})
            | extensions,
        }

    def error(self, text, model, request_id=None, **extensions):
        """The event of a failure."""
        answered = {"request_id": request_id} if request_id else {}
        known = {"reply_to": 0, "model": model} | extensions
        return {
            "session_id": 0,
            "actor": {"type": "system", "id": "openai"},
            "action": "system",
            "content": {"text": text},
            "metrics": {},
            "provenance": self.provenance(model) | answered,
            "extensions": known,
        }

    def provenance(self, model):
        """Where the events of a call come from."""
        known = {"provider": "openai", "operation": self.operation, "model": model}
        return known | {"sdk": SDK, "server": "127.0.0.1"}


def chat_usage(read, written):
    none = {"audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}
    usage = text_usage(read, written)[0] | {
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0} | none,
    }
    return usage, text_usage(read, written)[1]


def text_usage(read, written):
    tokens = {"prompt": read, "completion": written, "total": read + written}
    return {f"{name}_tokens": count for name, count in tokens.items()}, tokens


def response_usage(read, written):
    usage = {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + written,
    }
    return usage, text_usage(read, written)[1]


MODEL = {"model": "gpt-4o"}
USER = [{"role": "user", "content": "Hello"}]
CHAT = Api(
    "chat.completions",
    MODEL | {"messages": USER},
    "messages",
    "stop",
    *chat_usage(4, 17),
    {"service_tier": "default", "response_id": "chatcmpl-#"},
    chat_usage(4, 6),
)
RESPONSES = Api(
    "responses",
    MODEL | {"input": "Hello"},
    "input",
    "completed",
    *response_usage(7, 17),
    {"service_tier": "default", "response_id": "resp_#"},
    response_usage(7, 6),
    usage_is_streamed=True,
)
COMPLETIONS = Api(
    "completions",
    MODEL | {"prompt": "Hello"},
    "prompt",
    "stop",
    *text_usage(4, 17),
    {"response_id": "cmpl-#"},
)
APIS = {"chat": CHAT, "responses": RESPONSES, "completions": COMPLETIONS}


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
    name = "response_format" if "messages" in arguments else "text_format"
    seen.append(spelled(await settled(f.parse(**arguments, **{name: Person}))))


async def raw_parse(f, arguments, seen):
    name = "response_format" if "messages" in arguments else "text_format"
    response = await settled(f.raw_parse(**arguments, **{name: Person}))
    seen += [type(response), spelled(await settled(response.parse()))]


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
        name = "get_final_completion" if "messages" in arguments else "get_final_response"
        seen.append(spelled(await settled(getattr(stream, name)())))


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
