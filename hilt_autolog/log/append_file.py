"""One open log file: whole lines appended, by one write each, and only while it is still that file."""

from __future__ import annotations

import errno
import stat
import sys
from contextlib import suppress
from os import SEEK_CUR

from hilt_autolog.clock import Clock

from .safe_directory import UnsafePathError
from .syscalls import APPEND, READ_ONLY, Syscalls

_GRACE = 50  # milliseconds
_TRUST = 1.0  # seconds
_MEBIBYTE = 1 << 20
_SPARE = 64 * _MEBIBYTE


class LogFileLost(Exception):  # noqa: N818 (it says what happened; it is no error of the program)
    """The descriptor is not that file any more: the program closed or reused it, or the file was deleted."""


class LogFile:
    """An open log file.

    Attributes:
        path: Absolute.
        identity: Inode and device.
        size: Bytes that it held when it was opened.
        torn: Whether it ends inside a line, so that the next write must begin with a line break.
        trusted_until: A second after the last look, on the monotonic clock.
    """

    __slots__ = (
        "_end",
        "_fd",
        "_next_look",
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
        found = Syscalls.fstat(fd)
        # A hard link would let somebody else's file grow; a shared one may have names by its owner's will.
        if not stat.S_ISREG(found.st_mode) or not (shared or found.st_nlink == 1):
            raise UnsafePathError(
                "not a regular file", f"not a regular file, or one with several names: {path}"
            )
        self._fd = fd
        self._pid = Syscalls.getpid()
        self.identity = found[1:3]
        self._shared = shared
        self._next_look = found.st_size
        self.path = path
        self.size = found.st_size
        self.torn = False
        self.verified_until = 0.0
        self._end = -1  # the descriptor's offset after our last write
        self._writing: list[None] = []  # one for each write under way

    def append(self, data: bytes, *, skip_stat: bool = False) -> None:
        """Writes whole lines.

        Args:
            data: The lines.
            skip_stat: A descriptor that stands where our last write left it is this file, of this process:
                spare the other checks (an `fstat` makes the next write slow). Not for longer than
                `verified_until`.

        Raises:
            Lost: nothing was written: the descriptor is not this file any more, or another process's.
            OSError: the file does not hold the lines; a part is cut off, or closed off by the next write.
        """
        self._writing.append(None)
        try:
            start = self._end
            try:
                is_there = skip_stat and Syscalls.lseek(self._fd, 0, SEEK_CUR) == start
            except OSError:
                is_there = False
            if not is_there:
                start = self._checked()
            if self.torn:
                data = b"\n" + data
            try:
                done = Syscalls.write(self._fd, data)
            except InterruptedError:
                done = 0
            if done != len(data):
                self._write_rest(data, done, start)
            self._end = start + len(data)
            self.torn = False
        finally:
            self._writing.pop()

    def _checked(self) -> int:
        """The file's size, once it is certain that the descriptor is this file."""
        try:
            found = Syscalls.fstat(self._fd)
        except OSError:
            raise LogFileLost from None
        if found[1:3] != self.identity or not found[3] or Syscalls.getpid() != self._pid:
            raise LogFileLost
        if found[6] >= self._next_look:
            self._look_at_disk(found[6])
        self.verified_until = Clock.monotonic() + _TRUST
        return found[6]

    def _write_rest(self, data: bytes, done: int, start: int) -> None:
        try:
            while done < len(data):
                with suppress(InterruptedError):
                    more = Syscalls.write(self._fd, data[done:])
                    if not more:
                        raise OSError(errno.EIO, "a write of nothing")
                    done += more
        except BaseException:
            if done:
                self._mend(start, done)
            raise

    def _mend(self, start: int, done: int) -> None:
        # Only in a file of our own, and only if nothing but this record came since: no other thread's line.
        if not self._shared:
            with suppress(OSError):
                if Syscalls.fstat(self._fd).st_size == start + done:
                    Syscalls.ftruncate(self._fd, start)
                    return
        self.torn = True

    def use_all_space(self) -> None:
        """Lets the file fill the disk: whoever asks for each line is told when there is no room for one."""
        self._next_look = sys.maxsize

    def _look_at_disk(self, size: int) -> None:
        """Stops before the disk is full; looks once a mebibyte."""
        if Syscalls.fstatvfs is not None:
            disk = Syscalls.fstatvfs(self._fd)
            free, total = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
            # Some file systems do not know their size; on a small one, 64 MiB would be most of it.
            if total and (free < min(_SPARE, total // 10) or free < total // 100):
                raise OSError(errno.ENOSPC, "less than 64 MiB or 1 % of the disk is free")
        self._next_look = size + _MEBIBYTE

    def is_same_file(self) -> bool:
        """Whether the descriptor is still this file, and the file still has a name."""
        try:
            self._checked()
        except LogFileLost:
            return False
        return True

    def close(self, *, alone: bool = False) -> None:
        """Closes the descriptor, unless the program has taken it for another file.

        It waits until no write is under way: the descriptor's number may be the program's next file. If there
        still is one after 50 ms (we interrupted it, or the disk hangs), the descriptor stays open: that is a
        smaller harm than a line in somebody's database.

        Args:
            alone: There can be no such write; so in a forked child, where other threads do not exist.
        """
        for _ in range(_GRACE):
            if alone or not self._writing:
                with suppress(OSError):
                    if Syscalls.fstat(self._fd)[1:3] == self.identity:
                        Syscalls.close(self._fd)
                return
            Syscalls.sleep(0.001)

    def discard(self) -> None:
        """Closes a file that could not be begun, and removes it if we had created it."""
        self.close()
        if not self._shared:
            with suppress(OSError):
                Syscalls.unlink(self.path)

    def reopen(self) -> LogFile:
        """Opens the same file once more, after its descriptor was lost or closed.

        Raises:
            Lost: another file stands at the path.
            OSError: there is none, or it cannot be opened.
        """
        found = open_descriptor(Syscalls.open(self.path, APPEND), self.path, shared=self._shared)
        if found.identity != self.identity:
            found.close()
            raise LogFileLost
        found.torn = self.torn or is_torn(found)
        return found


def open_descriptor(fd: int, path: str, *, shared: bool, made: bool = False) -> LogFile:
    """The log file of a descriptor; if it cannot be one, nothing of it stays behind."""
    try:
        return LogFile(fd, path, shared=shared)
    except BaseException:
        with suppress(OSError):
            Syscalls.close(fd)
        if made:
            with suppress(OSError):
                Syscalls.unlink(path)
        raise


def is_torn(file: LogFile) -> bool:
    """Whether the file ends inside a line. Looks twice: another process may be writing that line just now."""
    for pause in (0.01, 0.0):
        with suppress(OSError):
            fd = Syscalls.open(file.path, READ_ONLY)
            try:
                if not Syscalls.fstat(fd).st_size:
                    return False
                Syscalls.lseek(fd, -1, 2)
                if Syscalls.read(fd, 1) == b"\n":
                    return False
            finally:
                Syscalls.close(fd)
        if pause:
            Syscalls.sleep(pause)
    return True
