"""The rate of requests to Google: below its quota, and lower after a failure."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from hilt_autolog.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

PAUSE = 1.1  # seconds: at most 55 calls in a minute, of the 60 that an account has

_MAX_BACKOFF = 60.0  # seconds


class RateLimiter:
    """Delay calls so that each starts at least a pause after the one before.

    Args:
        sleep: waits for so many seconds.
        pause: seconds between two calls.
        monotonic: a clock in seconds.
    """

    def __init__(
        self,
        sleep: Callable[[float], object],
        pause: float = PAUSE,
        monotonic: Callable[[], float] = Clock.monotonic,
    ) -> None:
        self._sleep = sleep
        self.pause = pause
        self._monotonic = monotonic
        self._next = 0.0
        self._random = Random()  # noqa: S311  our own: a program may have seeded the shared one

    def __call__(self) -> None:
        """Wait until the next call may start."""
        while (seconds := self._next - self._monotonic()) > 0:
            self._sleep(seconds)
        self._next = self._monotonic() + self.pause

    def backoff(self, failures: int) -> float:
        """Return how many seconds to wait after so many failures in a row: doubled each time, up to a minute.

        Jitter of up to a half spreads the retries of processes that share a quota.
        """
        seconds: float = min(self.pause * 2 ** min(failures, 10), _MAX_BACKOFF)
        return seconds * self._random.uniform(0.5, 1.0)
