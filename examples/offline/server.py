"""A small HTTP server that responds from tables of routes. It knows no provider."""

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
from offline.wire import Request, Response, Route, Stream, Wire, as_json

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST_TOKEN = 5  # pauses before the first piece of an answer


class Server(ThreadingHTTPServer):
    """The server, with its wire formats and its state.

    Args:
        wires: the wire formats to support.
        port: the port to listen on; 0 for any free one.
        pause: seconds between two pieces of a stream.
        slow: seconds that a slow response takes.
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
        self._failures: dict[tuple[str, bytes], int] = {}
        self._lock = Lock()

    def route(self, method: str, path: str) -> tuple[Wire, Route, dict[str, str]]:
        """Return the wire format, the handler, and the named parts of the path."""
        for wire in self.wires:
            for verb, pattern, handler in wire.routes:
                if verb == method and (match := re.fullmatch(pattern, path)):
                    return wire, handler, {key: value for key, value in match.groupdict().items() if value}
        default = self.wires[0]
        return default, lambda request: as_json(default.error(404, request), 404), {}

    def due_fault(self, fault: Fault | None, key: tuple[str, bytes]) -> Fault | None:
        """Return the fault unless requests of this path and body have failed often enough; None then."""
        if fault is None or fault.times is None:
            return fault
        with self._lock:
            failures = self._failures.pop(key, 0)
            if failures < fault.times:
                self._failures[key] = failures + 1
                return fault
        return None

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than the server runs."""
        if seconds:
            self.closing.wait(seconds)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore connections that clients close."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection, with any number of requests."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each small piece waits 40 ms for the one before it

    def do_POST(self) -> None:
        """Parse a request, and respond to it, with the fault that it selects."""
        url, raw = urlsplit(self.path), self._raw_body()
        wire, handler, values = self.server.route(self.command, url.path)
        body = values | _parse_body(raw, self.headers.get("content-type", ""))
        query = dict(parse_qsl(url.query))
        request = Request(self.command, url.path, query, self.headers, body, self.server.store)
        self.server.requests.append(request)
        fault = self.server.due_fault(faults.requested_fault(request), (url.path, raw))
        try:
            self._respond(wire, handler, replace(request, fault=fault), fault or NO_FAULT)
        except (faults.HangUp, ConnectionError):
            self._hang_up()

    do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815  the names that http.server calls

    def _respond(self, wire: Wire, handler: Route, request: Request, fault: Fault) -> None:
        if fault.kind == "drop":
            raise faults.HangUp
        self.server.wait(self.server.slow if fault.kind == "slow" else self.server.pause * FIRST_TOKEN)
        headers = wire.headers()
        if fault.status:
            headers |= fault.retry_headers()
            response: Response | Stream = as_json(wire.error(fault.status, request), fault.status)
        else:
            response = _call_handler(wire, handler, request)
        if isinstance(response, Stream):
            self._stream(response, headers, fault)
        else:
            self._send(response, headers, fault)

    def _send(self, response: Response, headers: dict[str, str], fault: Fault) -> None:
        half = response.body[: len(response.body) // 2]
        body = half if fault.kind == "malformed" else response.body
        self._send_head(
            response.status,
            headers | {"content-type": response.content_type, "content-length": f"{len(body)}"},
        )
        if fault.kind == "cut":
            self.wfile.write(half)
            raise faults.HangUp
        self.wfile.write(body)

    def _stream(self, stream: Stream, headers: dict[str, str], fault: Fault) -> None:
        streaming = {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked"}
        self._send_head(200, headers | streaming)
        stall = partial(self.server.wait, self.server.slow)
        for piece in faults.apply_fault(list(stream.frames), fault, stream.failure, stall):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.server.wait(self.server.pause)
        self.wfile.write(b"0\r\n\r\n")

    def _send_head(self, status: int, headers: dict[str, str]) -> None:
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
        """Print nothing: the output belongs to the program."""


def _call_handler(wire: Wire, handler: Route, request: Request) -> Response | Stream:
    try:
        return handler(request)
    except faults.HangUp:
        raise
    except Exception as error:
        failed = replace(request, body=request.body | {"offline_error": repr(error)})
        return as_json(wire.error(400, failed), 400)


def _parse_body(raw: bytes, content_type: str) -> dict[str, Any]:
    if content_type.startswith("multipart/"):
        return _parse_form(raw, content_type)
    if content_type.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(raw.decode()))
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _parse_form(raw: bytes, content_type: str) -> dict[str, Any]:
    """Return the fields of a form; a file as its name and size."""
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
