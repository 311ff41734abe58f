"""How far the copy of a log has come: a small file beside it, which one process at a time holds.

`<log>.<8 digits>.sheets` holds one JSON object: the target, the offset up to which the lines of the log are
in the sheet, and, while a batch is being sent, where it ends and where it goes. Who finds the latter in the
checkpoint of a dead process knows that the batch may be there already. It is overwritten by one small write,
which a kill cannot tear; if a power cut has done it, the whole log counts as a batch that may be there.
"""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from hilt_autolog.log.syscalls import READ_ONLY, Syscalls

from .target import Target
from .worksheet import WritePosition

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDING = ".sheets"
_KEY = 8  # digits
_SIZE = 1 << 16
_FAR = 1 << 30  # Windows locks bytes, and nobody may read those: one that is never written
_FLAGS = (
    os.O_RDWR
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOINHERIT", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_BINARY", 0)
)


class Sending(NamedTuple):
    """A batch that may have been written: the offset of its end, and where it was to be written."""

    end: int
    place: WritePosition


class Checkpoint:
    """The checkpoint of a log that this process holds.

    Attributes:
        log: The log.
        target: Where its copy goes.
        offset: Bytes of the log whose rows are in the sheet.
        sending: The batch that may be there as well.
    """

    def __init__(self, fd: int, log: str, target: Target) -> None:
        self._fd = fd
        self.log = log
        self.target = target
        self.offset = 0
        self.sending: Sending | None = None
        self._length = 0

    @classmethod
    def held(cls, log: str, target: Target) -> Checkpoint | None:
        """Return the checkpoint of a log, made if there is none; None if another process holds it.

        Raises:
            OSError: it cannot be made.
        """
        key = hashlib.sha256("\0".join(target[:2]).encode()).hexdigest()[:_KEY]
        path = f"{log}.{key}{_ENDING}"
        try:
            fd, is_new = Syscalls.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600), True
        except FileExistsError:
            fd, is_new = Syscalls.open(path, _FLAGS), False
        if not _locked(fd):
            Syscalls.close(fd)
            return None
        found = cls(fd, log, target)
        if not is_new:
            found._load()
        found._store()
        return found

    @classmethod
    def left(cls, folder: str, sheet_id: str | None = None) -> Iterator[Checkpoint]:
        """Yield the checkpoints in a folder that nobody holds and that are not at the end of their logs.

        Args:
            folder: Where the logs are.
            sheet_id: The spreadsheet that they are copied to; any, if None.
        """
        for path in _checkpoints(folder):
            found = None
            with suppress(OSError, ValueError, TypeError):
                found = cls._left(path, sheet_id)
            if found is not None:
                yield found

    @classmethod
    def _left(cls, path: str, sheet_id: str | None) -> Checkpoint | None:
        fd = Syscalls.open(path, _FLAGS)
        try:
            if _locked(fd):
                target = _target(_read(fd))
                found = cls(fd, path[: -len(_ENDING) - _KEY - 1], target)
                found._load()
                if sheet_id in (None, target.sheet_id) and found.behind():
                    fd = -1
                    return found
        finally:
            if fd >= 0:
                Syscalls.close(fd)
        return None

    def behind(self) -> int:
        """Return how many bytes of whole lines are not known to be in the sheet."""
        end = _end(self.log)
        return end if end < self.offset else end - self.offset  # it was begun anew

    def begin(self, sending: Sending) -> None:
        """Note that a batch is about to be written."""
        self.sending = sending
        self._store()

    def reached(self, offset: int) -> None:
        """Note that all before this offset is in the sheet, and nothing is being sent."""
        self.offset, self.sending = offset, None
        self._store()

    def close(self) -> None:
        """Let go of it; in a forked child the parent still holds it."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with suppress(OSError):
                Syscalls.close(fd)

    def _load(self) -> None:
        data = _read(self._fd)
        self._length = len(data)
        try:
            said: dict[str, Any] = orjson.loads(data)
            self.offset = _checked(said["offset"])
            if said["sending"]:
                end, title, after = said["sending"]
                self.sending = Sending(_checked(end), WritePosition(str(title), _checked(after)))
        except (ValueError, TypeError, LookupError):
            self.offset, self.sending = 0, Sending(_end(self.log), WritePosition(self.target.worksheet, 1))

    def _store(self) -> None:
        sending = self.sending and [self.sending.end, *self.sending.place]
        said = {**self.target._asdict(), "offset": self.offset, "sending": sending}
        data = orjson.dumps(said).ljust(self._length - 1) + b"\n"
        self._length = len(data)
        Syscalls.lseek(self._fd, 0, 0)
        Syscalls.write(self._fd, data)


def unfinished(folder: str) -> dict[str, int]:
    """Return the logs in a folder that are copied to sheets, with the bytes of each that are not there yet.

    Only looks: a process that holds one of them is not disturbed.
    """
    found: dict[str, int] = {}
    for path in _checkpoints(folder):
        with suppress(OSError, ValueError, TypeError, LookupError):
            with open(path, "rb") as file:
                said: dict[str, Any] = orjson.loads(file.read(_SIZE))
            log = path[: -len(_ENDING) - _KEY - 1]
            found[log] = max(0, _end(log) - int(said["offset"]))
    return found


def _checkpoints(folder: str) -> list[str]:
    try:
        return sorted(entry.path for entry in os.scandir(folder) if entry.name.endswith(_ENDING))
    except OSError:
        return []


def _target(data: bytes) -> Target:
    said = orjson.loads(data)
    return Target(
        str(said["sheet_id"]), str(said["worksheet"]), tuple(map(str, said["columns"])), bool(said["chunks"])
    )


def _checked(number: Any) -> int:
    """Return a number that may stand in a checkpoint."""
    if not isinstance(number, int) or not 0 <= number < _FAR << 32:
        raise ValueError(f"no number of bytes or rows: {number!r}")
    return number


def _end(log: str) -> int:
    """Return where the last whole line of a log ends; 0 if there is no log."""
    try:
        fd = Syscalls.open(log, READ_ONLY)
    except OSError:
        return 0
    try:
        begin = Syscalls.lseek(fd, 0, os.SEEK_END)
        while begin:
            end, begin = begin, max(0, begin - _SIZE)
            Syscalls.lseek(fd, begin, os.SEEK_SET)
            found = Syscalls.read(fd, end - begin).rfind(b"\n")
            if found >= 0:
                return begin + found + 1
        return 0
    finally:
        Syscalls.close(fd)


def _read(fd: int) -> bytes:
    Syscalls.lseek(fd, 0, 0)
    return Syscalls.read(fd, _SIZE)


def _locked(fd: int) -> bool:
    """Hold a file, if no other process does; the kernel lets go of it when the process is gone."""
    try:
        if sys.platform == "win32":
            Syscalls.lseek(fd, _FAR, 0)
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
