"""What of an event is seen at a glance: when, who, what, how much. No event is too odd for it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hilt_autolog.cli.select.sources import part
from hilt_autolog.reading.timestamps import sortable_time

if TYPE_CHECKING:
    from collections.abc import Iterator


Event = dict[str, Any]

STYLES = {
    "prompt": ("cyan",),
    "completion": ("green",),
    "completion_chunk": ("dim",),
    "tool_call": ("yellow",),
    "tool_result": ("yellow",),
    "retrieval": ("magenta",),
    "system": ("dim",),
}
"""How each action is shown; `style` knows of errors as well."""
_MS, _MINUTE, _HOUR = 1000, 60, 3600


def style(event: Event) -> tuple[str, ...]:
    """Return the styles of an event's action: an error is red."""
    if is_error(event):
        return ("red",)
    action = event.get("action")
    return STYLES.get(action, ()) if isinstance(action, str) else ()


def is_error(event: Event) -> bool:
    """Return whether a call has failed, or was cut."""
    extensions = part(event, "extensions")
    return "error_type" in extensions or extensions.get("partial") is True


def local_time(event: Event) -> datetime | None:
    """Return when an event was, in the local time zone; None, if it does not tell."""
    try:
        return datetime.fromisoformat(sortable_time(event)).astimezone()
    except (ValueError, OverflowError, OSError):  # or so far away that there is no local time
        return None


def word(value: object) -> str:
    """Return a value that should be a text as one; "" if it is absent."""
    return "" if value is None else value if isinstance(value, str) else as_json(value)


def actor(event: Event) -> str:
    """Return who spoke or acted, by name."""
    who = part(event, "actor")
    return word(who.get("name") or who.get("id"))


def text(event: Event) -> str:
    """Return what an event says in a word: its text, else what its messages hold, else what it counts."""
    content, extensions = part(event, "content"), part(event, "extensions")
    said = word(content.get("text"))
    if "error_type" in extensions:
        code = word(extensions.get("status_code"))
        return " ".join(filter(None, (word(extensions["error_type"]), code and f"({code})", said)))
    if event.get("action") == "tool_call" and extensions.get("tool"):
        return f"{word(extensions['tool'])} {said}"
    if said:
        return said
    if messages := messages_text(content):
        return messages
    if content.get("text_hash"):
        return word(content["text_hash"])
    counts = [f"{word(extensions[key])} {key}" for key in ("inputs", "dimensions") if key in extensions]
    return ", ".join(counts)


def messages_text(content: dict[str, Any]) -> str:
    """Return the words of an event's messages: texts, thoughts, tools that are called, results."""
    messages = content.get("messages")
    parts = [
        found
        for message in (messages if isinstance(messages, list) else ())
        if isinstance(message, dict) and isinstance(message.get("parts"), list)
        for found in message["parts"]
        if isinstance(found, dict)
    ]
    return " ".join(filter(None, map(part_text, parts)))


def part_text(found: dict[str, Any]) -> str:
    """Return the words of a part of a message."""
    if found.get("type") in ("tool_call", "server_tool_call"):
        return f"{word(found.get('name'))}({word(found.get('arguments'))})"
    for key in ("content", "response", "uri", "file_id"):
        if key in found:
            return word(found[key])
    size = found.get("bytes")
    kind = word(found.get("mime_type") or found.get("type"))
    return f"[{kind}, {size} bytes]" if isinstance(size, int) else f"[{kind}]"


def tokens(event: Event) -> int | None:
    """Return the tokens of a call, in and out; None, if they are not told."""
    told = part(part(event, "metrics"), "tokens")
    found = number(told.get("total"))
    if found is None:
        both = [n for key in ("prompt", "completion") if (n := number(told.get(key))) is not None]
        found = sum(both) if both else None
    return None if found is None else int(found)


def cost(event: Event) -> float | None:
    """Return the cost of a call in dollars; None, if it is not known."""
    told = part(event, "metrics").get("cost_usd")
    try:
        return number(float(told) if isinstance(told, str) else told)  # hilt-python writes it as a text
    except ValueError:
        return None


def latency(event: Event, key: str = "latency_ms") -> float | None:
    """Return how long a call took in milliseconds, or with "ttft_ms" its first token; None, if not told."""
    return number(part(event, "metrics").get(key))


def number(value: object) -> float | None:
    """Return a finite number as one, and None for whatever else stands in its place."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18:  # noqa: PLR2004
        return value
    return None


def dollars(amount: float) -> str:
    """Return an amount with as many digits as it needs: $0.000012, $0.0312, $1,234.50."""
    if amount >= 1:
        return f"${amount:,.2f}"
    return f"${amount:.4f}" if amount >= 0.01 else f"${amount:.6f}"  # noqa: PLR2004


def duration(ms: float) -> str:
    """Return a time in the unit that suits it: 119 ms, 1.2 s, 2 min 05 s, 3 h 20 min."""
    if ms < _MS:
        return f"{ms:.0f} ms"
    seconds = ms / _MS
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min {seconds % _MINUTE:02.0f} s"
    return f"{seconds // _HOUR:.0f} h {seconds % _HOUR // _MINUTE:02.0f} min"


def as_json(value: object, indent: int | None = None) -> str:
    """Return a value as JSON text for people."""
    return json.dumps(value, ensure_ascii=False, indent=indent, default=str)


def count(number: float, noun: str) -> str:
    """Return a number of things: 1 call, 1,234 calls."""
    return f"{number:,.0f} {noun}{'' if number == 1 else 's'}"


def stream_of(event: Event) -> tuple[str, str] | None:
    """Return which stream an event is a piece of: the prompt it replies to, and its kind; or None."""
    if event.get("action") != "completion_chunk":
        return None
    extensions = part(event, "extensions")
    return word(extensions.get("reply_to")), word(extensions.get("kind"))


class ChunkFolder:
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
