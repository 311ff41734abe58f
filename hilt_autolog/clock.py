"""The clock, and the ids and timestamps of events: one reading of the clock gives both.

The clock functions are bound when this module is imported, as attributes of a class. Test tools replace
`time.time_ns` (freezegun also replaces module attributes that are the function itself), and a log must keep
the real time.
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
    """A namespace without instances.

    `now` returns the wall clock in nanoseconds since the epoch; `monotonic` returns seconds of a clock that
    never goes back: only differences are meaningful.
    """

    now = time.time_ns
    monotonic = time.monotonic


class _PrefixCache:
    """The common prefixes of the ids and timestamps of the current second.

    Saves one `strftime` an event, which takes longer than the rest of `id_and_timestamp`
    (tests/benchmarks/calls.py).
    """

    current: tuple[int, int, str, str] = (0, 0, "", "")  # valid from, until (ns), id prefix, timestamp prefix


def _prefixes(ns: int) -> tuple[int, int, str, str]:
    second, high = ns // _BILLION, ns // _MILLION >> 16  # an id begins with the upper 32 of 48 bits of ms
    until = min((second + 1) * _BILLION, (high + 1 << 16) * _MILLION)
    prefixes = (second * _BILLION, until, f"{high:08x}", _format_second(second))
    _PrefixCache.current = prefixes  # one assignment: other threads see the old tuple or the new
    return prefixes


def _format_second(
    second: int,
    _gmtime: Callable[[float], time.struct_time] = time.gmtime,
    _format: Callable[[str, time.struct_time], str] = time.strftime,
) -> str:
    return _format("%Y-%m-%dT%H:%M:%S", _gmtime(second))


class _IdRandom:
    """A random generator for ids alone: a program that calls `random.seed` must not make ids repeat."""

    bits: Callable[[int], int]
    suffixes: Iterator[str]  # 1,024, in turn: saves a call of `bits` an event (tests/benchmarks/calls.py)


def reseed() -> None:
    """Start new sequences of ids; a forked child calls this, or it would repeat its parent's ids."""
    _IdRandom.bits = Random().getrandbits  # noqa: S311  ids must be unique, not secret
    prefix = random_id_suffix()[:-3]
    _IdRandom.suffixes = cycle([f"{prefix}{number:03x}" for number in range(1024)])


def random_id_suffix() -> str:
    """Return the last 64 bits of a UUIDv7: the variant and 62 random bits."""
    text = random_hex(64)
    return f"{0x8000 | int(text[:4], 16) >> 2:04x}-{text[4:]}"


def random_hex(bits: int = 32) -> str:
    """Return random bits (a multiple of 8) as hexadecimal digits."""
    return _IdRandom.bits(bits).to_bytes(bits // 8, "big").hex()


reseed()


def id_and_timestamp(ns: int | None = None) -> tuple[str, str]:
    """Return the `event_id` and the `timestamp` of an event.

    The id is a UUIDv7 (RFC 9562, 5.7 and 6.2): text order is time order down to a quarter microsecond, and
    ids of one process within that have different suffixes. The timestamp is RFC 3339 in UTC with
    microseconds, ending in Z.

    Args:
        ns: nanoseconds since the epoch; now by default.
    """
    if ns is None:
        ns = Clock.now()
    since, until, id_prefix, second = _PrefixCache.current
    if not since <= ns < until:
        since, until, id_prefix, second = _prefixes(ns)
    fraction = ns % _MILLION * 4096 // _MILLION
    low = ns // _MILLION & 0xFFFF
    return (  # %-formatting takes two thirds of the time of f-strings here (tests/benchmarks/calls.py)
        "%s-%04x-7%03x-%s" % (id_prefix, low, fraction, next(_IdRandom.suffixes)),  # noqa: UP031  faster than an f-string
        "%s.%06dZ" % (second, (ns - since) // 1000),  # noqa: UP031  faster than an f-string
    )
