"""A thread that copies a log to a sheet, and completes the copies that ended processes left beside it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, NamedTuple

from hilt_autolog.clock import Clock
from hilt_autolog.internal_errors import capture_errors, internal_errors

from .batch_copier import BatchCopier
from .checkpoint import Checkpoint
from .errors import PermanentError, RetryLater
from .rate_limiter import PAUSE, RateLimiter
from .spreadsheet import Spreadsheet
from .worksheet import Worksheet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hilt_autolog.contracts.types import JsonMapping

    from .target import SheetTarget

_POLL_INTERVAL = 0.02  # seconds
_MAX_CLOSING_BACKOFF = 3.0  # seconds between two attempts while somebody waits for the end


class UploadProgress(NamedTuple):
    """The progress of a copy.

    Attributes:
        rows: How many rows this process has written.
        behind: Bytes of the log that are not in the sheet yet.
        trouble: What prevents the copy, in words; None if nothing does.
    """

    rows: int
    behind: int
    trouble: str | None


class _StopRequest(Exception):  # noqa: N818  ends the thread; no error
    pass


class SheetUploader:
    """The copy of one log, on a daemon thread of its own.

    Args:
        log: the log, which may still grow.
        target: where its copy goes.
        key: returns the key of the service account; called on the thread.
        pause: seconds between two calls of the API.
    """

    def __init__(
        self, log: str, target: SheetTarget, key: Callable[[], JsonMapping], pause: float = PAUSE
    ) -> None:
        self.log = log
        self._target = target
        self._key = key
        self._closing = threading.Event()  # end when all is copied
        self._stop = threading.Event()  # end at once
        self._done = threading.Event()
        self._rate_limiter = RateLimiter(self._wait, pause)
        self._sheets: dict[SheetTarget, Worksheet] = {}
        self._copier: BatchCopier | None = None
        self._unfinished: Iterator[Checkpoint] = iter(())  # of ended processes
        self._unfinished_copier: BatchCopier | None = None
        self._rows = 0
        self._failures = 0
        self._last_error: str | None = None
        self._is_blocked = False

    def start(self) -> None:
        """Create the log's checkpoint, and start the thread; `progress()` shows why if that fails."""
        self._unfinished = Checkpoint.acquire_unfinished(os.path.dirname(self.log), self._target.sheet_id)
        try:
            self._acquire_checkpoint()
            threading.Thread(target=self._run, name="hilt-sheets", daemon=True).start()
        except (OSError, RuntimeError) as error:  # no file; or no thread, while the interpreter shuts down
            self._last_error = f"the copy cannot begin: {error}"
            self.release_checkpoints()
            self._done.set()

    def drain(self, idle_timeout: float) -> None:
        """Wait until the sheet has all of the log.

        Args:
            idle_timeout: seconds without anything new in the sheet after which to return anyway.
        """
        self._wait_for_progress(idle_timeout, self._is_caught_up)

    def close(self, seconds: float) -> None:
        """End when all of the log is in the sheet, or after so many seconds; the next start copies the rest.

        With 0 seconds return at once: the thread ends in the background.
        """
        self._closing.set()
        if seconds:
            self._done.wait(seconds)
            self._stop_thread()

    def finish(self, idle_timeout: float) -> None:
        """End like `close`, but wait as long as `drain` does."""
        self._closing.set()
        self._wait_for_progress(idle_timeout, self._done.is_set)
        self._stop_thread()

    def wait(self, seconds: float) -> None:
        """Wait up to so many seconds for the end of an uploader that was closed."""
        self._done.wait(seconds)

    def _stop_thread(self) -> None:
        self._stop.set()
        self._done.wait(_POLL_INTERVAL)

    def _is_caught_up(self) -> bool:
        return self._is_blocked or not self._pending_bytes()

    def _wait_for_progress(self, idle_timeout: float, is_enough: Callable[[], bool]) -> None:
        pending, until = self._pending_bytes(), Clock.monotonic() + idle_timeout
        while not (is_enough() or self._done.wait(_POLL_INTERVAL)):
            if (now := self._pending_bytes()) != pending:
                pending, until = now, Clock.monotonic() + idle_timeout
            elif Clock.monotonic() > until:
                return

    def release_checkpoints(self) -> None:
        """Release the locks; a forked child, which has no such thread, leaves them to its parent."""
        for copier in (self._copier, self._unfinished_copier):
            if copier is not None:
                copier.checkpoint.close()

    def progress(self) -> UploadProgress:
        """Return the progress of the copy."""
        copier = self._copier
        rows = self._rows + (copier.rows if copier else 0)
        return UploadProgress(rows, self._pending_bytes(), self._last_error)

    def _pending_bytes(self) -> int:
        """Return how many bytes are to be copied; 0 while another process copies this log."""
        return self._copier.checkpoint.pending_bytes() if self._copier else 0

    # --- on the thread

    def _run(self) -> None:
        try:
            while not self._is_finished():
                self._run_once()
        except _StopRequest:
            pass
        except Exception as error:  # such as a disk that no longer responds
            self._last_error = str(error)
            internal_errors.note(error)
        finally:
            capture_errors(self._close_sheets)()
            self.release_checkpoints()
            self._done.set()

    def _is_finished(self) -> bool:
        if self._stop.is_set():
            return True
        if self._copier is None:
            self._acquire_checkpoint()
        return self._closing.is_set() and self._is_caught_up()

    def _run_once(self) -> None:
        """Copy one batch, or wait."""
        try:
            self._is_blocked = False
            is_busy = self._copy()
        except _StopRequest:
            raise
        except RetryLater as error:
            self._back_off(str(error))
        except (PermanentError, ImportError, ValueError, OSError) as error:
            self._close_sheets()  # open them anew: somebody may have deleted or renamed the worksheet
            self._is_blocked = True
            self._back_off(str(error))
        except Exception as error:
            self._back_off(f"a fault of our own: {type(error).__name__}")
            internal_errors.note(error)
        else:
            self._failures, self._last_error = 0, None
            if not is_busy:
                self._wait(self._rate_limiter.pause)

    def _copy(self) -> bool:
        """Copy one batch of the log, else one of an unfinished copy; return whether there was any."""
        is_busy = self._copier is not None and self._step(self._copier)
        return is_busy or (not self._closing.is_set() and self._copy_unfinished())

    def _copy_unfinished(self) -> bool:
        if self._unfinished_copier is None:
            checkpoint = next(self._unfinished, None)
            self._unfinished_copier = BatchCopier(checkpoint) if checkpoint else None
        if self._unfinished_copier is None:
            return False
        try:
            is_busy = self._step(self._unfinished_copier)
        except (PermanentError, OSError):  # it is not our log: leave it to the next process
            is_busy = False
        if not is_busy:
            self._rows += self._unfinished_copier.rows
            self._unfinished_copier.checkpoint.close()
            self._unfinished_copier = None
        return True

    def _step(self, copier: BatchCopier) -> bool:
        if not copier.checkpoint.pending_bytes():
            return False
        target = copier.checkpoint.target
        if target not in self._sheets:
            self._sheets[target] = Worksheet(target, Spreadsheet(target, self._key()), self._rate_limiter)
        sheet = self._sheets[target]
        if not sheet.is_open:
            sheet.open()
        return copier.step(sheet)

    def _close_sheets(self) -> None:
        while self._sheets:
            self._sheets.popitem()[1].close()

    def _acquire_checkpoint(self) -> None:
        """Lock the log's checkpoint, unless another process that writes to the log has."""
        checkpoint = Checkpoint.acquire(self.log, self._target)
        self._copier = BatchCopier(checkpoint) if checkpoint else None

    def _back_off(self, reason: str) -> None:
        self._last_error = reason
        self._failures += 1
        if not self._closing.is_set():
            self._wait(self._rate_limiter.backoff(self._failures))
        elif not self._is_blocked:
            self._wait(min(self._rate_limiter.backoff(self._failures), _MAX_CLOSING_BACKOFF))

    def _wait(self, seconds: float) -> None:
        """Wait until the uploader is closed; while it is closing, until it is stopped.

        Raises:
            _StopRequest: it is stopped.
        """
        if self._closing.is_set():
            self._stop.wait(seconds)
        else:
            self._closing.wait(seconds)
        if self._stop.is_set():
            raise _StopRequest
