"""The deltas of one stream as events: each, or joined for up to 100 ms, or only counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from . import clock
from .events import Event, chunk_event
from .facts import Delta

_MERGED_FOR = 0.1  # seconds


class Chunks:
    """Writes what a stream says while it says it.

    Args:
        write: takes the events.
        mode: "each", "merged" or "off".
        session_id, model, reply_to: as in the events.
    """

    __slots__ = ("_held", "_held_since", "_index", "_mode", "_model", "_reply_to", "_session_id", "_write", "count", "first")

    def __init__(
        self, write: Callable[[Event], None], mode: str, session_id: str, model: str, reply_to: str | None
    ) -> None:
        self._write = write
        self._mode = mode
        self._session_id = session_id
        self._model = model
        self._reply_to = reply_to
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
            self._emit(held[0]._replace(text="".join(delta.text for delta in held)))

    def _hold(self, delta: Delta) -> None:
        now = clock.monotonic()
        if self._held:
            last = self._held[-1]
            if (last.kind, last.choice) != (delta.kind, delta.choice) or now - self._held_since >= _MERGED_FOR:
                self.flush()
        if not self._held:
            self._held_since = now
        self._held.append(delta)

    def _emit(self, delta: Delta) -> None:
        self._write(chunk_event(self._session_id, self._model, delta, self._reply_to, self._index))
        self._index += 1
