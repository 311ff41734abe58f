"""Caches of bounded size that threads may share without a lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

_LONGEST_QUEUE = 64  # values under one key; the oldest are dropped first
_SIZE = 4096  # the fewest entries that are kept; the oldest are dropped first

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """Keep the newest entries, in two generations: when the young one is full, the old one is dropped.

    Each operation is safe without a lock. (Deleting the first entry of one dict at each insertion is slow: a
    dict finds its first entry only by skipping the gaps of all deleted ones.)
    """

    __slots__ = ("_old", "_young")

    def __init__(self) -> None:
        self._old: dict[K, V] = {}
        self._young: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """Return the value of `key`, if it is kept."""
        value = self._young.get(key)
        return self._old.get(key) if value is None else value

    def put(self, key: K, value: V) -> V | None:
        """Keep `value`; return the previous value of `key`."""
        previous = self._young.get(key)
        if previous is None:
            previous = self._old.get(key)
        if len(self._young) >= _SIZE:
            self._old, self._young = self._young, {}
        self._young[key] = value
        return previous


class PendingQueues(Generic[K, V]):
    """Keep a queue of waiting values under each key."""

    __slots__ = ("_queues",)

    def __init__(self) -> None:
        self._queues: BoundedCache[K, deque[V]] = BoundedCache()

    def put(self, key: K, value: V) -> None:
        """Append a value."""
        queue = self._queues.get(key)
        if queue is None:
            queue = deque(maxlen=_LONGEST_QUEUE)
            self._queues.put(key, queue)
        queue.append(value)

    def waiting(self, key: K) -> list[V]:
        """Return the waiting values of `key`, the oldest first."""
        return list(self._queues.get(key) or ())

    def remove(self, key: K, value: V) -> bool:
        """Remove a value; return False if it is not waiting."""
        try:
            (self._queues.get(key) or deque()).remove(value)
        except ValueError:
            return False
        return True

    def take(self, key: K) -> tuple[bool, V | None]:
        """Remove the oldest value; return whether `key` ever had a value, and the value."""
        queue = self._queues.get(key)
        try:
            return queue is not None, None if queue is None else queue.popleft()
        except IndexError:
            return True, None
