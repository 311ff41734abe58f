"""What a wire format is made of: requests, answers, and the table that leads from one to the other."""

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
    """Return an id that no other answer has, here or in another process: a number, not chance."""
    return f"{prefix}{STARTED}{next(COUNT):08x}"


@dataclass(frozen=True)
class Request:
    """A request, read."""

    method: str
    path: str
    query: dict[str, str]
    headers: Message  # looks like a dict, and does not care about upper and lower case
    body: dict[str, Any]  # of JSON or of a form; with what the path names, such as the model
    store: dict[str, Any]  # what the provider remembers between requests
    fault: Fault | None = None


@dataclass(frozen=True)
class Answer:
    """An answer in one piece."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200


@dataclass(frozen=True)
class Stream:
    """An answer in server-sent events; `failure` is the frame that tells of an error on the way."""

    frames: Iterable[bytes]
    failure: bytes


Route = Callable[[Request], Answer | Stream]


@dataclass(frozen=True)
class Wire:
    """A provider's wire format."""

    routes: Sequence[tuple[str, str, Route]]  # method, pattern of the path, who answers
    headers: Callable[[], dict[str, str]]  # of every answer
    error: Callable[[int, Request], Any]  # the body of an HTTP error


def as_json(payload: Any, status: int = 200) -> Answer:
    """Return `payload` as an answer."""
    return Answer(json.dumps(payload).encode(), status=status)


def frame(data: Any, event: str | None = None) -> bytes:
    """Return one server-sent event; text stands as it is, anything else as JSON."""
    text = data if isinstance(data, str) else json.dumps(data, separators=(",", ":"))
    return (f"event: {event}\n" if event else "").encode() + f"data: {text}\n\n".encode()
