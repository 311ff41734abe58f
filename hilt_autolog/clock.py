"""Time and identity of events: one reading of the clock gives both.

The readings are bound when this module is loaded, and kept in a class: programs replace `time.time_ns`
(freezegun also replaces names inside modules that are that very function), and a log must keep the real
time.
"""

from __future__ import annotations

import time
from itertools import cycle
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MILLION = 1_000_000
_BILLION = 1_000_000_000


class Clock:
    """A namespace; nothing makes instances of it.

    `now` is the wall clock in nanoseconds since the epoch; `monotonic` is seconds from a clock that never
    goes back, of which only differences mean anything.
    """

    now = time.time_ns
    monotonic = time.monotonic


class _Now:
    """What ids and timestamps of this second begin with: formatting a date costs more than all the rest."""

    current: tuple[int, int, str, str] = (0, 0, "", "")  # from when, until when (ns), id, timestamp


def _now(ns: int) -> tuple[int, int, str, str]:
    second, high = ns // _BILLION, ns // _MILLION >> 16
    until = min((second + 1) * _BILLION, (high + 1 << 16) * _MILLION)
    now = (second * _BILLION, until, f"{high:08x}", _date_and_time(second))
    _Now.current = now  # one assignment: another thread sees the old ones or the new
    return now


def _date_and_time(
    second: int,
    _gmtime: Callable[[float], time.struct_time] = time.gmtime,
    _format: Callable[[str, time.struct_time], str] = time.strftime,
) -> str:
    return _format("%Y-%m-%dT%H:%M:%S", _gmtime(second))


class _Random:
    """Our own source of chance: a program that seeds `random` must not make our ids repeat."""

    bits: Callable[[int], int]
    tails: Iterator[str]  # what the ids end with, in turn


def reseed() -> None:
    """Give this process fresh ids; a forked child calls it, or it would repeat its parent's."""
    _Random.bits = Random().getrandbits  # noqa: S311  ids must be unique, not secret
    head = random_id_suffix()[:-3]
    _Random.tails = cycle([f"{head}{number:03x}" for number in range(1024)])


def random_id_suffix() -> str:
    """Return the last 64 bits of a UUIDv7: its variant and chance."""
    text = random_hex(64)
    return f"{0x8000 | int(text[:4], 16) >> 2:04x}-{text[4:]}"


def random_hex(bits: int = 32) -> str:
    """Return `bits` of chance (a multiple of 8) as hexadecimal digits."""
    return _Random.bits(bits).to_bytes(bits // 8, "big").hex()


reseed()


def id_and_timestamp(ns: int | None = None) -> tuple[str, str]:
    """Return the `event_id` and the `timestamp` of an event that happens now, or at `ns` (since the epoch).

    The id is a UUIDv7 (RFC 9562, 5.7 and 6.2): text order is time order down to a quarter microsecond, and
    what one process stamps within that has another end each time. The timestamp is RFC 3339 in UTC with
    microseconds, ending in Z.
    """
    if ns is None:
        ns = Clock.now()
    since, until, high, text = _Now.current
    if not since <= ns < until:
        since, until, high, text = _now(ns)
    fraction = ns % _MILLION * 4096 // _MILLION
    return (
        "%s-%04x-7%03x-%s" % (high, ns // _MILLION & 0xFFFF, fraction, next(_Random.tails)),  # noqa: UP031  half
        "%s.%06dZ" % (text, (ns - since) // 1000),  # noqa: UP031  again as fast as an f-string, on every event
    )
