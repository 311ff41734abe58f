"""The deltas of one stream as events: each, or joined for up to 100 ms, or only counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import orjson

from . import clock
from .events import Event, chunk_event
from .io.encoder import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .facts import Delta


class Write(Protocol):
    """Takes an event."""

    def __call__(self, event: Event, *, is_json: bool = False) -> object:
        """Write it; `is_json` spares a look at its values, as `io.encoder` explains."""


class WriteLine(Protocol):
    """Takes an event that is a line already."""

    def __call__(self, data: bytes, *, hasty: bool = False) -> object:
        """Write it; `hasty` spares a look at the file, as `io.logfile` explains."""


_MERGED_FOR = 0.1  # seconds
_MILLION = 1_000_000


class Chunks:
    """Writes what a stream says while it says it.

    Args:
        write: takes an event.
        write_line: takes an event that is a line already.
        mode: "each", "merged" or "off".
        session_id: as in the events.
        model: the actor.
        reply_to: the prompt.
    """

    __slots__ = (
        "_form",
        "_held",
        "_held_since",
        "_index",
        "_mode",
        "_template",
        "_write",
        "_write_line",
        "count",
        "first",
    )

    def __init__(  # noqa: PLR0913, PLR0917  what all chunks of a stream share
        self,
        write: Write,
        write_line: WriteLine,
        mode: str,
        session_id: str,
        model: str,
        reply_to: str | None,
    ) -> None:
        self._write = write
        self._write_line = write_line
        self._mode = mode
        self._template = (session_id, model, reply_to)
        self._form: bytes | None = None
        self._index = 0
        self._held: list[Delta] = []
        self._held_since = 0.0
        self.count = 0  # deltas so far
        self.first: float | None = None  # when the first came, on the monotonic clock

    def take(self, deltas: Sequence[Delta]) -> None:
        """Take the deltas of one chunk."""
        if self.first is None:
            self.first = clock.monotonic()
        self.count += len(deltas)
        if self._mode == "each":
            for delta in deltas:
                self._emit(delta)
        elif self._mode == "merged":
            for delta in deltas:
                self._hold(delta)

    def flush(self) -> None:
        """Write what is held back."""
        held, self._held = self._held, []
        if held:
            kind, _, choice = held[0]
            self._emit((kind, "".join(text for _, text, _ in held), choice))

    def _hold(self, delta: Delta) -> None:
        now = clock.monotonic()
        if self._held and (self._held[-1][::2] != delta[::2] or now - self._held_since >= _MERGED_FOR):
            self.flush()
        if not self._held:
            self._held_since = now
        self._held.append(delta)

    def _emit(self, delta: Delta) -> None:
        index = self._index
        self._index += 1
        kind, text, choice = delta
        if choice or not isinstance(text, str):
            self._write(chunk_event(*self._template, delta, index))
            return
        try:
            said = orjson.dumps(text)
        except orjson.JSONEncodeError:  # lone surrogates
            self._write(chunk_event(*self._template, delta, index))
            return
        if self._form is None:
            self._form = _form(*self._template)
        ns = clock.now()
        ms = ns // _MILLION
        line = self._form % (
            ms >> 16,
            ms & 0xFFFF,
            index & 0xFFF,
            clock.timestamp(ns).encode(),
            said,
            index,
            kind.encode(),
        )
        self._write_line(visible(line), hasty=True)


def _form(session_id: str, model: str, reply_to: str | None) -> bytes:
    """Return the line of `chunk_event` with gaps for what differs from chunk to chunk.

    Building and encoding the whole event costs several times what a chunk may. In the ids the index stands
    where other UUIDv7s have a fraction of the millisecond, so they sort as the chunks came.
    """
    delta = ("-kind-", "-text-", 0)
    event = chunk_event(session_id, model, reply_to, delta, 0)
    event_id = event["event_id"]
    event["event_id"], event["timestamp"], event["extensions"]["index"] = "-id-", "-timestamp-", "-index-"
    form = orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE).replace(b"%", b"%%")
    for gap, filling in (
        (b"-id-", b"%%08x-%%04x-7%%03x-%b" % event_id[19:].encode()),
        (b"-timestamp-", b"%b"),
        (b'"-text-"', b"%b"),
        (b'"-index-"', b"%d"),
        (b"-kind-", b"%b"),
    ):
        form = form.replace(gap, filling, 1)
    return form
