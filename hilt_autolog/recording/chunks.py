"""Read a stream chunk by chunk, and write its deltas as events while the program reads on.

This code runs between two chunks of the program's stream, where the SDK's own code has just filled the
processor's caches: it does few steps, rather than few lines (`tests/benchmarks/calls.py`, "a chunk").
"""

from __future__ import annotations

from json.encoder import encode_basestring as quote
from typing import TYPE_CHECKING, Any, Protocol

from hilt_autolog.clock import Clock, id_and_timestamp, random_id_suffix
from hilt_autolog.internal_errors import internal_errors, try_call
from hilt_autolog.log.encoder import encode_json_line

from .events import chunk_event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hilt_autolog.contracts.model import Delta, Response, StreamAccumulator
    from hilt_autolog.contracts.types import EventDict

    from .conversations import ConversationPosition

_MERGE_SECONDS = 0.1
_MILLION = 1_000_000
_BILLION = 1_000_000_000


class ChunkRecorder(Protocol):
    """Write the events of chunks: `recorder.Recorder`."""

    def write_line(self, data: bytes, *, skip_stat: bool = False) -> object:
        """Write an event that is a line already."""

    def emit(self, event: EventDict, position: ConversationPosition, *, skip_stat: bool = False) -> str:
        """Process an event and write it."""

    def process(self, event: EventDict, position: ConversationPosition) -> EventDict | None:
        """Return an event as `emit` would write it."""


class Chunks:
    """Read the chunks of one stream, and count their deltas (`chunks=off`)."""

    __slots__ = ("_ended", "_is_written", "accumulator", "count", "first")

    def __init__(self, accumulator: StreamAccumulator, *, is_written: bool = False) -> None:
        self.accumulator = accumulator
        self._ended = False
        self._is_written = is_written
        self.count = 0  # deltas so far
        self.first: float | None = None  # the time of the first, on the monotonic clock

    def add(self, chunk: Any) -> None:
        """Read the next chunk; errors of ours are counted, and never reach the program."""
        if self._ended:
            return
        try:
            deltas = self.accumulator.add(chunk)
            if deltas:
                if self.first is None:
                    self.first = Clock.monotonic()
                self.count += len(deltas)
                if self._is_written:
                    self._write_deltas(deltas)
        except Exception as error:
            internal_errors.note(error)

    def _write_deltas(self, deltas: Sequence[Delta]) -> None:
        """Write the deltas of a chunk."""

    def response(self) -> Response | None:
        """Return the answer as far as it has come."""
        response: Response | None = try_call(self.accumulator.response)
        return response

    def end(self) -> None:
        """Write what is held back, and read no more."""
        self._ended = True

    def discard(self) -> None:
        """Read no more, and write nothing: the stream belongs to another process."""
        self._ended = True


class WrittenChunks(Chunks):
    """Read the chunks of one stream, and write each delta as an event (`chunks=each`).

    Args:
        accumulator: reads the chunks.
        recorder: writes the events.
        position: that of the call.
        actor_id: the model.
        reply_to: the event of the prompt.
    """

    __slots__ = ("_index", "_kind", "_position", "_recorder", "_source", "_template", "_valid_until")

    def __init__(
        self,
        accumulator: StreamAccumulator,
        recorder: ChunkRecorder,
        position: ConversationPosition,
        actor_id: str,
        reply_to: str | None,
    ) -> None:
        super().__init__(accumulator, is_written=True)
        self._recorder = recorder
        self._position = position
        self._source = (position.session_id, actor_id, reply_to)
        self._index = 0
        self._template, self._valid_until, self._kind = b"", 0, ""  # the latest, until when, for which kind

    def _write_deltas(self, deltas: Sequence[Delta]) -> None:
        for kind, text, choice in deltas:
            index = self._index
            self._index = index + 1
            try:
                quoted = quote(text).encode()  # touches less memory than orjson does for a short text
            except (TypeError, UnicodeEncodeError):  # not a text, or one with lone surrogates
                quoted = b""
            if choice or not quoted:
                event = chunk_event(*self._source, (kind, text, choice), index)
                self._recorder.emit(event, self._position, skip_stat=True)
                continue
            ns = Clock.now()
            is_valid = ns < self._valid_until and kind == self._kind
            if not is_valid:
                self._template, self._valid_until = self._new_template(ns, kind)
                self._kind = kind
            self._recorder.write_line(
                self._template
                % (ns // _MILLION & 0xFFFF, index & 0xFFF, ns // 1000 % _MILLION, quoted, index),
                skip_stat=is_valid,  # the writer checks its file once a second, with the new template
            )

    def _new_template(self, ns: int, kind: str) -> tuple[bytes, int]:
        """Return the line of a chunk's event with placeholders for what differs from chunk to chunk.

        To build and encode the whole event costs several times as much. In the ids the index is where other
        UUIDv7s have a fraction of the millisecond, so that they sort in the order of the chunks.

        Args:
            ns: the time, since the epoch.
            kind: text, reasoning or tool_arguments.

        Returns:
            The template, and the time (ns) until which it is valid.
        """
        event = chunk_event(*self._source, (kind, "-text-", 0), 0)
        event = self._recorder.process(event, self._position) or event
        event_id, timestamp = id_and_timestamp(ns)
        # 018f5c2e-|9a3b-7|c41-8d2f-... : of the id the first 32 of 48 bits of the millisecond stay the same,
        # of the timestamp all up to the second and its dot.
        event["event_id"] = f"{event_id[:9]}-ms--7-in--{random_id_suffix()}"
        event["timestamp"] = f"{timestamp[:20]}-us-Z"
        event["extensions"]["index"] = "-index-"  # type: ignore[typeddict-item]  # a placeholder
        template = encode_json_line(event).replace(b"%", b"%%")
        for placeholder, directive in (
            (b"-ms-", b"%04x"),
            (b"-in-", b"%03x"),
            (b"-us-", b"%06d"),
            (b'"-text-"', b"%b"),
            (b'"-index-"', b"%d"),
        ):
            template = template.replace(placeholder, directive, 1)
        return template, min(_next_multiple(ns, _BILLION), _next_multiple(ns, _MILLION << 16))


class MergedChunks(WrittenChunks):
    """Read the chunks of one stream, and write the deltas of 100 ms as one event (`chunks=merged`)."""

    __slots__ = ("_held", "_held_since")

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._held: list[Delta] = []
        self._held_since = 0.0

    def _write_deltas(self, deltas: Sequence[Delta]) -> None:
        now = Clock.monotonic()
        for delta in deltas:
            if self._held:
                kind, _, choice = self._held[-1]
                is_other = (kind, choice) != (delta[0], delta[2])
                if is_other or now - self._held_since >= _MERGE_SECONDS:
                    self._flush()
            if not self._held:
                self._held_since = now
            self._held.append(delta)

    def _flush(self) -> None:
        held, self._held = self._held, []
        if held:
            kind, _, choice = held[0]
            super()._write_deltas([(kind, "".join(text for _, text, _ in held), choice)])

    def end(self) -> None:
        """Write what is held back, and read no more."""
        self._ended = True
        self._flush()


def _next_multiple(ns: int, unit: int) -> int:
    """Return the next whole multiple of a unit of time."""
    return (ns // unit + 1) * unit
