"""A small HTTP server that answers from tables of routes. It knows no provider."""

from __future__ import annotations

import email
import email.policy
import json
import re
import socket
import sys
from collections import deque
from contextlib import suppress
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from offline import faults
from offline.faults import NO_FAULT, Fault
from offline.wire import Answer, Request, Route, Stream, Wire, as_json

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST_TOKEN = 5  # pauses that pass before an answer begins


class Server(ThreadingHTTPServer):
    """The server: the tables that it answers from, and what it remembers.

    Args:
        wires: The wire formats that it speaks.
        port: 0 takes a free one.
        pause: Seconds between two pieces of a stream.
        slow: Seconds that a slow answer takes.
    """

    request_queue_size = 256

    def __init__(self, wires: Sequence[Wire], port: int, pause: float, slow: float) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.wires = wires
        self.pause = pause
        self.slow = slow
        self.store: dict[str, Any] = {}
        self.requests: deque[Request] = deque(maxlen=1000)
        self.closing = Event()
        self._failed: dict[tuple[str, bytes], int] = {}
        self._lock = Lock()

    def route(self, method: str, path: str) -> tuple[Wire, Route, dict[str, str]]:
        """Return who answers, and the values that the path names."""
        for wire in self.wires:
            for verb, pattern, function in wire.routes:
                if verb == method and (found := re.fullmatch(pattern, path)):
                    return wire, function, {key: value for key, value in found.groupdict().items() if value}
        unknown = self.wires[0]
        return unknown, lambda request: as_json(unknown.error(404, request), 404), {}

    def due(self, fault: Fault | None, same: tuple[str, bytes]) -> Fault | None:
        """Return the fault if it is still due for requests of this path and body."""
        if fault is None or fault.times is None:
            return fault
        with self._lock:
            failed = self._failed.pop(same, 0)
            if failed < fault.times:
                self._failed[same] = failed + 1
                return fault
        return None

    def wait(self, seconds: float) -> None:
        """Wait, but not beyond the end of the server."""
        if seconds:
            self.closing.wait(seconds)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent about clients that go away."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection, with as many requests as the client cares to send."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each small piece waits 40 ms for the one before it

    def do_POST(self) -> None:
        """Read a request, find who answers it, and let go wrong what is asked to."""
        url, raw = urlsplit(self.path), self._raw_body()
        wire, answer, values = self.server.route(self.command, url.path)
        body = values | _read_body(raw, self.headers.get("content-type", ""))
        query = dict(parse_qsl(url.query))
        request = Request(self.command, url.path, query, self.headers, body, self.server.store)
        self.server.requests.append(request)
        fault = self.server.due(faults.asked(request), (url.path, raw))
        try:
            self._answer(wire, answer, replace(request, fault=fault), fault or NO_FAULT)
        except (faults.HangUp, ConnectionError):
            self._hang_up()

    do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815  the names that http.server looks for

    def _answer(self, wire: Wire, answer: Route, request: Request, fault: Fault) -> None:
        if fault.kind == "drop":
            raise faults.HangUp
        self.server.wait(self.server.slow if fault.kind == "slow" else self.server.pause * FIRST_TOKEN)
        headers = wire.headers()
        if fault.status:
            headers |= fault.retry_headers()
            answered: Answer | Stream = as_json(wire.error(fault.status, request), fault.status)
        else:
            answered = _tried(wire, answer, request)
        if isinstance(answered, Stream):
            self._stream(answered, headers, fault)
        else:
            self._send(answered, headers, fault)

    def _send(self, answer: Answer, headers: dict[str, str], fault: Fault) -> None:
        half = answer.body[: len(answer.body) // 2]
        body = half if fault.kind == "malformed" else answer.body
        self._head(
            answer.status, headers | {"content-type": answer.content_type, "content-length": f"{len(body)}"}
        )
        if fault.kind == "cut":
            self.wfile.write(half)
            raise faults.HangUp
        self.wfile.write(body)

    def _stream(self, stream: Stream, headers: dict[str, str], fault: Fault) -> None:
        streaming = {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked"}
        self._head(200, headers | streaming)
        halt = partial(self.server.wait, self.server.slow)
        for piece in faults.spoiled(list(stream.frames), fault, stream.failure, halt):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.server.wait(self.server.pause)
        self.wfile.write(b"0\r\n\r\n")

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _raw_body(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        raw = b""
        while size := int(self.rfile.readline(), 16):
            raw += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return raw

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        """Print nothing: the output belongs to the program that talks to us."""


def _tried(wire: Wire, answer: Route, request: Request) -> Answer | Stream:
    try:
        return answer(request)
    except faults.HangUp:
        raise
    except Exception as error:
        refused = replace(request, body=request.body | {"offline_error": repr(error)})
        return as_json(wire.error(400, refused), 400)


def _read_body(raw: bytes, content_type: str) -> dict[str, Any]:
    if content_type.startswith("multipart/"):
        return _read_form(raw, content_type)
    if content_type.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(raw.decode()))
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _read_form(raw: bytes, content_type: str) -> dict[str, Any]:
    """Return the fields of a form; of a file, its name and size."""
    head = f"content-type: {content_type}\r\n\r\n".encode()
    form = email.message_from_bytes(head + raw, policy=email.policy.HTTP)
    fields: dict[str, Any] = {}
    for part in form.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        content: Any = part.get_payload(decode=True)
        if part.get_filename():
            fields[name] = {"filename": part.get_filename(), "bytes": len(content)}
        elif name.endswith("[]"):
            fields.setdefault(name[:-2], []).append(content.decode())
        else:
            fields[name] = content.decode()
    return fields
