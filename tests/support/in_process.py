"""The offline provider without sockets: for a thousand calls in a moment, and for faults at exact places."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from offline.wire import Request, Stream

from tests.support.sdks import OPENAI, SDKS


class InProcess:
    """Clients of one SDK, and what answers them."""

    def __init__(self, sdk):
        self.sdk = sdk
        self.http = sdk.http

    def response(self, content, content_type="application/json", status=200, **headers):
        """An HTTP response of bytes, of JSON, or of the pieces of a stream."""
        headers = {"content-type": content_type, "x-request-id": "req_1", **headers}
        if isinstance(content, bytes | str):
            return self.http.Response(status, headers=headers, content=content)
        if isinstance(content, dict):
            return self.http.Response(status, headers=headers, content=json.dumps(content))
        if content_type == "application/json":
            headers["content-type"] = "text/event-stream"
        return self.http.Response(status, headers=headers, stream=_frames(self.http)(content))

    def provided(self, store):
        """The offline provider as a function from request to response; `store` is what it remembers."""
        wire = self.sdk.wire

        def answer(request):
            path = request.url.path
            for method, pattern, function in wire.routes:
                if method == request.method and (found := re.fullmatch(pattern, path)):
                    named = {key: value for key, value in found.groupdict().items() if value}
                    body = named | _json(request.content)
                    asked = Request(method, path, dict(request.url.params), request.headers, body, store)
                    answered = function(asked)
                    if isinstance(answered, Stream):
                        return self.response(answered.frames, **wire.headers())
                    return self.response(
                        answered.body, answered.content_type, answered.status, **wire.headers()
                    )
            asked = Request(request.method, path, {}, request.headers, {}, store)
            return self.response(wire.error(404, asked), status=404)

        return answer

    def client_over(self, answer, kind="sync", hooks=None, **options):
        """A client whose requests are answered by a function; `hooks` are the HTTP client's."""
        library = {"sync": self.http.Client, "async": self.http.AsyncClient}[kind]
        http_client = library(transport=self.http.MockTransport(answer), **(hooks or {}))
        options = {"api_key": "x", "base_url": f"http://offline{self.sdk.base}", "max_retries": 0} | options
        return self.sdk.clients[kind](http_client=http_client, **options)

    def offline(self, kind="sync", hooks=None, **options):
        """A client of an offline provider of its own."""
        return self.client_over(self.provided({}), kind, hooks, **options)


@cache
def _frames(http):
    sync_stream: Any = http.SyncByteStream
    async_stream: Any = http.AsyncByteStream

    class Frames(sync_stream, async_stream):
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

    return Frames


def _json(content):
    try:
        return json.loads(content)
    except ValueError:  # nothing, or a form
        return {}


IN_PROCESS = {name: InProcess(sdk) for name, sdk in SDKS.items()}
_OPENAI = IN_PROCESS[OPENAI.name]  # which most tests go through
HTTP = _OPENAI.http
response, provided, client_over, offline = (
    _OPENAI.response,
    _OPENAI.provided,
    _OPENAI.client_over,
    _OPENAI.offline,
)
