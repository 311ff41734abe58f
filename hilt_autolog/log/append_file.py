"""One open log file: each append is one write of whole lines, after a check that it is still that file."""

from __future__ import annotations

import errno
import stat
import sys
from contextlib import suppress
from os import SEEK_CUR, SEEK_END

from hilt_autolog.clock import Clock

from .safe_directory import UnsafePathError
from .syscalls import APPEND, READ_ONLY, Syscalls

_CLOSE_ATTEMPTS = 50  # a millisecond apart
_STAT_LIFETIME = 1.0  # seconds
_MEBIBYTE = 1 << 20
_RESERVED_SPACE = 64 * _MEBIBYTE


class LogFileLost(Exception):  # noqa: N818  it is no error of the program
    """The descriptor is no longer the log file: the program closed or reused it, or the file was deleted."""


class LogFile:
    """An open log file.

    Args:
        fd: a descriptor that is open for appending; this object closes it.
        path: the file's absolute path.
        shared: whether other processes may append to the file; then nothing is ever removed from it.

    Attributes:
        path: the file's absolute path.
        identity: its inode and device.
        size: its size in bytes when it was opened.
        torn: whether it ends with a partial line, so that the next write must begin with a line break.
        verified_until: a second after the last `fstat`, on the monotonic clock.

    Raises:
        UnsafePathError: it is not a regular file, or it is not shared and has several names.
        OSError: the descriptor is closed.
    """

    __slots__ = (
        "_end",
        "_fd",
        "_next_space_check",
        "_pid",
        "_shared",
        "_writing",
        "identity",
        "path",
        "size",
        "torn",
        "verified_until",
    )

    def __init__(self, fd: int, path: str, *, shared: bool) -> None:
        state = Syscalls.fstat(fd)
        # A hard link could make us write to another user's file. A shared file may have several names,
        # because the program names it.
        if not stat.S_ISREG(state.st_mode) or not (shared or state.st_nlink == 1):
            raise UnsafePathError(
                "not a regular file", f"not a regular file, or one with several names: {path}"
            )
        self._fd = fd
        self._pid = Syscalls.getpid()
        self.identity = state[1:3]
        self._shared = shared
        self._next_space_check = state.st_size
        self.path = path
        self.size = state.st_size
        self.torn = False
        self.verified_until = 0.0
        self._end = -1  # the descriptor's offset after our last write
        self._writing: list[None] = []  # an item for each write in progress; list operations are atomic

    def append(self, data: bytes, *, skip_stat: bool = False) -> None:
        """Write whole lines.

        Args:
            data: the lines.
            skip_stat: skip the `fstat` if the descriptor's offset is still that after our last write. Most of
                what this saves is not the `fstat` itself: an `fstat` makes the next write slower ("a chunk"
                in tests/benchmarks/calls.py). Must not be used after `verified_until`.

        Raises:
            LogFileLost: nothing was written: the descriptor is no longer this file, or belongs to another
                process.
            OSError: the lines were not written; a partial line is removed, or ended by the next write's line
                break.
        """
        self._writing.append(None)
        try:
            start = self._end
            try:
                is_unmoved = skip_stat and Syscalls.lseek(self._fd, 0, SEEK_CUR) == start
            except OSError:
                is_unmoved = False
            if not is_unmoved:
                start = self._verified_size()
            if self.torn:
                data = b"\n" + data
            try:
                count = Syscalls.write(self._fd, data)
            except InterruptedError:
                count = 0
            if count != len(data):
                self._write_rest(data, count, start)
            self._end = start + len(data)
            self.torn = False
        finally:
            self._writing.pop()

    def _verified_size(self) -> int:
        """Check that the descriptor is still this file, and return the file's size.

        A stat result is read by index here, because `[1:3]` yields inode and device in one step, as they are
        kept in `identity`: 1 is st_ino, 2 st_dev, 3 st_nlink (0 when the file was deleted), 6 st_size.
        """
        try:
            state = Syscalls.fstat(self._fd)
        except OSError:
            raise LogFileLost from None
        if state[1:3] != self.identity or not state[3] or Syscalls.getpid() != self._pid:
            raise LogFileLost
        if state[6] >= self._next_space_check:
            self._check_space(state[6])
        self.verified_until = Clock.monotonic() + _STAT_LIFETIME
        return state[6]

    def _write_rest(self, data: bytes, count: int, start: int) -> None:
        """Write the rest after a partial write of `count` bytes, or repair the file's end and raise."""
        try:
            while count < len(data):
                with suppress(InterruptedError):
                    more = Syscalls.write(self._fd, data[count:])
                    if not more:
                        raise OSError(errno.EIO, "a write of nothing")
                    count += more
        except BaseException:
            if count:
                self._remove_partial_line(start, count)
            raise

    def _remove_partial_line(self, start: int, count: int) -> None:
        # Only in an unshared file that has not grown since: another thread may have written a line.
        if not self._shared:
            with suppress(OSError):
                if Syscalls.fstat(self._fd).st_size == start + count:
                    Syscalls.ftruncate(self._fd, start)
                    return
        self.torn = True

    def use_all_space(self) -> None:
        """Do not reserve disk space, for a caller that handles the error of each line."""
        self._next_space_check = sys.maxsize

    def _check_space(self, size: int) -> None:
        """Raise OSError before the disk is full; checked once for each mebibyte that the file grows."""
        if Syscalls.fstatvfs is not None:
            disk = Syscalls.fstatvfs(self._fd)
            free, total = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
            # Some file systems report no size; on a small one, 64 MiB would be most of it.
            if total and (free < min(_RESERVED_SPACE, total // 10) or free < total // 100):
                raise OSError(errno.ENOSPC, "less than 64 MiB or 1 % of the disk is free")
        self._next_space_check = size + _MEBIBYTE

    def is_same_file(self) -> bool:
        """Return whether the descriptor is still this file, and the file still has a name.

        Raises:
            OSError: the disk is almost full.
        """
        try:
            self._verified_size()
        except LogFileLost:
            return False
        return True

    def close(self, *, single_threaded: bool = False) -> None:
        """Close the descriptor, unless the program has taken its number for another file.

        Wait until no write is in progress, because the program's next file may get the descriptor's number.
        If a write is still in progress after 50 ms (it was interrupted by this thread, or the disk hangs),
        leave the descriptor open, which does less harm than a log line in another file.

        Args:
            single_threaded: no write can be in progress, as in a forked child, which has one thread.
        """
        for _ in range(_CLOSE_ATTEMPTS):
            if single_threaded or not self._writing:
                with suppress(OSError):
                    if Syscalls.fstat(self._fd)[1:3] == self.identity:
                        Syscalls.close(self._fd)
                return
            Syscalls.sleep(0.001)

    def discard(self) -> None:
        """Close a file whose first line could not be written, and delete it unless it is shared."""
        self.close()
        if not self._shared:
            with suppress(OSError):
                Syscalls.unlink(self.path)

    def reopen(self) -> LogFile:
        """Open the same file again, after its descriptor was lost or closed.

        Raises:
            LogFileLost: another file has replaced it at its path.
            OSError: there is no file at the path, or it cannot be opened.
        """
        file = open_descriptor(Syscalls.open(self.path, APPEND), self.path, shared=self._shared)
        if file.identity != self.identity:
            file.close()
            raise LogFileLost
        file.torn = self.torn or is_torn(file)
        return file


def open_descriptor(fd: int, path: str, *, shared: bool, is_new: bool = False) -> LogFile:
    """Return the log file of a descriptor; if it cannot be one, close it, and delete the file if `is_new`."""
    try:
        return LogFile(fd, path, shared=shared)
    except BaseException:
        with suppress(OSError):
            Syscalls.close(fd)
        if is_new:
            with suppress(OSError):
                Syscalls.unlink(path)
        raise


def is_torn(file: LogFile) -> bool:
    """Return whether the file ends with a partial line. Check twice: another process may be writing it."""
    for pause in (0.01, 0.0):
        with suppress(OSError):
            fd = Syscalls.open(file.path, READ_ONLY)
            try:
                if not Syscalls.fstat(fd).st_size:
                    return False
                Syscalls.lseek(fd, -1, SEEK_END)
                if Syscalls.read(fd, 1) == b"\n":
                    return False
            finally:
                Syscalls.close(fd)
        if pause:
            Syscalls.sleep(pause)
    return True
