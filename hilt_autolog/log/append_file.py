"""One open log file: each append is one write of whole lines, while the descriptor is still that file."""

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


class LogFileLost(Exception):  # noqa: N818 (it names an event in the file's life; the program made no error)
    """The descriptor is no longer that file: the program closed or reused it, or the file was deleted."""


class LogFile:
    """An open log file.

    Args:
        fd: a descriptor that is open for appending; it belongs to this object from now on.
        path: the file's absolute path.
        shared: other processes may append to the same file, so nothing that it holds is ever removed.

    Attributes:
        path: the file's absolute path.
        identity: its inode and device.
        size: its size in bytes when it was opened.
        torn: whether it ends inside a line, so that the next write must begin with a line break.
        verified_until: a second after the last `fstat`, on the monotonic clock.

    Raises:
        UnsafePathError: it is not a regular file, or it is ours alone and has several names.
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
        # A hard link would let another user's file grow; a shared file may have several names by its owner's
        # choice.
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
        self._writing: list[None] = []  # an item for each write in progress; changed by C code, so atomically

    def append(self, data: bytes, *, skip_stat: bool = False) -> None:
        """Write whole lines.

        Args:
            data: the lines.
            skip_stat: if the descriptor's offset is where our last write left it, take it for this file in
                this process and skip the `fstat` (whose cost is not its own time: it makes the next write
                slower, as the chunks of tests/benchmarks/calls.py show). Not to be used after
                `verified_until`.

        Raises:
            LogFileLost: nothing was written: the descriptor is not this file any more, or another process's.
            OSError: the file does not hold the lines; a part is removed, or ended by the next write's line
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
        """Return the file's size, once it is certain that the descriptor is this file.

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
        """Write what is left after a partial write of `count` bytes, or repair the file's end and raise."""
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
        # Only in a file of our own, and only if it has not grown since: another thread may have written a
        # line.
        if not self._shared:
            with suppress(OSError):
                if Syscalls.fstat(self._fd).st_size == start + count:
                    Syscalls.ftruncate(self._fd, start)
                    return
        self.torn = True

    def use_all_space(self) -> None:
        """Let the file fill the disk, for a caller that handles the error of each line."""
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

        Wait until no write is in progress: the descriptor's number may be the program's next file. If there
        still is a write after 50 ms (we interrupted it, or the disk hangs), the descriptor stays open, which
        does less harm than a log line in another file.

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
        """Close a file whose first line could not be written, and delete it if it is ours alone."""
        self.close()
        if not self._shared:
            with suppress(OSError):
                Syscalls.unlink(self.path)

    def reopen(self) -> LogFile:
        """Open the same file once more, after its descriptor was lost or closed.

        Raises:
            LogFileLost: the path is another file now.
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
    """Return whether the file ends inside a line. Look twice: another process may be writing that line."""
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
