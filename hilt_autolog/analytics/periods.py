"""What calls are put together by: the day, week or month of their end, their conversation, their model."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hilt_autolog.reading.timestamps import sortable_time

if TYPE_CHECKING:
    from collections.abc import Callable

Event = dict[str, Any]

UNKNOWN = "unknown"  # stands for a time, a conversation or a model that an event does not tell


def zone(name: str) -> tzinfo | None:
    """Return the time zone of a name: `UTC`, `local` (None, as `datetime.astimezone` has it), `Europe/Paris`.

    Raises:
        ValueError: there is no such time zone.
    """
    if name.lower() == "local":
        return None
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"unknown time zone {name!r}; say UTC, local, or a name like Europe/Paris") from None


def period_of(by: str, timezone: tzinfo | None) -> Callable[[Event], str]:
    """Return what gives the period of an event, as text that sorts by time.

    Args:
        by: A key of `PERIODS`.
        timezone: Where days begin; see `zone`.
    """
    cut = PERIODS[by]
    if timezone is UTC and cut is _day:
        return lambda event: sortable_time(event)[:10] or UNKNOWN
    return lambda event: _cut(sortable_time(event), timezone, cut)


def _cut(moment: str, timezone: tzinfo | None, cut: Callable[[datetime], str]) -> str:
    if not moment:
        return UNKNOWN
    try:
        return cut(datetime.fromisoformat(moment).astimezone(timezone))
    except (ValueError, OverflowError):  # the first day of all days, seen from another zone
        return UNKNOWN


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


def _week(moment: datetime) -> str:
    """Return the Monday that the week begins with."""
    return (moment.date() - timedelta(days=moment.weekday())).isoformat()


def _month(moment: datetime) -> str:
    return moment.date().isoformat()[:7]


PERIODS: dict[str, Callable[[datetime], str]] = {"daily": _day, "weekly": _week, "monthly": _month}
"""Each period, and what names the one that a moment falls into."""


def model_of(event: Event) -> str:
    """Return the model that an event names; else the agent that it is by."""
    for part, key in (("extensions", "model"), ("provenance", "model"), ("actor", "id")):
        found = event.get(part)
        if part == "actor" and not (isinstance(found, dict) and found.get("type") == "agent"):
            break
        if isinstance(found, dict) and isinstance(found.get(key), str):
            return str(found[key])
    return UNKNOWN


def session_of(event: Event) -> str:
    """Return the conversation of an event: as the program named it, else its id."""
    extensions = event.get("extensions")
    named = extensions.get("conversation") if isinstance(extensions, dict) else None
    for name in (named, event.get("session_id")):
        if isinstance(name, str):
            return name
    return UNKNOWN
