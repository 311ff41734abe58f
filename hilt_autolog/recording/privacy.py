"""What of the content may stand in the log: all of it, its hashes, or nothing."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

Event = dict[str, Any]


def withhold(event: Event, mode: str) -> Event | None:
    """Take the content out of an event, as `content=hash` or `content=none` asks.

    Of a request's parameters and a document's metadata only numbers and switches stay: any text among them
    may quote a person.

    Args:
        event: the event; it is changed.
        mode: "hash" leaves `text_hash`, "none" leaves nothing.

    Returns:
        The event, or None when it says nothing any more (a chunk of a stream).
    """
    if event["action"] == "completion_chunk":
        return None
    content = event.pop("content", None)
    text = content.get("text") if content else None
    if mode == "hash" and text is not None:
        digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        event["content"] = {"text_hash": f"sha256:{digest}"}
    _leave_numbers(event.get("extensions", {}), "request")
    _leave_numbers(event.get("provenance", {}), "retrieval")
    event["privacy"] = {"redaction_applied": True}
    return event


def _leave_numbers(holder: dict[str, Any], name: str) -> None:
    if name in holder:
        holder[name] = {key: value for key, value in holder[name].items() if isinstance(value, int | float)}
