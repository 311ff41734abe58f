"""A sheet that is kept up to date with the log of this process. A forked child copies its own log."""

from __future__ import annotations

import os
from _thread import RLock
from typing import TYPE_CHECKING
from weakref import WeakSet, finalize

from hilt_autolog.clock import Clock
from hilt_autolog.internal_errors import capture_errors

from .rate_limiter import PAUSE
from .uploader import SheetUploader, UploadProgress

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.types import JsonMapping

    from .target import SheetTarget

EXIT_TIMEOUT = 5.0  # seconds that the end of a program waits for the sheet
IDLE_TIMEOUT = 30.0  # seconds without a new row after which an explicit wait for the sheet ends


class SheetMirror:
    """Start an uploader once there is a log, and end it.

    Args:
        target: where the copy goes.
        key: returns the key of the service account; what it raises is shown by `progress()`.
        pause: seconds between two calls of the API.
    """

    def __init__(self, target: SheetTarget, key: Callable[[], JsonMapping], pause: float = PAUSE) -> None:
        self._target = target
        self._key = key
        self._pause = pause
        self._uploader: SheetUploader | None = None
        self._last_progress = UploadProgress(0, 0, None)
        self._lock = RLock()
        _mirrors.add(self)
        # urllib3 2.8 connectionpool.py closes its pools by weakref.finalize, at exit by a function that the
        # first finalizer of the process registers. Exit functions run in reverse order: create a finalizer
        # before the exit function that ends mirrors is registered, so that mirrors end with open connections.
        finalize(self, int)

    def follow(self, log: str | None) -> None:
        """Copy this log from now on; called after each event, and raises nothing.

        Args:
            log: the absolute path of the log that has the event; None if it could not be written.
        """
        uploader = self._uploader
        if log is not None and (uploader is None or uploader.log != log):
            self._start_uploader(log)

    @capture_errors
    def _start_uploader(self, log: str) -> None:
        with self._lock:
            before = self._uploader
            if before is not None and before.log == log:
                return
            self._uploader = uploader = SheetUploader(log, self._target, self._key, self._pause)
            uploader.start()
        if before is not None:
            before.close(0)

    def drain(self) -> None:
        """Wait until the sheet has all events so far, or half a minute after its last new row."""
        if self._uploader is not None:
            self._uploader.drain(IDLE_TIMEOUT)

    def close(self, *, wait: bool = True) -> None:
        """End the copy when all events are in the sheet. A later event starts it again.

        Args:
            wait: whether to wait, up to five seconds; the next start copies the rest. Without, the copy ends
                in the background.
        """
        if not wait and self._uploader is not None:
            _closing_uploaders.add(self._uploader)
        self._end_uploader(
            lambda uploader: uploader.close(_wait_for_others(uploader, EXIT_TIMEOUT) if wait else 0)
        )

    def finish(self) -> None:
        """End the copy like `close()`, but wait as long as `drain()` does."""
        self._end_uploader(lambda uploader: uploader.finish(IDLE_TIMEOUT))

    def _end_uploader(self, end: Callable[[SheetUploader], None]) -> None:
        uploader, self._uploader = self._uploader, None
        if uploader is not None:
            end(uploader)
            self._last_progress = uploader.progress()

    def progress(self) -> UploadProgress:
        """Return the progress of the copy, or the last progress of one that has ended."""
        uploader = self._uploader
        return self._last_progress if uploader is None else uploader.progress()

    def reset_after_fork(self) -> None:
        """Start over in a forked child: discard the parent's uploader and progress."""
        uploader, self._uploader = self._uploader, None
        self._lock = RLock()
        self._last_progress = UploadProgress(0, 0, None)
        if uploader is not None:
            uploader.release_checkpoints()


_mirrors: WeakSet[SheetMirror] = WeakSet()
# Uploaders that end in the background; each keeps its checkpoints locked until it has ended.
_closing_uploaders: WeakSet[SheetUploader] = WeakSet()


def _wait_for_others(uploader: SheetUploader, seconds: float) -> float:
    """Wait for earlier uploaders of the same log, which have its checkpoint locked; return the time left."""
    until = Clock.monotonic() + seconds
    for other in [other for other in _closing_uploaders if other.log == uploader.log]:
        other.wait(max(0.0, until - Clock.monotonic()))
    return max(0.0, until - Clock.monotonic())


def _reset_mirrors() -> None:
    for mirror in list(_mirrors):
        capture_errors(mirror.reset_after_fork)()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_mirrors)
