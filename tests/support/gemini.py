"""What the tests of google-genai share: clients, ways to call them, and the events that these leave."""

from __future__ import annotations

import importlib
import importlib.util
import json
from types import SimpleNamespace

from google import genai
from google.genai import types
from offline.answers import pieces

from tests.support.calling import HELLO, MADE_HERE, each, settled

# google-genai 3 takes either, and before that only the first was there.
HTTP = importlib.import_module("httpx" if importlib.util.find_spec("httpx") else "httpx2")
SDK = f"google.genai {genai.__version__}"
MODEL = "gemini-2.5-flash"
ASK = {"model": MODEL, "contents": "Hello"}
PIECES = pieces(HELLO)


def made(url="http://offline", transport=None, **options):
    """A client of the server at this address, or of a function from request to response."""
    more = {}
    if transport is not None:
        mock = HTTP.MockTransport(transport)
        more = {"client_args": {"transport": mock}, "async_client_args": {"transport": mock}}
    http = types.HttpOptions(base_url=url, **more)
    return genai.Client(**{"api_key": "x", "http_options": http} | options)


async def closed(client):
    """Close both halves of a client."""
    await client.aio.aclose()
    client.close()


def resources(client):
    """The bound functions of a client, as a program takes them."""
    models = client.models
    return SimpleNamespace(
        client=client,
        generate=models.generate_content,
        stream=models.generate_content_stream,
        embed=models.embed_content,
        images=models.generate_images,
        chat=client.chats.create,
    )


def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


# Annotations are texts in this file, and google-genai 1.x calls no function that has such.
get_weather.__annotations__ = {"city": str, "return": str}


# --- what a program sees


def spelled(value):
    """An answer with its type, as text that does not change from one run to the next."""
    headers = value.sdk_http_response and sorted(value.sdk_http_response.headers or ())
    text = json.dumps(value.model_dump(exclude={"sdk_http_response"}, warnings=False), default=_spelled)
    return f"{type(value).__qualname__} {headers} {MADE_HERE.sub('#', text)}"


def _spelled(value):
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


# --- ways to call


async def plain(f, arguments, seen):
    seen.append(spelled(await settled(f.generate(**arguments))))


async def stream(f, arguments, seen):
    opened = await settled(f.stream(**arguments))
    seen.append(type(opened))
    async for chunk in each(opened):
        seen.append(spelled(chunk))
    seen += [spelled(chunk) async for chunk in each(opened)]  # a second time there is nothing


async def chat(f, arguments, seen):
    session = f.chat(model=arguments["model"], config=arguments.get("config"))
    seen.append(spelled(await settled(session.send_message(arguments["contents"]))))
    seen += [one.model_dump() for one in session.get_history()]


async def chat_stream(f, arguments, seen):
    session = f.chat(model=arguments["model"], config=arguments.get("config"))
    opened = await settled(session.send_message_stream(arguments["contents"]))
    seen += [type(opened), *[spelled(chunk) async for chunk in each(opened)]]
    seen += [one.model_dump() for one in session.get_history()]


ANSWERS = {"plain": plain, "chat": chat}
STREAMS = {"stream": stream, "chat stream": chat_stream}
WAYS = ANSWERS | STREAMS


# --- what the log should say


def provenance(model=MODEL, **more):
    known = {"provider": "gemini", "operation": "generateContent", "model": model}
    return known | {"sdk": SDK, "server": "127.0.0.1"} | more


def prompt(sent, model=MODEL, text="Hello", **extensions):
    """The event of a request; `sent` is the body that the provider got."""
    request = {key: value for key, value in sent.items() if key not in ("contents", "model")}
    extensions = {"model": model} | ({"request": request} if request else {}) | extensions
    return {
        "session_id": 0,
        "actor": {"type": "human", "id": "user"},
        "action": "prompt",
        "content": {"text": text},
        "provenance": provenance(model),
        "extensions": extensions,
    }


def chunks(texts, model=MODEL, kind="text", first=0):
    """The events of a stream's deltas."""
    return [
        {
            "session_id": 0,
            "actor": {"type": "agent", "id": model},
            "action": "completion_chunk",
            "content": {"text": text},
            "extensions": {"reply_to": 0, "index": first + index, "kind": kind},
        }
        for index, text in enumerate(texts)
    ]


def completion(text, used=None, model=MODEL, **extensions):
    """The event of an answer; `used` is how many tokens it read and wrote."""
    metrics, usage = {}, {}
    if used:
        read, written = used
        metrics = {"tokens": {"prompt": read, "completion": written, "total": read + written}}
        metrics |= {"cost_usd": True} if model == MODEL else {}
        counts = {"promptTokenCount": read, "totalTokenCount": read + written}
        usage = {"usage": counts | {"candidatesTokenCount": written}}
    return {
        "session_id": 0,
        "actor": {"type": "agent", "id": model},
        "action": "completion",
        "content": {"text": text},
        "metrics": metrics,
        "provenance": provenance(model, response_id="gemini_#"),
        "extensions": {"reply_to": 0, "model": model, "status_code": 200} | usage | extensions,
    }


def error(text, model, **extensions):
    """The event of a failure."""
    return {
        "session_id": 0,
        "actor": {"type": "system", "id": "gemini"},
        "action": "system",
        "content": {"text": text},
        "metrics": {},
        "provenance": provenance(model),
        "extensions": {"reply_to": 0, "model": model} | extensions,
    }
