"""How often Google is asked: so seldom that its quota is never met, and less after a failure."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from hilt_autolog.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

PAUSE = 1.1  # seconds: at most 55 calls in a minute, of the 60 that an account has

_LONGEST = 60.0


class RateLimiter:
    """Lets calls pass one after the other, each a pause after the one before.

    Args:
        sleep: Waits for so many seconds.
        pause: Seconds between two calls.
        monotonic: A clock in seconds.
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
        self._chance = Random()  # noqa: S311  our own: a program may have seeded the shared one

    def __call__(self) -> None:
        """Wait until it is time for the next call."""
        while (left := self._next - self._monotonic()) > 0:
            self._sleep(left)
        self._next = self._monotonic() + self.pause

    def after(self, failures: int) -> float:
        """Return how long to wait after so many failures in a row: doubled each time, up to a minute.

        A part of it is chance, so that the processes that a quota has stopped do not come back together.
        """
        whole: float = min(self.pause * 2 ** min(failures, 10), _LONGEST)
        return whole * self._chance.uniform(0.5, 1.0)
