"""The time of an event as text that sorts like the times do, in whatever notation the event has it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hilt_autolog.contracts.types import JsonMapping

_LENGTH = len("2026-01-31T12:00:00.000000Z")


def sortable_time(event: JsonMapping) -> str:
    """Return an event's time as text that sorts; "" without a valid time, so that it stays where it is."""
    text = event.get("timestamp")
    if not isinstance(text, str):
        return ""
    if len(text) == _LENGTH and text.endswith("Z"):
        return text
    try:
        time = datetime.fromisoformat(text)
        return format_time(time.replace(tzinfo=time.tzinfo or UTC))
    except (ValueError, OverflowError):
        return ""


def format_time(time: datetime) -> str:
    """Return a time with a time zone in the notation of our own events: UTC, microseconds, `Z`."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
