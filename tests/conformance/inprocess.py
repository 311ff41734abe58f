"""The offline provider without sockets: for a thousand calls in a moment, and for faults at exact places."""

from __future__ import annotations

import importlib
import json
import re

import openai
from offline.wire import Request, Stream
from offline_provider import OPENAI

HTTP = importlib.import_module("httpx2" if hasattr(openai._base_client, "httpx2") else "httpx")
CLIENTS = {"sync": (openai.OpenAI, HTTP.Client), "async": (openai.AsyncOpenAI, HTTP.AsyncClient)}


class Frames(HTTP.SyncByteStream, HTTP.AsyncByteStream):
    """A body in pieces, for both kinds of client; a piece that is an exception is raised."""

    def __init__(self, pieces):
        self.pieces = iter(pieces)
        self.closed = 0

    def __iter__(self):
        for piece in self.pieces:
            if isinstance(piece, BaseException):
                raise piece
            yield piece

    async def __aiter__(self):
        for piece in iter(self):
            yield piece

    def close(self):
        self.closed += 1

    async def aclose(self):
        self.closed += 1


def response(content, content_type="application/json", status=200, **headers):
    """An HTTP response of bytes, of JSON, or of the pieces of a stream."""
    headers = {"content-type": content_type, "x-request-id": "req_1", **headers}
    if isinstance(content, bytes | str):
        return HTTP.Response(status, headers=headers, content=content)
    if isinstance(content, dict):
        return HTTP.Response(status, headers=headers, content=json.dumps(content))
    return HTTP.Response(
        status, headers=headers | {"content-type": "text/event-stream"}, stream=Frames(content)
    )


def provided(store):
    """The offline provider as a function from request to response; `store` is what it remembers."""

    def answer(request):
        path = request.url.path
        for method, pattern, function in OPENAI.routes:
            if method == request.method and (found := re.fullmatch(pattern, path)):
                named = {key: value for key, value in found.groupdict().items() if value}
                body = named | _json(request.content)
                asked = Request(method, path, dict(request.url.params), request.headers, body, store)
                answered = function(asked)
                if isinstance(answered, Stream):
                    return response(answered.frames, **OPENAI.headers())
                return response(answered.body, answered.content_type, answered.status, **OPENAI.headers())
        return response(OPENAI.error(404, None), status=404)

    return answer


def _json(content):
    try:
        return json.loads(content)
    except ValueError:  # nothing, or a form
        return {}


def client_over(answer, kind="sync", hooks=None, **options):
    """A client whose requests are answered by a function; `hooks` are the HTTP client's."""
    client, http_client = CLIENTS[kind]
    transport = HTTP.MockTransport(answer)
    options = {"api_key": "x", "base_url": "http://offline/v1", "max_retries": 0} | options
    return client(http_client=http_client(transport=transport, **(hooks or {})), **options)


def offline(kind="sync", hooks=None, **options):
    """A client of an offline provider of its own."""
    return client_over(provided({}), kind, hooks, **options)
