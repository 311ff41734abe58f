"""A stream as it comes: read chunk by chunk, and its deltas written as events while the program reads on.

What stands here runs between two chunks of the program's stream, with the SDK's own code having just swept
the processor's caches. So it is few steps long, rather than few lines.
"""

from __future__ import annotations

from json.encoder import encode_basestring as quote
from typing import TYPE_CHECKING, Any, Protocol

from hilt_autolog.clock import Clock, id_and_timestamp, random_id_suffix
from hilt_autolog.internal_errors import internal_errors, try_call
from hilt_autolog.log.encoder import encode_json_line

from .events import Event, chunk_event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hilt_autolog.contracts.model import Delta, Response, StreamAccumulator


class Write(Protocol):
    """Takes an event."""

    def __call__(self, event: Event, *, is_json: bool = False, skip_stat: bool = False) -> object:
        """Write it; `is_json` spares a look at its values (`io.encoder`), `skip_stat` one at the file."""


class WriteLine(Protocol):
    """Takes an event that is a line already."""

    def __call__(self, data: bytes, *, skip_stat: bool = False) -> object:
        """Write it; `skip_stat` spares a look at the file (`io.logfile`)."""


_MERGED_FOR = 0.1  # seconds
_MILLION = 1_000_000
_BILLION = 1_000_000_000


class Chunks:
    """Reads the chunks of one stream, and counts what they say (`chunks=off`)."""

    __slots__ = ("_ended", "_is_written", "accumulator", "count", "first")

    def __init__(self, fold: StreamAccumulator, *, is_written: bool = False) -> None:
        self.accumulator = fold
        self._ended = False
        self._is_written = is_written
        self.count = 0  # deltas so far
        self.first: float | None = None  # when the first came, on the monotonic clock

    def add(self, chunk: Any) -> None:
        """Take the next chunk; a fault of ours stays ours."""
        if self._ended:
            return
        try:
            deltas = self.accumulator.add(chunk)
            if deltas:
                if self.first is None:
                    self.first = Clock.monotonic()
                self.count += len(deltas)
                if self._is_written:
                    self._say(deltas)
        except Exception as fault:
            internal_errors.note(fault)

    def _say(self, deltas: Sequence[Delta]) -> None:
        """Write what a chunk says."""

    def response(self) -> Response | None:
        """Return the answer as far as it has come."""
        reply: Response | None = try_call(self.accumulator.response)
        return reply

    def end(self) -> None:
        """Write what is held back, and take no more."""
        self._ended = True

    def discard(self) -> None:
        """Take no more, and write nothing: the stream is another process's."""
        self._ended = True


class WrittenChunks(Chunks):
    """Reads the chunks of one stream, and writes each delta as an event (`chunks=each`).

    Args:
        fold: reads them.
        write: takes an event.
        write_line: takes an event that is a line already.
        session_id: as in the events.
        model: the actor.
        reply_to: the prompt.
    """

    __slots__ = ("_form", "_index", "_kind", "_template", "_until", "_write", "_write_line")

    def __init__(  # noqa: PLR0913, PLR0917  what all chunks of a stream share
        self,
        fold: StreamAccumulator,
        write: Write,
        write_line: WriteLine,
        session_id: str,
        model: str,
        reply_to: str | None,
    ) -> None:
        super().__init__(fold, is_written=True)
        self._write = write
        self._write_line = write_line
        self._template = (session_id, model, reply_to)
        self._index = 0
        self._form, self._until, self._kind = b"", 0, ""  # what was made, until when, for which

    def _say(self, deltas: Sequence[Delta]) -> None:
        for kind, text, choice in deltas:
            index = self._index
            self._index = index + 1
            try:
                said = quote(text).encode()  # asks less of the caches than orjson does
            except (TypeError, UnicodeEncodeError):  # no text, or one with lone surrogates
                said = b""
            if choice or not said:
                self._write(chunk_event(*self._template, (kind, text, choice), index), skip_stat=True)
                continue
            ns = Clock.now()
            is_fresh = ns < self._until and kind == self._kind  # once a second the writer looks at its file
            if not is_fresh:
                self._form, self._until, self._kind = *_form(*self._template, ns, kind), kind
            self._write_line(
                self._form % (ns // _MILLION & 0xFFFF, index & 0xFFF, ns // 1000 % _MILLION, said, index),
                skip_stat=is_fresh,
            )


class MergedChunks(WrittenChunks):
    """Reads the chunks of one stream, and writes what is said in 100 ms as one event (`chunks=merged`)."""

    __slots__ = ("_held", "_held_since")

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._held: list[Delta] = []
        self._held_since = 0.0

    def _say(self, deltas: Sequence[Delta]) -> None:
        now = Clock.monotonic()
        for delta in deltas:
            if self._held and (self._held[-1][::2] != delta[::2] or now - self._held_since >= _MERGED_FOR):
                self._flush()
            if not self._held:
                self._held_since = now
            self._held.append(delta)

    def _flush(self) -> None:
        held, self._held = self._held, []
        if held:
            kind, _, choice = held[0]
            super()._say([(kind, "".join(text for _, text, _ in held), choice)])

    def end(self) -> None:
        """Write what is held back, and take no more."""
        self._ended = True
        self._flush()


def _form(session_id: str, model: str, reply_to: str | None, ns: int, kind: str) -> tuple[bytes, int]:
    """Return the line of `chunk_event` with gaps for what differs from chunk to chunk, and how long it holds.

    Building and encoding the whole event costs several times what a chunk may. In the ids the index stands
    where other UUIDv7s have a fraction of the millisecond, so they sort as the chunks came.
    """
    event = chunk_event(session_id, model, reply_to, (kind, "-text-", 0), 0)
    identity, moment = id_and_timestamp(ns)
    event["event_id"] = f"{identity[:9]}-ms--7-in--{random_id_suffix()}"
    event["timestamp"] = f"{moment[:20]}-us-Z"
    event["extensions"]["index"] = "-index-"
    form = encode_json_line(event).replace(b"%", b"%%")
    for gap, filling in (
        (b"-ms-", b"%04x"),
        (b"-in-", b"%03x"),
        (b"-us-", b"%06d"),
        (b'"-text-"', b"%b"),
        (b'"-index-"', b"%d"),
    ):
        form = form.replace(gap, filling, 1)
    return form, min(_after(ns, _BILLION), _after(ns, _MILLION << 16))


def _after(ns: int, unit: int) -> int:
    """Return the next whole multiple of a unit of time."""
    return (ns // unit + 1) * unit
