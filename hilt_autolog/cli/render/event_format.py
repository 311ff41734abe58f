"""The short texts of an event: time, actor, text, latency. Nothing here raises, whatever an event holds."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from hilt_autolog.format import finite_number, section
from hilt_autolog.reading.lines import sortable_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hilt_autolog.contracts.types import JsonMapping, JsonObject

_ACTION_STYLES = {
    "prompt": ("cyan",),
    "completion": ("green",),
    "completion_chunk": ("dim",),
    "tool_call": ("yellow",),
    "tool_result": ("yellow",),
    "retrieval": ("magenta",),
    "system": ("dim",),
}


def action_styles(event: JsonMapping) -> tuple[str, ...]:
    """Return the styles of an event's action; red for an error."""
    if is_error(event):
        return ("red",)
    action = event.get("action")
    return _ACTION_STYLES.get(action, ()) if isinstance(action, str) else ()


def is_error(event: JsonMapping) -> bool:
    """Return whether a call failed or ended early."""
    extensions = section(event, "extensions")
    return "error_type" in extensions or extensions.get("partial") is True


def local_time(event: JsonMapping) -> datetime | None:
    """Return the time of an event in the local time zone; None if it has none."""
    try:
        return datetime.fromisoformat(sortable_time(event)).astimezone()
    except (ValueError, OverflowError, OSError):  # also a year for which there is no local time
        return None


def as_text(value: object) -> str:
    """Return a string unchanged, "" for None, and any other value as JSON."""
    return "" if value is None else value if isinstance(value, str) else readable_json(value)


def readable_json(value: object, indent: int | None = None) -> str:
    """Return a value as JSON with non-ASCII characters unescaped."""
    return json.dumps(value, ensure_ascii=False, indent=indent, default=str)


def actor_name(event: JsonMapping) -> str:
    """Return the name of the actor, or its id."""
    actor = section(event, "actor")
    return as_text(actor.get("name") or actor.get("id"))


def event_text(event: JsonMapping) -> str:
    """Return the text of an event, else that of its messages, else its hash, else its counts."""
    content, extensions = section(event, "content"), section(event, "extensions")
    text = as_text(content.get("text"))
    if "error_type" in extensions:
        status = as_text(extensions.get("status_code"))
        return " ".join(filter(None, (as_text(extensions["error_type"]), status and f"({status})", text)))
    if event.get("action") == "tool_call" and extensions.get("tool"):
        return f"{as_text(extensions['tool'])} {text}"
    if text:
        return text
    if messages := _messages_text(content):
        return messages
    if content.get("text_hash"):
        return as_text(content["text_hash"])
    counts = [f"{as_text(extensions[key])} {key}" for key in ("inputs", "dimensions") if key in extensions]
    return ", ".join(counts)


def _messages_text(content: JsonMapping) -> str:
    parts = (part for message in messages_in(content) for part in parts_in(message))
    return " ".join(filter(None, map(part_text, parts)))


def messages_in(content: JsonMapping) -> list[JsonObject]:
    """Return the messages of an event's content; other values in the list are left out."""
    return _objects(content.get("messages"))


def parts_in(message: JsonMapping) -> list[JsonObject]:
    """Return the parts of a message; other values in the list are left out."""
    return _objects(message.get("parts"))


def _objects(values: object) -> list[JsonObject]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def part_text(part: JsonMapping) -> str:
    """Return the text of a part of a message: its text or reasoning, tool call, result, or kind of media."""
    if part.get("type") in ("tool_call", "server_tool_call"):
        return f"{as_text(part.get('name'))}({as_text(part.get('arguments'))})"
    for key in ("content", "response", "uri", "file_id"):
        if key in part:
            return as_text(part[key])
    size = part.get("bytes")
    kind = as_text(part.get("mime_type") or part.get("type"))
    return f"[{kind}, {size} bytes]" if isinstance(size, int) else f"[{kind}]"


def latency_ms(event: JsonMapping, key: str = "latency_ms") -> float | None:
    """Return the latency of a call, or with "ttft_ms" that of its first token, in ms; None if unknown."""
    return finite_number(section(event, "metrics").get(key))


def stream_key(event: JsonMapping) -> tuple[str, str] | None:
    """Return the stream that a chunk belongs to, as its prompt's id and its kind; None for other events."""
    if event.get("action") != "completion_chunk":
        return None
    extensions = section(event, "extensions")
    return as_text(extensions.get("reply_to")), as_text(extensions.get("kind"))


class ChunkJoiner:
    """Joins the chunks of each stream into one row.

    Any other event is a row unchanged. The row of a stream is its first chunk, with the text of all chunks
    and their number as `chunks`; it precedes the event that ends the stream.
    """

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], list[JsonMapping]] = {}

    def add(self, event: JsonMapping) -> Iterator[JsonMapping]:
        """Yield the rows that are complete with this event; events come in the order of their time."""
        stream = stream_key(event)
        if stream is not None:
            self._open.setdefault(stream, []).append(event)
            return
        if self._open:
            prompt_id = as_text(section(event, "extensions").get("reply_to"))
            for key in [key for key in self._open if key[0] == prompt_id]:
                yield _joined(self._open.pop(key))
        yield event

    def flush(self) -> Iterator[JsonMapping]:
        """Yield the rows of the streams that have not ended."""
        while self._open:
            yield _joined(self._open.pop(next(iter(self._open))))


def _joined(chunks: list[JsonMapping]) -> JsonMapping:
    text = "".join(as_text(section(chunk, "content").get("text")) for chunk in chunks)
    return {**chunks[0], "content": {"text": text}, "chunks": len(chunks)}
