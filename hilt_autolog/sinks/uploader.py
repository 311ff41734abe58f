"""A thread that feeds a sheet from a log, and from what dead processes have left of theirs beside it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from hilt_autolog.clock import Clock
from hilt_autolog.internal_errors import capture_errors, internal_errors

from .batch_copier import BatchCopier
from .checkpoint import Checkpoint
from .errors import Refusal, RetryLater
from .rate_limiter import PAUSE, RateLimiter
from .spreadsheet import Spreadsheet
from .worksheet import Worksheet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .target import Target

_GLANCE = 0.02  # seconds
_SOON = 3.0  # seconds between two attempts while somebody waits


class Progress(NamedTuple):
    """How the copy stands.

    Attributes:
        rows: how many rows this process has written.
        behind: bytes of the log that are not in the sheet yet.
        trouble: why not, in words; None if all is well.
    """

    rows: int
    behind: int
    trouble: str | None


class _GivenUp(Exception):  # noqa: N818  nobody waits for us any more
    pass


class SheetUploader:
    """The copy of one log, on a daemon thread of its own.

    Args:
        log: The log; it is read as it grows.
        target: Where its copy goes.
        key: Gives the key of the service account; it is called on the thread.
        pause: Seconds between two calls of the API.
    """

    def __init__(
        self, log: str, target: Target, key: Callable[[], Mapping[str, Any]], pause: float = PAUSE
    ) -> None:
        self.log = log
        self._target = target
        self._key = key
        self._closing = threading.Event()
        self._over = threading.Event()
        self._done = threading.Event()
        self._pace = RateLimiter(self._wait, pause)
        self._sheets: dict[Target, Worksheet] = {}
        self._copier: BatchCopier | None = None
        self._left: Iterator[Checkpoint] = iter(())
        self._rest: BatchCopier | None = None
        self._rows = 0
        self._failures = 0
        self._trouble: str | None = None
        self._is_refused = False

    def start(self) -> None:
        """Note in the log's folder that it is copied, and begin; `progress()` tells why if that fails."""
        self._left = Checkpoint.left(os.path.dirname(self.log), self._target.sheet_id)
        try:
            self._hold()
            threading.Thread(target=self._run, name="hilt-sheets", daemon=True).start()
        except (OSError, RuntimeError) as error:  # no file, or at the end of the program no thread
            self._trouble = f"the copy cannot begin: {error}"
            self.let_go()
            self._done.set()

    def drain(self, patience: float) -> None:
        """Wait until the sheet has all that the log has, as long as something arrives there now and then.

        Args:
            patience: Seconds without anything new in the sheet after which it is enough.
        """
        self._wait_while_moving(patience, self._is_level)

    def close(self, seconds: float) -> None:
        """End when all of the log is in the sheet; what is left after that time waits for the next start.

        With 0 seconds nobody waits, and the thread comes to its end in its own time.
        """
        self._closing.set()
        if seconds:
            self._done.wait(seconds)
            self._give_up()

    def finish(self, patience: float) -> None:
        """Close, but wait as `drain` does."""
        self._closing.set()
        self._wait_while_moving(patience, self._done.is_set)
        self._give_up()

    def wait(self, seconds: float) -> None:
        """Wait up to so many seconds for the end of what was closed."""
        self._done.wait(seconds)

    def _give_up(self) -> None:
        self._over.set()
        self._done.wait(_GLANCE)

    def _is_level(self) -> bool:
        return self._is_refused or not self._behind()

    def _wait_while_moving(self, patience: float, is_enough: Callable[[], bool]) -> None:
        behind, until = self._behind(), Clock.monotonic() + patience
        while not (is_enough() or self._done.wait(_GLANCE)):
            if (now := self._behind()) != behind:
                behind, until = now, Clock.monotonic() + patience
            elif Clock.monotonic() > until:
                return

    def let_go(self) -> None:
        """Let go of the checkpoints; in a forked child, which has no such thread, they are the parent's."""
        for copier in (self._copier, self._rest):
            if copier is not None:
                copier.checkpoint.close()

    def progress(self) -> Progress:
        """Return how the copy stands."""
        copier = self._copier
        rows = self._rows + (copier.rows if copier else 0)
        return Progress(rows, self._behind(), self._trouble)

    def _behind(self) -> int:
        """Return how much is not there yet; nothing is ours to copy while another process does it."""
        return self._copier.checkpoint.behind() if self._copier else 0

    # --- on the thread

    def _run(self) -> None:
        try:
            while not self._is_over():
                self._round()
        except _GivenUp:
            pass
        except Exception as error:  # a disk that does not answer any more
            self._trouble = str(error)
            internal_errors.note(error)
        finally:
            capture_errors(self._close_sheets)()
            self.let_go()
            self._done.set()

    def _is_over(self) -> bool:
        if self._over.is_set():
            return True
        if self._copier is None:
            self._hold()
        return self._closing.is_set() and self._is_level()

    def _round(self) -> None:
        """Copy one batch, or wait."""
        try:
            self._is_refused = False
            is_busy = self._copy()
        except _GivenUp:
            raise
        except RetryLater as error:
            self._failed(str(error))
        except (Refusal, ImportError, ValueError, OSError) as error:
            self._close_sheets()  # look anew: somebody may have deleted or renamed the worksheet
            self._is_refused = True
            self._failed(str(error))
        except Exception as error:
            self._failed(f"a fault of our own: {type(error).__name__}")
            internal_errors.note(error)
        else:
            self._failures, self._trouble = 0, None
            if not is_busy:
                self._wait(self._pace.pause)

    def _copy(self) -> bool:
        """Copy one batch of the log, else one of what is left; return whether there was any."""
        is_busy = self._copier is not None and self._step(self._copier)
        return is_busy or (not self._closing.is_set() and self._copy_rest())

    def _copy_rest(self) -> bool:
        if self._rest is None:
            left = next(self._left, None)
            self._rest = BatchCopier(left) if left else None
        if self._rest is None:
            return False
        try:
            is_busy = self._step(self._rest)
        except (Refusal, OSError):  # it is not our log: whoever comes next may have more luck
            is_busy = False
        if not is_busy:
            self._rows += self._rest.rows
            self._rest.checkpoint.close()
            self._rest = None
        return True

    def _step(self, copier: BatchCopier) -> bool:
        if not copier.checkpoint.behind():
            return False
        target = copier.checkpoint.target
        if target not in self._sheets:
            self._sheets[target] = Worksheet(target, Spreadsheet(target, self._key()), self._pace)
        sheet = self._sheets[target]
        if not sheet.is_open:
            sheet.open()
        return copier.step(sheet)

    def _close_sheets(self) -> None:
        while self._sheets:
            self._sheets.popitem()[1].close()

    def _hold(self) -> None:
        """Take the log, unless another process that writes to it has."""
        held = Checkpoint.held(self.log, self._target)
        self._copier = BatchCopier(held) if held else None

    def _failed(self, trouble: str) -> None:
        self._trouble = trouble
        self._failures += 1
        if not self._closing.is_set():
            self._wait(self._pace.after(self._failures))
        elif not self._is_refused:
            self._wait(min(self._pace.after(self._failures), _SOON))

    def _wait(self, seconds: float) -> None:
        """Wait; until somebody closes us, and from then on until nobody waits for us any more."""
        if self._closing.is_set():
            self._over.wait(seconds)
        else:
            self._closing.wait(seconds)
        if self._over.is_set():
            raise _GivenUp
