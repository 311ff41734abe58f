"""Times as people write them: `2h`, `yesterday`, `2026-01-31`, `2026-01-31T12:00+01:00`."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"(?:[0-9]+[smhdw])+")
_HOUR = re.compile(r"[0-9]{1,2}:")
_AGO_PART = re.compile(r"([0-9]+)([smhdw])")
_EXAMPLES = "2h, 3d, 1h30m, today, yesterday, 2026-01-31, 14:30 or 2026-01-31T14:30"


class TimeRange(NamedTuple):
    """A day from its beginning to its end, or a moment, which is both."""

    begin: datetime
    end: datetime


def parse_time_range(text: str, now: datetime) -> TimeRange:
    """Return the time range that a text names, in UTC.

    Args:
        text: a time ago (`90s`, `30m`, `2h`, `3d`, `1w`, `1h30m`), `today`, `yesterday`, a day, a time of
            today, or both, as ISO 8601 writes them; in the local time zone unless it names one.
        now: the current time, with its time zone.

    Raises:
        ValueError: the text is none of these, or its date is out of range.
    """
    word = text.strip().lower()
    try:
        if _AGO.fullmatch(word):
            ago = timedelta()
            for number, unit in _AGO_PART.findall(word):
                ago += timedelta(**{_UNITS[unit]: int(number)})
            return _moment(now - ago)
        today = now.astimezone().date()
        if word in ("today", "yesterday"):
            return _day(today - timedelta(days=word == "yesterday"))
        if _HOUR.match(word):
            return _moment(datetime.combine(today, time.fromisoformat(word.zfill(5))))
        if ":" in word or "t" in word:
            return _moment(datetime.fromisoformat(text.strip()))
        return _day(date.fromisoformat(text.strip()))
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text!r} is no time: use {_EXAMPLES}") from None


def _moment(moment: datetime) -> TimeRange:
    utc = moment.astimezone(UTC)
    return TimeRange(utc, utc)


def _day(day: date) -> TimeRange:
    begin, end = (datetime.combine(d, time()).astimezone(UTC) for d in (day, day + timedelta(days=1)))
    return TimeRange(begin, end)
