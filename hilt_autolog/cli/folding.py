"""Streams folded: the pieces of an answer are one row, which is told when the answer ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .glance import word
from .sources import part

if TYPE_CHECKING:
    from collections.abc import Iterator

Event = dict[str, Any]


def stream_of(event: Event) -> tuple[str, str] | None:
    """Return which stream an event is a piece of: the prompt it replies to, and its kind; or None."""
    if event.get("action") != "completion_chunk":
        return None
    extensions = part(event, "extensions")
    return word(extensions.get("reply_to")), word(extensions.get("kind"))


class Folded:
    """Events in the order of their time become rows.

    A row is an event; that of a stream has the text of all its pieces, and how many they were as `pieces`.
    """

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], list[Event]] = {}

    def take(self, event: Event) -> Iterator[Event]:
        """Yield the rows that are whole with this event."""
        stream = stream_of(event)
        if stream is not None:
            self._open.setdefault(stream, []).append(event)
            return
        if self._open:
            answered = word(part(event, "extensions").get("reply_to"))
            for ended in [stream for stream in self._open if stream[0] == answered]:
                yield _row(self._open.pop(ended))
        yield event

    def rest(self) -> Iterator[Event]:
        """Yield the rows of the streams that have not ended."""
        while self._open:
            yield _row(self._open.pop(next(iter(self._open))))


def _row(pieces: list[Event]) -> Event:
    text = "".join(word(part(piece, "content").get("text")) for piece in pieces)
    return {**pieces[0], "content": {"text": text}, "pieces": len(pieces)}
