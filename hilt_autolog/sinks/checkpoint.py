"""How much of a log is copied: a small file beside the log, locked by one process at a time.

`<log>.<8 digits>.sheets` holds one JSON object: the target, the offset up to which the lines of the log are
in the sheet, and, while a batch is being sent, the batch's end and position. A pending batch in the
checkpoint of a dead process may be in the sheet already. The file is overwritten by one small write, which a
kill cannot tear; if a power cut tears it, the whole log counts as a pending batch.
"""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import orjson

from hilt_autolog.log.syscalls import READ_ONLY, Syscalls

from .target import SheetTarget
from .worksheet import WritePosition

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hilt_autolog.contracts.types import JsonObject

_SUFFIX = ".sheets"
_KEY_DIGITS = 8
_BLOCK_SIZE = 1 << 16
_LOCK_OFFSET = 1 << 30  # Windows locks bytes, which nobody may read then: lock one that is never written
_FLAGS = (
    os.O_RDWR
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOINHERIT", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_BINARY", 0)
)


class PendingBatch(NamedTuple):
    """A batch that may have been written: the offset of its end, and the position of its first row."""

    end: int
    position: WritePosition


class Checkpoint:
    """The checkpoint of a log, locked by this process.

    Attributes:
        log: The path of the log.
        target: Where its copy goes.
        offset: Bytes of the log whose rows are in the sheet.
        pending_batch: The batch after `offset` that may be in the sheet as well.
    """

    def __init__(self, fd: int, log: str, target: SheetTarget) -> None:
        self._fd = fd
        self.log = log
        self.target = target
        self.offset = 0
        self.pending_batch: PendingBatch | None = None
        self._length = 0

    @classmethod
    def acquire(cls, log: str, target: SheetTarget) -> Checkpoint | None:
        """Lock the checkpoint of a log, and create it if there is none.

        Returns:
            The checkpoint; None if another process has locked it.

        Raises:
            OSError: it cannot be created.
        """
        key = hashlib.sha256("\0".join(target[:2]).encode()).hexdigest()[:_KEY_DIGITS]
        path = f"{log}.{key}{_SUFFIX}"
        try:
            fd, is_new = Syscalls.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600), True
        except FileExistsError:
            fd, is_new = Syscalls.open(path, _FLAGS), False
        if not _try_lock(fd):
            Syscalls.close(fd)
            return None
        checkpoint = cls(fd, log, target)
        if not is_new:
            checkpoint._load()
        checkpoint._store()
        return checkpoint

    @classmethod
    def acquire_unfinished(cls, folder: str, sheet_id: str | None = None) -> Iterator[Checkpoint]:
        """Lock and yield the checkpoints in a folder that are unlocked, and behind the end of their logs.

        Args:
            folder: where the logs are.
            sheet_id: the spreadsheet that they are copied to; any, if None.
        """
        for path in _checkpoint_paths(folder):
            checkpoint = None
            with suppress(OSError, ValueError, TypeError):
                checkpoint = cls._acquire_if_unfinished(path, sheet_id)
            if checkpoint is not None:
                yield checkpoint

    @classmethod
    def _acquire_if_unfinished(cls, path: str, sheet_id: str | None) -> Checkpoint | None:
        fd = Syscalls.open(path, _FLAGS)
        try:
            if _try_lock(fd):
                target = _parse_target(_read_all(fd))
                checkpoint = cls(fd, _log_path(path), target)
                checkpoint._load()
                if sheet_id in (None, target.sheet_id) and checkpoint.pending_bytes():
                    fd = -1
                    return checkpoint
        finally:
            if fd >= 0:
                Syscalls.close(fd)
        return None

    def pending_bytes(self) -> int:
        """Return how many bytes of whole lines are not known to be in the sheet."""
        end = _end_of_last_line(self.log)
        return end if end < self.offset else end - self.offset  # a shorter log was created anew

    def begin_batch(self, batch: PendingBatch) -> None:
        """Record that a batch is about to be written."""
        self.pending_batch = batch
        self._store()

    def advance(self, offset: int) -> None:
        """Record that all lines before this offset are in the sheet, and no batch is pending."""
        self.offset, self.pending_batch = offset, None
        self._store()

    def close(self) -> None:
        """Release the lock; if this is a forked child, its parent keeps the lock."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with suppress(OSError):
                Syscalls.close(fd)

    def _load(self) -> None:
        data = _read_all(self._fd)
        self._length = len(data)
        try:
            state: JsonObject = orjson.loads(data)
            self.offset = _validate_count(state["offset"])
            if state["sending"]:
                end, title, last_row = state["sending"]
                position = WritePosition(str(title), _validate_count(last_row))
                self.pending_batch = PendingBatch(_validate_count(end), position)
        except (ValueError, TypeError, LookupError):
            position = WritePosition(self.target.worksheet, 1)
            self.offset, self.pending_batch = 0, PendingBatch(_end_of_last_line(self.log), position)

    def _store(self) -> None:
        batch = self.pending_batch
        sending = batch and [batch.end, *batch.position]
        state = {**self.target._asdict(), "offset": self.offset, "sending": sending}
        data = orjson.dumps(state).ljust(self._length - 1) + b"\n"
        self._length = len(data)
        Syscalls.lseek(self._fd, 0, 0)
        Syscalls.write(self._fd, data)


def pending_copies(folder: str) -> dict[str, int]:
    """Return the logs in a folder that are copied to sheets, with the bytes of each that are not copied yet.

    This only reads: a process that has locked one of the checkpoints is not disturbed.
    """
    pending: dict[str, int] = {}
    for path in _checkpoint_paths(folder):
        with suppress(OSError, ValueError, TypeError, LookupError):
            with open(path, "rb") as file:
                state: JsonObject = orjson.loads(file.read(_BLOCK_SIZE))
            log = _log_path(path)
            pending[log] = max(0, _end_of_last_line(log) - int(state["offset"]))
    return pending


def _checkpoint_paths(folder: str) -> list[str]:
    try:
        return sorted(entry.path for entry in os.scandir(folder) if entry.name.endswith(_SUFFIX))
    except OSError:
        return []


def _log_path(checkpoint_path: str) -> str:
    return checkpoint_path[: -len(_SUFFIX) - _KEY_DIGITS - 1]


def _parse_target(data: bytes) -> SheetTarget:
    state = orjson.loads(data)
    columns = tuple(map(str, state["columns"]))
    return SheetTarget(str(state["sheet_id"]), str(state["worksheet"]), columns, bool(state["chunks"]))


def _validate_count(number: object) -> int:
    """Return a count of bytes or rows from a checkpoint; raise ValueError if it cannot be one."""
    if not isinstance(number, int) or not 0 <= number < 1 << 62:
        raise ValueError(f"no number of bytes or rows: {number!r}")
    return number


def _end_of_last_line(log: str) -> int:
    """Return the offset at which the last whole line of a log ends; 0 if there is no log."""
    try:
        fd = Syscalls.open(log, READ_ONLY)
    except OSError:
        return 0
    try:
        begin = Syscalls.lseek(fd, 0, os.SEEK_END)
        while begin:
            end, begin = begin, max(0, begin - _BLOCK_SIZE)
            Syscalls.lseek(fd, begin, os.SEEK_SET)
            newline = Syscalls.read(fd, end - begin).rfind(b"\n")
            if newline >= 0:
                return begin + newline + 1
        return 0
    finally:
        Syscalls.close(fd)


def _read_all(fd: int) -> bytes:
    Syscalls.lseek(fd, 0, 0)
    return Syscalls.read(fd, _BLOCK_SIZE)


def _try_lock(fd: int) -> bool:
    """Lock a file unless another process has; the kernel releases the lock when the process ends."""
    try:
        if sys.platform == "win32":
            Syscalls.lseek(fd, _LOCK_OFFSET, 0)
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
