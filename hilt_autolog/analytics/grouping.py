"""Labels to group events by: the day, week or month of their time, their conversation, their model.

An event without a time, a conversation or a model has the label `UNKNOWN`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hilt_autolog.reading.columns import UNKNOWN
from hilt_autolog.reading.lines import sortable_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.types import JsonMapping


def time_zone(name: str) -> tzinfo | None:
    """Return the time zone of a name: `UTC`, `local` (None, as for `datetime.astimezone`), `Europe/Paris`.

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
        raise ValueError(f"unknown time zone {name!r}; use UTC, local, or a name like Europe/Paris") from None


def period_label(by: str, timezone: tzinfo | None) -> Callable[[JsonMapping], str]:
    """Return a function from an event to the label of its period; labels sort by time.

    Args:
        by: a key of `PERIODS`.
        timezone: where days begin; see `time_zone`.
    """
    label = PERIODS[by]
    if timezone is UTC and label is _day:
        return lambda event: sortable_time(event)[:10] or UNKNOWN
    return lambda event: _label_time(sortable_time(event), timezone, label)


def _label_time(time: str, timezone: tzinfo | None, label: Callable[[datetime], str]) -> str:
    if not time:
        return UNKNOWN
    try:
        return label(datetime.fromisoformat(time).astimezone(timezone))
    except (ValueError, OverflowError):  # in this time zone the time is before year 1 or after year 9999
        return UNKNOWN


def _day(time: datetime) -> str:
    return time.date().isoformat()


def _week(time: datetime) -> str:
    """Return the date of the Monday of the week."""
    return (time.date() - timedelta(days=time.weekday())).isoformat()


def _month(time: datetime) -> str:
    return time.date().isoformat()[:7]


PERIODS: dict[str, Callable[[datetime], str]] = {"daily": _day, "weekly": _week, "monthly": _month}
"""Kinds of periods: name -> function from a time to the label of its period."""


def model_of(event: JsonMapping) -> str:
    """Return the model that an event names, else the id of its actor if that is an agent."""
    for key, name_key in (("extensions", "model"), ("provenance", "model"), ("actor", "id")):
        part = event.get(key)
        if key == "actor" and not (isinstance(part, dict) and part.get("type") == "agent"):
            break
        if isinstance(part, dict) and isinstance(part.get(name_key), str):
            return str(part[name_key])
    return UNKNOWN


def conversation_of(event: JsonMapping) -> str:
    """Return the conversation of an event: its name if the program has set one, else its id."""
    extensions = event.get("extensions")
    conversation = extensions.get("conversation") if isinstance(extensions, dict) else None
    for name in (conversation, event.get("session_id")):
        if isinstance(name, str):
            return name
    return UNKNOWN
