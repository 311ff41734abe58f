"""Write events as whole lines to a file, on the caller's thread.

There is no thread, no queue, and no lock for an ordinary event: one `write` with O_APPEND is atomic, and data
that the kernel has survives a crash of the process (but not of the machine). Everything else (opening the
file, errors, first lines, reports of drops) happens under one lock.
"""

from __future__ import annotations

import sys
from _thread import RLock
from collections import deque
from contextlib import suppress
from itertools import repeat
from typing import TYPE_CHECKING

from orjson import JSONEncodeError

from hilt_autolog.clock import Clock

from .append_file import LogFile, LogFileLost
from .encoder import DELETE, encode_json_line, encode_line, escape_invisible
from .file_opening import Backoff, LogFileOpener
from .safe_directory import UnsafePathError
from .syscalls import Syscalls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    MakeEvent = Callable[[], Mapping[str, object] | None]

# Seconds to wait for the lock. Its holder may run a `__del__` that waits for a lock of the waiting thread.
_LOCK_TIMEOUT = 1.0
_DEFERRED = ""  # in place of a reason: the line is not lost, but will be written


class Writer:
    """Write events to the log file of this process, which is opened for the first event.

    Args:
        template: the path, with the fields of `file_names.FIELDS`. With `{pid}` or `{session}` in it each
            process creates a file of its own; without, several processes may append to one.
        app: the program's name, for `{app}`.
        first_event, last_event: return the first and the last event of a file, or None to write none; called
            in any thread, also in several at once.
        dropped_event: returns the event that reports the numbers of dropped events, by reason; called under
            the lock, so it must not wait for anything.
        run_logs: see `LogFileOpener`.
        directory: the directory of a relative template; `None`: the current one at the first event.
        monotonic: a clock in seconds.

    Attributes:
        trouble: the last error, in words; `None` if there was none.

    Raises:
        ValueError: the template has an unknown field.
    """

    def __init__(  # noqa: PLR0913  all by name; called by runtime.factory only
        self,
        template: str,
        *,
        app: str,
        first_event: MakeEvent,
        last_event: MakeEvent,
        dropped_event: Callable[[dict[str, int]], Mapping[str, object] | None],
        run_logs: str | None = None,
        directory: str | None = None,
        monotonic: Callable[[], float] = Clock.monotonic,
    ) -> None:
        self._opener = LogFileOpener(template, app, directory, run_logs)
        self._first_event, self._last_event, self._dropped_event = first_event, last_event, dropped_event
        self._monotonic = monotonic
        self._reset()

    def _reset(self) -> None:
        self.trouble: str | None = None
        self._file: LogFile | None = None
        self._previous_file: LogFile | None = None
        self._fast_path = False  # a file is open, the last write succeeded, and all drops are reported
        self._needs_last_line = False  # a file has its first line, and not yet its last
        self._in_locked_write = False
        self._deferred: deque[bytes] = deque()  # lines of signal handlers that interrupted a locked write
        self._written = AtomicCounter()
        self._drops = ReasonCounters()
        self._backoff = Backoff(self._monotonic)
        self._opener.reset()
        self._lock = RLock()
        self._pid = Syscalls.getpid()

    @property
    def path(self) -> str | None:
        """The file that is open, or was open last."""
        return self._opener.path

    @property
    def written(self) -> int:
        """The number of events that the kernel has. The first and last lines of files are not counted."""
        return int(self._written)

    @property
    def drops(self) -> dict[str, int]:
        """The number of lost events, by reason: an errno's name, `encode`, `folder`, `busy`, ..."""
        return self._drops.totals()

    def write(self, event: Mapping[str, object], *, is_json: bool = False, skip_stat: bool = False) -> bool:
        """Write one event as one line. Never raise, never print, and keep no reference to the event.

        Args:
            event: the event.
            is_json: whether all its values are of JSON's own types, because they were read from JSON.
            skip_stat: whether a check of the file that is up to a second old is enough.

        Returns:
            Whether the kernel has the whole line. `False` also in a signal handler that has interrupted a
            locked write: the line is written when that write ends.
        """
        try:
            try:
                data = encode_json_line(event) if is_json else encode_line(event)
            except JSONEncodeError:  # a lone surrogate
                data = encode_line(event)
        except Exception as error:
            return self._drop("encode", f"an event cannot be encoded: {type(error).__name__}")
        file = self._file
        is_fresh = skip_stat and file is not None and Clock.monotonic() < file.verified_until
        return self.write_line(data, skip_stat=is_fresh)

    def write_line(self, data: bytes, *, skip_stat: bool = False) -> bool:
        """Write an event that is encoded as a line; see `LogFile.append` for `skip_stat`."""
        try:
            if not data.isascii() or DELETE in data:
                data = escape_invisible(data)
            file, error = self._file, None
            if self._fast_path and file is not None:
                try:
                    file.append(data, skip_stat=skip_stat)
                except LogFileLost:
                    pass
                except OSError as write_error:
                    error = write_error
                else:
                    self._written.add()
                    return True
            return self._slow_write(data, error)
        except Exception as unexpected:
            return self._drop(type(unexpected).__name__, str(unexpected))

    def close(self) -> None:
        """Write the last line and close the file. A later event opens the same file again."""
        with suppress(Exception):
            if Syscalls.getpid() != self._pid:
                self.reset_after_fork()
            if not self._needs_last_line:
                return
            self._locked_write(self._encode(self._last_event), ignore_backoff=True)
            self._fast_path = self._needs_last_line = False
            file, self._file = self._file, None
            if file is not None:
                self._previous_file = file
                file.close()

    def reset_after_fork(self) -> None:
        """Start over in a forked child: close the parent's file; the child's next event opens its own."""
        file = self._file
        self._reset()
        if file is not None:
            file.close(single_threaded=True)

    def _slow_write(self, data: bytes, error: OSError | None) -> bool:
        reason = self._locked_write(data, error)
        if reason is None:
            self._written.add()
        elif reason != _DEFERRED:
            self._drop(reason)
        return reason is None

    def _locked_write(
        self, data: bytes, error: OSError | None = None, *, ignore_backoff: bool = False
    ) -> str | None:
        """Write a line under the lock, after the first line or the report of drops if one is due.

        Args:
            data: the line.
            error: the error of the fast path's attempt to write it.
            ignore_backoff: whether to write it even during the delay after a failure.

        Returns:
            `None` if it is written, `_DEFERRED` if it will be, else the reason why it is lost.
        """
        if Syscalls.getpid() != self._pid:  # forked without the at-fork hooks
            self.reset_after_fork()
        if self._backoff.is_active() and not ignore_backoff:
            return self._backoff.reason
        # Encoded before the lock is acquired: it looks up versions, which needs the import system's locks.
        first_line = b"" if self._file is not None else self._encode(self._first_event)
        lock = self._lock  # a local name, because a fork in a signal handler replaces the attribute
        if not lock.acquire(timeout=_LOCK_TIMEOUT):
            self._backoff.start(
                UnsafePathError("busy", "another thread has not come back from opening the log")
            )
            return "busy"
        try:
            if self._in_locked_write:
                self._deferred.append(data)
                return _DEFERRED
            self._in_locked_write = True
            try:
                return self._attempt(data, first_line, error, ignore_backoff=ignore_backoff)
            finally:
                self._in_locked_write = False
        finally:
            lock.release()
            while self._deferred and not self._in_locked_write:
                self.write_line(self._deferred.popleft())

    def _attempt(
        self, data: bytes, first_line: bytes, error: OSError | None, *, ignore_backoff: bool
    ) -> str | None:
        if self._backoff.is_active() and not ignore_backoff:  # another thread has failed meanwhile
            return self._backoff.reason
        try:
            if error is not None:
                raise error
            file = self._verified_file(first_line)
            self._report_drops(file)
            file.append(data)
        except (UnsafePathError, LogFileLost, OSError) as failure:
            self._fast_path = False
            self._backoff.start(failure)
            self.trouble = self._backoff.description
            return self._backoff.reason
        self._backoff.reset()
        # In this order, because a thread that drops an event first counts it, and then clears the flag.
        self._fast_path = True
        if self._drops.unreported():
            self._fast_path = False
        return None

    def _report_drops(self, file: LogFile) -> None:
        counts = self._drops.unreported()
        if counts:
            file.append(self._encode(lambda: self._dropped_event(counts)))
            self._drops.mark_reported(counts)

    def _encode(self, make_event: MakeEvent) -> bytes:
        """Return the line of one of our own events; b"" without one or after an error: the log continues."""
        try:
            event = make_event()
            return b"" if event is None else encode_line(event)
        except Exception as error:
            self.trouble = f"{type(error).__name__}: {error}"
            return b""

    def _verified_file(self, first_line: bytes) -> LogFile:
        """Return the open file if it is still the same; else open it again, or a new one."""
        file = self._file
        if file is not None:
            if file.is_same_file():
                return file
            self._file, self._previous_file = None, file
            file.close()
        file = self._opener.open(self._previous_file, lambda: first_line or self._encode(self._first_event))
        self._file, self._needs_last_line = file, True
        return file

    def _drop(self, reason: str, description: str | None = None) -> bool:
        with suppress(Exception):  # no memory or stack left
            self._drops.add(reason)
            self._fast_path = False
            self.trouble = description or self.trouble
        return False


class AtomicCounter:
    """A counter that threads and signal handlers may increment at any moment without losing a count.

    `n += 1` is several steps, between which another thread or a signal handler may run; taking the next item
    of an iterator written in C is one step. `repeat` has a length, the number of items left; `count` has
    none.

    Attributes:
        add: counts one; called without arguments.
    """

    __slots__ = ("_left", "add")

    def __init__(self) -> None:
        self._left = repeat(None, sys.maxsize)
        self.add = self._left.__next__

    def __int__(self) -> int:
        return sys.maxsize - self._left.__length_hint__()


class ReasonCounters:
    """Counters by reason, and how much of each has been reported in the log."""

    def __init__(self) -> None:
        self._counters: dict[str, AtomicCounter] = {}
        self._reported: dict[str, int] = {}

    def add(self, reason: str) -> None:
        """Count one."""
        self._counters.setdefault(reason, AtomicCounter()).add()

    def totals(self) -> dict[str, int]:
        """Return all counts, by reason."""
        return {reason: int(counter) for reason, counter in list(self._counters.items())}

    def unreported(self) -> dict[str, int]:
        """Return the counts since the last report, by reason."""
        totals = self.totals()
        return {
            reason: n - self._reported.get(reason, 0)
            for reason, n in totals.items()
            if n > self._reported.get(reason, 0)
        }

    def mark_reported(self, counts: dict[str, int]) -> None:
        """Mark counts from `unreported` as reported."""
        for reason, n in counts.items():
            self._reported[reason] = self._reported.get(reason, 0) + n
