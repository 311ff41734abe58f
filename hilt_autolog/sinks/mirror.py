"""A sheet that is kept up with a log that this process writes; each forked child keeps up its own."""

from __future__ import annotations

import os
from _thread import RLock
from typing import TYPE_CHECKING, Any
from weakref import WeakSet, finalize

from hilt_autolog.clock import Clock
from hilt_autolog.internal_errors import capture_errors

from .rate_limiter import PAUSE
from .uploader import Progress, SheetUploader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .target import Target

AT_EXIT = 5.0  # seconds that the end of a program waits for the sheet
PATIENCE = 30.0  # seconds that who asked for the sheet waits without seeing anything arrive there


class SheetMirror:
    """Starts a feed when the log is there, and ends it.

    Args:
        target: Where the copy goes.
        key: Gives the key of the service account; it may fail, which `progress()` tells.
        pause: Seconds between two calls of the API.
    """

    def __init__(self, target: Target, key: Callable[[], Mapping[str, Any]], pause: float = PAUSE) -> None:
        self._target = target
        self._key = key
        self._pause = pause
        self._feed: SheetUploader | None = None
        self._last = Progress(0, 0, None)
        self._claim = RLock()
        _mirrors.add(self)
        # urllib3 closes connections by such finalizers. With one of ours before them, whoever ends a mirror
        # at exit comes before the end of them all.
        finalize(self, int)

    def follow(self, log: str | None) -> None:
        """Copy this log from now on; called after each event, and raises nothing.

        Args:
            log: The absolute path of the log that the event stands in; None if it could not be written.
        """
        feed = self._feed
        if log is not None and (feed is None or feed.log != log):
            self._begin(log)

    @capture_errors
    def _begin(self, log: str) -> None:
        with self._claim:
            before = self._feed
            if before is not None and before.log == log:
                return
            self._feed = feed = SheetUploader(log, self._target, self._key, self._pause)
            feed.start()
        if before is not None:
            before.close(0)

    def drain(self) -> None:
        """Wait until the sheet has all that was written so far, as long as something arrives there."""
        if self._feed is not None:
            self._feed.drain(PATIENCE)

    def close(self, *, wait: bool = True) -> None:
        """End the copy when all is in the sheet. A later event begins it again.

        Args:
            wait: Up to five seconds; what is left then is left to the next start. Otherwise nobody waits.
        """
        if not wait and self._feed is not None:
            _leaving.add(self._feed)
        self._end(lambda feed: feed.close(_after_others(feed, AT_EXIT) if wait else 0))

    def finish(self) -> None:
        """Close, but wait as long as something arrives in the sheet, and half a minute more."""
        self._end(lambda feed: feed.finish(PATIENCE))

    def _end(self, how: Callable[[SheetUploader], None]) -> None:
        feed, self._feed = self._feed, None
        if feed is not None:
            how(feed)
            self._last = feed.progress()

    def progress(self) -> Progress:
        """Return how the copy stands, or stood when it was closed."""
        feed = self._feed
        return self._last if feed is None else feed.progress()

    def forked(self) -> None:
        """Begin anew in a forked child."""
        feed, self._feed = self._feed, None
        self._claim = RLock()
        self._last = Progress(0, 0, None)
        if feed is not None:
            feed.let_go()


_mirrors: WeakSet[SheetMirror] = WeakSet()
_leaving: WeakSet[SheetUploader] = (
    WeakSet()
)  # those that end in their own time, and hold their checkpoints until then


def _after_others(feed: SheetUploader, seconds: float) -> float:
    """Wait for the earlier feeds of a log, without whose end it cannot be copied; return the time left."""
    until = Clock.monotonic() + seconds
    for other in [one for one in _leaving if one.log == feed.log]:
        other.wait(max(0.0, until - Clock.monotonic()))
    return max(0.0, until - Clock.monotonic())


def _forked() -> None:
    for mirror in list(_mirrors):
        capture_errors(mirror.forked)()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
