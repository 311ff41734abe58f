"""The writer: events -> whole lines in a file, on the caller's thread.

No thread, no queue, no lock on the way of an ordinary event: one `write` with O_APPEND is whole by itself,
and what the kernel has survives any death of the process (but no power cut). All else goes through one door,
with one thread at a time behind it.
"""

from __future__ import annotations

import sys
from _thread import RLock
from collections import deque
from contextlib import suppress
from itertools import repeat
from typing import TYPE_CHECKING, Any

from orjson import JSONEncodeError

from hilt_autolog.clock import Clock

from .append_file import LogFile, LogFileLost
from .backoff import Backoff
from .encoder import DELETE, encode_json_line, encode_line, escape_invisible
from .file_opening import LogFileOpener
from .safe_directory import UnsafePathError
from .syscalls import Syscalls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


# Seconds at the door: behind it some `__del__` may run, and wait for a lock that one who waits here holds.
_PATIENCE = 1.0
_LATE = ""


class Writer:
    """Writes events to the log file of this process, which is opened with the first of them.

    Args:
        template: The path, with the fields of `naming.FIELDS`. With `{pid}` or `{session}` in it each process
            makes a file of its own; without, several may append to one.
        app: The program's name, for `{app}`.
        opened, closed: Make the events that a file begins and ends with; for several threads at a time.
        dropped: Makes the event that tells how many were dropped, by reason; it must wait for nothing.
        run_logs: See `LogFileOpener`.
        folder: Where a relative template begins; if `None`, the current directory at the first event.
        monotonic: A clock in seconds.

    Attributes:
        trouble: The last error, in words; `None` if there was none.

    Raises:
        ValueError: the template has an unknown field.
    """

    def __init__(  # noqa: PLR0913 (all by name, all from one place: the switch)
        self,
        template: str,
        *,
        app: str,
        first_event: Callable[[], dict[str, Any]],
        last_event: Callable[[], dict[str, Any]],
        dropped_event: Callable[[dict[str, int]], dict[str, Any]],
        run_logs: str | None = None,
        folder: str | None = None,
        monotonic: Callable[[], float] = Clock.monotonic,
    ) -> None:
        self._opening = LogFileOpener(template, app, folder, run_logs)
        self._first_event, self._last_event, self._dropped_event = first_event, last_event, dropped_event
        self._monotonic = monotonic
        self._begin()

    def _begin(self) -> None:
        self.trouble: str | None = None
        self._file: LogFile | None = None
        self._last: LogFile | None = None
        self._calm = False  # a file is open, nothing is wrong, nothing is to be told
        self._live = False  # a file has its first line, and not yet its last
        self._busy = False  # somebody is at work behind the door
        self._late: deque[bytes] = deque()  # lines of signal handlers that interrupted that work
        self._written = AtomicCounter()
        self._drops = ReasonCounters()
        self._backoff = Backoff(self._monotonic)
        self._opening.forget()
        self._door = RLock()
        self._pid = Syscalls.getpid()

    @property
    def path(self) -> str | None:
        """The file that is open, or was last."""
        return self._opening.path

    @property
    def written(self) -> int:
        """How many events the kernel has, whole. The first and last lines of files are not counted."""
        return int(self._written)

    @property
    def drops(self) -> dict[str, int]:
        """How many events are lost, by reason: an errno's name, `encode`, `folder`, `busy`, ..."""
        return self._drops.totals()

    def write(self, event: Mapping[str, Any], *, is_json: bool = False, skip_stat: bool = False) -> bool:
        """Writes one event as one line. Never raises, never prints, and keeps nothing of it.

        Args:
            event: The event.
            is_json: All its values came out of JSON.
            skip_stat: A look at the file that is not a second old will do.

        Returns:
            Whether the kernel has the whole line. `False` also for a signal handler that interrupted the
            writer behind its door, which then writes the line.
        """
        try:
            try:
                data = encode_json_line(event) if is_json else encode_line(event)
            except JSONEncodeError:  # a lone surrogate
                data = encode_line(event)
        except Exception as error:
            return self._drop("encode", f"an event cannot be encoded: {type(error).__name__}")
        is_fresh = skip_stat and self._file is not None and Clock.monotonic() < self._file.verified_until
        return self.write_line(data, skip_stat=is_fresh)

    def write_line(self, data: bytes, *, skip_stat: bool = False) -> bool:
        """Writes an event that is a line already; `skip_stat` as in `LogFile`."""
        try:
            if not data.isascii() or DELETE in data:
                data = escape_invisible(data)
            file, failed = self._file, None
            if self._calm and file is not None:
                try:
                    file.append(data, skip_stat=skip_stat)
                except LogFileLost:
                    pass
                except OSError as error:
                    failed = error
                else:
                    self._written.add()
                    return True
            return self._slowly(data, failed)
        except Exception as error:
            return self._drop(type(error).__name__, str(error))

    def close(self) -> None:
        """Writes the last line and closes the file. A later event opens the same file again."""
        with suppress(Exception):
            if Syscalls.getpid() != self._pid:
                self.reset_after_fork()
            if not self._live:
                return
            self._behind_door(self._made(self._last_event), anyway=True)
            self._calm = self._live = False
            file, self._file = self._file, None
            if file is not None:
                self._last = file
                file.close()

    def reset_after_fork(self) -> None:
        """Begins anew in a forked child: lets its parent's file go; its next event opens its own."""
        file = self._file
        self._begin()
        if file is not None:
            file.close(alone=True)

    def _slowly(self, data: bytes, failed: OSError | None) -> bool:
        reason = self._behind_door(data, failed)
        if reason is None:
            self._written.add()
        elif reason != _LATE:
            self._drop(reason)
        return reason is None

    def _behind_door(self, data: bytes, failed: OSError | None = None, *, anyway: bool = False) -> str | None:
        """Writes a line, which has `failed` to be written perhaps, and whatever must come before it.

        Returns `None` if it is written, `_LATE` if it will be, else why it is lost. `anyway`: in a pause too.
        """
        if Syscalls.getpid() != self._pid:  # forked without the at-fork hooks
            self.reset_after_fork()
        if self._backoff.is_active() and not anyway:
            return self._backoff.reason
        # Made out here: it asks for versions, and must not want the import system's locks behind the door.
        first = b"" if self._file is not None else self._made(self._first_event)
        door = self._door  # a fork in a signal handler exchanges it
        if not door.acquire(timeout=_PATIENCE):
            self._backoff.start(
                UnsafePathError("busy", "another thread has not come back from opening the log")
            )
            return "busy"
        try:
            if self._busy:
                self._late.append(data)
                return _LATE
            self._busy = True
            try:
                return self._attempt(data, first, failed, anyway=anyway)
            finally:
                self._busy = False
        finally:
            door.release()
            while self._late and not self._busy:
                self.write_line(self._late.popleft())

    def _attempt(self, data: bytes, first: bytes, failed: OSError | None, *, anyway: bool) -> str | None:
        if self._backoff.is_active() and not anyway:  # another thread failed meanwhile
            return self._backoff.reason
        try:
            if failed is not None:
                raise failed
            file = self._ready(first)
            self._tell(file)
            file.append(data)
        except (UnsafePathError, LogFileLost, OSError) as error:
            self._calm = False
            self._backoff.start(error)
            self.trouble = self._backoff.description
            return self._backoff.reason
        self._backoff.reset()
        self._calm = True
        if self._drops.untold():  # in this order: a thread that drops counts first, and says so after
            self._calm = False
        return None

    def _tell(self, file: LogFile) -> None:
        counts = self._drops.untold()
        if counts:
            file.append(self._made(lambda: self._dropped_event(counts)))
            self._drops.tell(counts)

    def _made(self, make: Callable[[], dict[str, Any]]) -> bytes:
        try:
            return encode_line(make())
        except Exception as error:  # better a log without this line than none
            self.trouble = f"{type(error).__name__}: {error}"
            return b""

    def _ready(self, first: bytes) -> LogFile:
        file = self._file
        if file is not None:
            if file.is_same_file():
                return file
            self._file, self._last = None, file
            file.close()
        file = self._opening.open(self._last, lambda: first or self._made(self._first_event))
        self._file, self._live = file, True
        return file

    def _drop(self, reason: str, words: str | None = None) -> bool:
        with suppress(Exception):  # no memory or stack left
            self._drops.add(reason)
            self._calm = False
            self.trouble = words or self.trouble
        return False


class AtomicCounter:
    """A counter that threads and signal handlers may add to at any moment without losing a count.

    `n += 1` is several steps, between which another thread or a signal handler may run; taking the next item
    of an iterator written in C is one. `repeat` also tells how many items are left, which `count` does not.
    """

    __slots__ = ("_left", "add")

    def __init__(self) -> None:
        self._left = repeat(None, sys.maxsize)
        self.add = self._left.__next__

    def __int__(self) -> int:
        return sys.maxsize - self._left.__length_hint__()


class ReasonCounters:
    """Counters by reason, and what of them has been told already."""

    def __init__(self) -> None:
        self._tallies: dict[str, AtomicCounter] = {}
        self._told: dict[str, int] = {}

    def add(self, reason: str) -> None:
        """Counts one."""
        self._tallies.setdefault(reason, AtomicCounter()).add()

    def totals(self) -> dict[str, int]:
        """All counts, by reason."""
        return {reason: int(tally) for reason, tally in list(self._tallies.items())}

    def untold(self) -> dict[str, int]:
        """What came since the totals that were last marked as told."""
        totals = self.totals()
        return {
            reason: n - self._told.get(reason, 0)
            for reason, n in totals.items()
            if n > self._told.get(reason, 0)
        }

    def tell(self, counts: dict[str, int]) -> None:
        """Marks these counts, just obtained from `untold`, as told."""
        for reason, n in counts.items():
            self._told[reason] = self._told.get(reason, 0) + n
