"""A memory of bounded size."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

_LONGEST = 64  # what waits under one key; the oldest is forgotten first
_REMEMBERED = 4096  # at least so many entries; the oldest are forgotten first

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """Remembers the newest entries, in two halves: when the young one is full, the old one is forgotten.

    Each operation is one that threads may share. (A dict that drops its first entry at each insertion
    would have to find it behind the gaps of all those that it has dropped before.)
    """

    __slots__ = ("_old", "_young")

    def __init__(self) -> None:
        self._old: dict[K, V] = {}
        self._young: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """Return what is remembered under `key`."""
        value = self._young.get(key)
        return self._old.get(key) if value is None else value

    def put(self, key: K, value: V) -> V | None:
        """Remember `value`; return what was remembered under `key` before."""
        before = self._young.get(key)
        if before is None:
            before = self._old.get(key)
        if len(self._young) >= _REMEMBERED:
            self._old, self._young = self._young, {}
        self._young[key] = value
        return before


class PendingQueues(Generic[K, V]):
    """Remembers what waits under a key, to be taken in the order in which it came."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: BoundedCache[K, deque[V]] = BoundedCache()

    def put(self, key: K, value: V) -> None:
        """Let `value` wait."""
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = deque(maxlen=_LONGEST)
            self._waiting.put(key, waiting)
        waiting.append(value)

    def waiting(self, key: K) -> list[V]:
        """Return what waits under `key`, in its order."""
        return list(self._waiting.get(key) or ())

    def remove(self, key: K, value: V) -> bool:
        """Take `value` out of its turn; False if somebody else was faster."""
        try:
            (self._waiting.get(key) or deque()).remove(value)
        except ValueError:
            return False
        return True

    def take(self, key: K) -> tuple[bool, V | None]:
        """Return whether anything has ever waited under `key`, and what has waited the longest."""
        waiting = self._waiting.get(key)
        try:
            return waiting is not None, None if waiting is None else waiting.popleft()
        except IndexError:
            return True, None
