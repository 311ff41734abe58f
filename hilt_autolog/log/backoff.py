"""Wait after a failed write, so that a full disk or an exhausted process is not retried with every event."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from .append_file import LogFileLost
from .safe_directory import UnsafePathError

if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST_DELAY = 1.0  # seconds
_LONGEST_DELAY = 60.0  # seconds


class Backoff:
    """A delay of 1 s after the first failure, doubled by each further one, up to 60 s.

    Args:
        monotonic: a clock in seconds.

    Attributes:
        reason: the last failure in one word, as drops are counted by; see `describe_error`.
        description: the last failure in words.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._delay = 0.0
        self._until = 0.0
        self.reason = ""
        self.description = ""

    def is_active(self) -> bool:
        """Return whether it is too early to try again."""
        return self._monotonic() < self._until

    def start(self, error: UnsafePathError | LogFileLost | OSError) -> None:
        """Start the delay after a failure, twice as long as the one before it."""
        self._delay = min(self._delay * 2 or _FIRST_DELAY, _LONGEST_DELAY)
        self._until = self._monotonic() + self._delay
        self.reason, self.description = describe_error(error)

    def reset(self) -> None:
        """End the delay after a success; the next one begins at 1 s."""
        self._delay = self._until = 0.0


def describe_error(error: UnsafePathError | LogFileLost | OSError) -> tuple[str, str]:
    """Return an error's reason (an errno's name, `folder`, `not a regular file`) and its description."""
    if isinstance(error, UnsafePathError):
        return error.reason, str(error)
    if isinstance(error, LogFileLost):
        return "EBADF", "the log's descriptor is closed as soon as it is opened"
    path = f": {error.filename}" if error.filename else ""
    return errno.errorcode.get(error.errno or 0, type(error).__name__), f"{error.strerror or error}{path}"
