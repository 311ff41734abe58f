"""When an event was: as text that sorts as moments do, however the event spells its time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

_SPELLED_LENGTH = len("2026-01-31T12:00:00.000000Z")


def sortable_time(event: dict[str, Any]) -> str:
    """Return an event's time as text that sorts; "", if it tells none: it follows the one before it."""
    time = event.get("timestamp")
    if not isinstance(time, str):
        return ""
    if len(time) == _SPELLED_LENGTH and time.endswith("Z"):
        return time
    try:
        moment = datetime.fromisoformat(time)
        return format_time(moment.replace(tzinfo=moment.tzinfo or UTC))
    except (ValueError, OverflowError):
        return ""


def format_time(moment: datetime) -> str:
    """Return a moment with a time zone the way events of ours spell theirs."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
