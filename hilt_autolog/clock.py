"""Time and identity of events: one reading of the clock gives both.

The readings are bound when this module is loaded, and kept in a class: programs replace `time.time_ns`
(freezegun also replaces names inside modules that are that very function), and a log must keep the real
time.
"""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_MILLION = 1_000_000
_BILLION = 1_000_000_000


class Clock:
    """A namespace; nothing makes instances of it.

    `now` is the wall clock in nanoseconds since the epoch; `monotonic` is seconds from a clock that never
    goes back, of which only differences mean anything.
    """

    now = time.time_ns
    monotonic = time.monotonic


class _Second:
    """The text of the second that is running: formatting a date costs more than all the rest."""

    current: tuple[int, str] = (-1, "")


def timestamp(ns: int) -> str:
    """Return `ns` (nanoseconds since the epoch) as RFC 3339 in UTC with microseconds, ending in Z."""
    second = ns // _BILLION
    known, text = _Second.current
    if known != second:
        text = _date_and_time(second)
        _Second.current = (second, text)  # one assignment: another thread sees the old pair or the new
    return "%s.%06dZ" % (text, (ns - second * _BILLION) // 1000)  # noqa: UP031  as in stamp


def _date_and_time(
    second: int,
    _gmtime: Callable[[float], time.struct_time] = time.gmtime,
    _format: Callable[[str, time.struct_time], str] = time.strftime,
) -> str:
    return _format("%Y-%m-%dT%H:%M:%S", _gmtime(second))


class _Chance:
    """Our own source of chance: a program that seeds `random` must not make our ids repeat."""

    bits = Random().getrandbits  # noqa: S311  ids must be unique, not secret


def reseed() -> None:
    """Give this process fresh ids; a forked child calls it, or it would repeat its parent's."""
    _Chance.bits = Random().getrandbits  # noqa: S311  as above


def stamp(ns: int | None = None) -> tuple[str, str]:
    """Return the `event_id` and the `timestamp` of an event that happens now, or at `ns`.

    The id is a UUIDv7 (RFC 9562, 5.7); text order is time order down to a quarter microsecond.
    """
    if ns is None:
        ns = Clock.now()
    ms = ns // _MILLION
    bits = _Chance.bits(62)
    identity = "%08x-%04x-%04x-%04x-%012x" % (  # noqa: UP031  half again as fast as an f-string, on every event
        ms >> 16,
        ms & 0xFFFF,
        0x7000 | (ns - ms * _MILLION) * 4096 // _MILLION,
        0x8000 | bits >> 48,
        bits & 0xFFFF_FFFF_FFFF,
    )
    return identity, timestamp(ns)


def token(bits: int = 32) -> str:
    """Return `bits` of chance as hexadecimal digits."""
    return hex(_Chance.bits(bits) | 1 << bits)[3:]
