"""The parts of a wire format: requests, responses, and the routes from one to the other."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from email.message import Message

    from offline.faults import Fault

STARTED = f"{time.time_ns() // 1_000_000:x}{os.getpid():06x}"
COUNT = itertools.count(1)


def new_id(prefix: str) -> str:
    """Return an id that is unique across processes: a start time, a process id and a counter."""
    return f"{prefix}{STARTED}{next(COUNT):08x}"


@dataclass(frozen=True)
class Request:
    """A parsed request."""

    method: str
    path: str
    query: dict[str, str]
    headers: Message  # like a dict with case-insensitive keys
    body: dict[str, Any]  # JSON or form fields, and the named parts of the path, such as the model
    store: dict[str, Any]  # kept between requests
    fault: Fault | None = None


@dataclass(frozen=True)
class Response:
    """A response in one piece."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200


@dataclass(frozen=True)
class Stream:
    """A response of server-sent events; `failure` is the frame for an error in the middle."""

    frames: Iterable[bytes]
    failure: bytes


Route = Callable[[Request], Response | Stream]


@dataclass(frozen=True)
class Wire:
    """A provider's wire format."""

    routes: Sequence[tuple[str, str, Route]]  # method, pattern of the path, handler
    headers: Callable[[], dict[str, str]]  # of every response
    error: Callable[[int, Request], Any]  # the body of an HTTP error


def as_json(payload: Any, status: int = 200) -> Response:
    """Return `payload` as a response."""
    return Response(json.dumps(payload).encode(), status=status)


def frame(data: Any, event: str | None = None) -> bytes:
    """Return one server-sent event: text as it is, anything else as JSON."""
    text = data if isinstance(data, str) else json.dumps(data, separators=(",", ":"))
    return (f"event: {event}\n" if event else "").encode() + f"data: {text}\n\n".encode()
