"""Moments as people write them: `2h`, `yesterday`, `2026-01-31`, `2026-01-31T12:00+01:00`."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"(?:[0-9]+[smhdw])+")
_HOUR = re.compile(r"[0-9]{1,2}:")
_ONE = re.compile(r"([0-9]+)([smhdw])")
EXAMPLES = "2h, 3d, 1h30m, today, yesterday, 2026-01-31, 14:30 or 2026-01-31T14:30"


class Span(NamedTuple):
    """What a word stands for: a day from its beginning to its end, or a moment that is both."""

    begin: datetime
    end: datetime


def span(text: str, now: datetime) -> Span:
    """Return what `text` stands for, in UTC.

    Args:
        text: A time ago (`90s`, `30m`, `2h`, `3d`, `1w`, `1h30m`), `today`, `yesterday`, a day, a time of
            today, or both, in the spelling of ISO 8601. What names no time zone is meant in the local one.
        now: This moment, with its time zone.

    Raises:
        ValueError: it is none of these, or too far away to be told.
    """
    word = text.strip().lower()
    try:
        if _AGO.fullmatch(word):
            ago = timedelta()
            for number, unit in _ONE.findall(word):
                ago += timedelta(**{_UNITS[unit]: int(number)})
            return _moment(now - ago)
        here = now.astimezone().date()
        if word in ("today", "yesterday"):
            return _day(here - timedelta(days=word == "yesterday"))
        if _HOUR.match(word):
            return _moment(datetime.combine(here, time.fromisoformat(word.zfill(5))))
        if ":" in word or "t" in word:
            return _moment(datetime.fromisoformat(text.strip()))
        return _day(date.fromisoformat(text.strip()))
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text!r} is no time: say {EXAMPLES}") from None


def _moment(found: datetime) -> Span:
    utc = found.astimezone(UTC)
    return Span(utc, utc)


def _day(day: date) -> Span:
    begin, end = (datetime.combine(d, time()).astimezone(UTC) for d in (day, day + timedelta(days=1)))
    return Span(begin, end)
