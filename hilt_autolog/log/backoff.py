"""Waiting after a failure: a full disk or an exhausted process is not asked again with every event."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from .append_file import LogFileLost
from .safe_directory import UnsafePathError

if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST = 1.0
_LONGEST = 60.0


class Backoff:
    """A pause of 1 s after the first failure, doubled by each that follows on it, up to 60 s.

    Attributes:
        reason: The last failure in a word: an errno's name, `folder`, `not a regular file`.
        words: The same in words.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._length = 0.0
        self._until = 0.0
        self.reason = ""
        self.words = ""

    def lasts(self) -> bool:
        """Whether it is too early to try again."""
        return self._monotonic() < self._until

    def begin(self, error: UnsafePathError | LogFileLost | OSError) -> None:
        """Begins after a failure."""
        self._length = min(self._length * 2 or _FIRST, _LONGEST)
        self._until = self._monotonic() + self._length
        self.reason, self.words = _described(error)

    def end(self) -> None:
        """Ends with a success."""
        self._length = self._until = 0.0


def _described(error: UnsafePathError | LogFileLost | OSError) -> tuple[str, str]:
    if isinstance(error, UnsafePathError):
        return error.reason, str(error)
    if isinstance(error, LogFileLost):
        return "EBADF", "the log's descriptor is closed as soon as it is opened"
    where = f": {error.filename}" if error.filename else ""
    return errno.errorcode.get(error.errno or 0, type(error).__name__), f"{error.strerror or error}{where}"
