"""Read a stream chunk by chunk, and write its deltas as events while the program reads on.

The code is optimised for few operations, not for brevity: it runs between two chunks of the program's stream,
when the processor's caches are full of the SDK's own code (`tests/benchmarks/calls.py`, "a chunk").
"""

from __future__ import annotations

from json.encoder import encode_basestring as quote
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

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


class EventWriter(Protocol):
    """Write the events of chunks: `recorder.Recorder`."""

    def write_line(self, data: bytes, *, skip_stat: bool = False) -> object:
        """Write an event that is encoded as a line."""

    def emit(self, event: EventDict, position: ConversationPosition, *, skip_stat: bool = False) -> str:
        """Process an event and write it."""

    def process(self, event: EventDict, position: ConversationPosition) -> EventDict | None:
        """Return an event as `emit` would write it; None if `emit` would write nothing."""


class ChunkReader:
    """Read the chunks of one stream, and count their deltas (`chunks=off`)."""

    __slots__ = ("_ended", "accumulator", "count", "first")

    _writes_deltas: ClassVar[bool] = False  # saves a call for each chunk of a reader that only counts

    def __init__(self, accumulator: StreamAccumulator) -> None:
        self.accumulator = accumulator
        self._ended = False
        self.count = 0  # deltas so far
        self.first: float | None = None  # the time of the first, on the monotonic clock

    def add(self, chunk: Any) -> None:
        """Read the next chunk. Our own errors are counted, and never raised."""
        if self._ended:
            return
        try:
            deltas = self.accumulator.add(chunk)
            if deltas:
                if self.first is None:
                    self.first = Clock.monotonic()
                self.count += len(deltas)
                if self._writes_deltas:
                    self._write_deltas(deltas)
        except Exception as error:
            internal_errors.note(error)

    def _write_deltas(self, deltas: Sequence[Delta]) -> None:
        """Write the deltas of a chunk; called if `_writes_deltas` is set."""
        raise NotImplementedError

    def response(self) -> Response | None:
        """Return the answer so far."""
        response: Response | None = try_call(self.accumulator.response)
        return response

    def end(self) -> None:
        """Read no more chunks."""
        self._ended = True

    def discard(self) -> None:
        """Read and write no more, because the stream belongs to another process."""
        self._ended = True


class ChunkWriter(ChunkReader):
    """Read the chunks of one stream, and write each delta as an event (`chunks=each`).

    Args:
        accumulator: reads the chunks.
        recorder: writes the events.
        position: that of the call.
        actor_id: the model.
        reply_to: the event of the prompt.
    """

    __slots__ = ("_index", "_kind", "_position", "_recorder", "_source", "_template", "_valid_until")

    _writes_deltas = True

    def __init__(
        self,
        accumulator: StreamAccumulator,
        recorder: EventWriter,
        position: ConversationPosition,
        actor_id: str,
        reply_to: str | None,
    ) -> None:
        super().__init__(accumulator)
        self._recorder = recorder
        self._position = position
        self._source = (position.session_id, actor_id, reply_to)
        self._index = 0
        self._template, self._valid_until, self._kind = b"", 0, ""  # of the latest delta

    def _write_deltas(self, deltas: Sequence[Delta]) -> None:
        for kind, text, choice in deltas:
            index = self._index
            self._index = index + 1
            try:
                quoted = quote(text).encode()  # touches less memory than orjson for a short text
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
            if self._template:
                self._recorder.write_line(
                    self._template
                    % (ns // _MILLION & 0xFFFF, index & 0xFFF, ns // 1000 % _MILLION, quoted, index),
                    skip_stat=is_valid,  # the writer checks its file once a second, with the new template
                )

    def _new_template(self, ns: int, kind: str) -> tuple[bytes, int]:
        """Return the line of a chunk's event with placeholders for what differs from chunk to chunk.

        To fill in a template costs a fraction of building and encoding each event. In the event ids the index
        takes the bits of the millisecond's fraction, so that they sort in the order of the chunks.

        Args:
            ns: the time, in nanoseconds since the epoch.
            kind: text, reasoning or tool_arguments.

        Returns:
            The template, empty if a processor withholds chunks, and the time (ns) until which it is valid.
        """
        valid_until = min(_next_multiple(ns, _BILLION), _next_multiple(ns, _MILLION << 16))
        event = self._recorder.process(chunk_event(*self._source, (kind, "-text-", 0), 0), self._position)
        if event is None:
            return b"", valid_until
        event_id, timestamp = id_and_timestamp(ns)
        # 018f5c2e-|9a3b-7|c41-8d2f-... is constant: the upper 32 of the id's 48 timestamp bits, and the
        # timestamp up to the second's dot.
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
        return template, valid_until


class MergingChunkWriter(ChunkWriter):
    """Read the chunks of one stream, and write the deltas of 100 ms as one event (`chunks=merged`)."""

    __slots__ = ("_buffer", "_buffered_since")

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._buffer: list[Delta] = []
        self._buffered_since = 0.0

    def _write_deltas(self, deltas: Sequence[Delta]) -> None:
        now = Clock.monotonic()
        for delta in deltas:
            if self._buffer:
                kind, _, choice = self._buffer[-1]
                is_other = (kind, choice) != (delta[0], delta[2])
                if is_other or now - self._buffered_since >= _MERGE_SECONDS:
                    self._flush()
            if not self._buffer:
                self._buffered_since = now
            self._buffer.append(delta)

    def _flush(self) -> None:
        deltas, self._buffer = self._buffer, []
        if deltas:
            kind, _, choice = deltas[0]
            super()._write_deltas([(kind, "".join(text for _, text, _ in deltas), choice)])

    def end(self) -> None:
        """Write the deltas in the buffer, and read no more."""
        self._ended = True
        self._flush()


def _next_multiple(ns: int, unit: int) -> int:
    """Return the next whole multiple of a unit of time."""
    return (ns // unit + 1) * unit
