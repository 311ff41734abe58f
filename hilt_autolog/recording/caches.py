"""Caches of bounded size, which threads may share without a lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

_LONGEST_QUEUE = 64  # values under one key; the oldest are dropped first
_SIZE = 4096  # entries that are kept at least; the oldest are dropped first

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """Keep the newest entries, in two generations: when the young one is full, the old one is dropped.

    Each operation is safe without a lock. (A dict from which each insertion deletes the first entry would
    have to search for it behind the gaps of all deleted ones.)
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
        """Keep `value`; return the one that was kept under `key` before."""
        before = self._young.get(key)
        if before is None:
            before = self._old.get(key)
        if len(self._young) >= _SIZE:
            self._old, self._young = self._young, {}
        self._young[key] = value
        return before


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
        """Return the values that wait under `key`, the oldest first."""
        return list(self._queues.get(key) or ())

    def remove(self, key: K, value: V) -> bool:
        """Remove a value; return False if it does not wait any more."""
        try:
            (self._queues.get(key) or deque()).remove(value)
        except ValueError:
            return False
        return True

    def take(self, key: K) -> tuple[bool, V | None]:
        """Remove the oldest value; return whether any value was ever put under `key`, and the value."""
        queue = self._queues.get(key)
        try:
            return queue is not None, None if queue is None else queue.popleft()
        except IndexError:
            return True, None
