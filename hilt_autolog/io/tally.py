"""Counting without a lock."""

from __future__ import annotations

import sys
from itertools import repeat


class Tally:
    """A counter that threads and signal handlers may add to at any moment without losing a count.

    `n += 1` is several steps, between which another thread or a signal handler may run; taking the next item
    of an iterator written in C is one. `repeat` also tells how many items are left, which `count` does not.
    """

    __slots__ = ("_left", "add")

    def __init__(self) -> None:
        self._left = repeat(None, sys.maxsize)
        self.add = self._left.__next__

    def __int__(self) -> int:
        return sys.maxsize - self._left.__length_hint__()


class Tallies:
    """Counters by reason, and what of them has been told already."""

    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}
        self._told: dict[str, int] = {}

    def add(self, reason: str) -> None:
        """Counts one."""
        self._tallies.setdefault(reason, Tally()).add()

    def totals(self) -> dict[str, int]:
        """All counts, by reason."""
        return {reason: int(tally) for reason, tally in list(self._tallies.items())}

    def untold(self) -> dict[str, int]:
        """What came since the totals that were last marked as told."""
        totals = self.totals()
        return {
            reason: n - self._told.get(reason, 0)
            for reason, n in totals.items()
            if n > self._told.get(reason, 0)
        }

    def tell(self, counts: dict[str, int]) -> None:
        """Marks these counts, just obtained from `untold`, as told."""
        for reason, n in counts.items():
            self._told[reason] = self._told.get(reason, 0) + n
