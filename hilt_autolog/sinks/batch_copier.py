"""Copy one log to one worksheet in batches, each row exactly once, whatever fails in between."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, NamedTuple

import orjson

from hilt_autolog.log.syscalls import READ_ONLY, Syscalls

from .checkpoint import PendingBatch
from .errors import PermanentError, RetryLater, WriteUnconfirmed
from .worksheet import cells

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .checkpoint import Checkpoint
    from .target import SheetTarget
    from .worksheet import RowCells, Worksheet

MAX_ROWS = 1000  # of a request
MAX_BYTES = 1_500_000  # of a request; Google advises at most 2 MB

_MAX_READ = 8 << 20  # bytes of the log read for one batch: many lines may have no row, such as chunks
_BLOCK_SIZE = 1 << 16


class Batch(NamedTuple):
    """Whole lines of a log: their rows, and the offset after the last line."""

    rows: list[RowCells]
    end: int


class BatchCopier:
    """Copy what was appended to a log since its checkpoint.

    A batch is recorded in the checkpoint before it is sent. While it is pending there, it is unknown
    whether the sheet has it: after a broken connection in this process, or in the next process after a kill.
    So the sheet is read before the same lines are sent again.

    Attributes:
        checkpoint: How much of the log is copied.
        rows: How many rows this object has copied.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self.rows = 0
        self._inode: tuple[int, int] | None = None  # inode and device of the log at the last step

    def step(self, sheet: Worksheet) -> bool:
        """Copy one batch, if there is any.

        Args:
            sheet: the open worksheet of the checkpoint's target.

        Returns:
            Whether there was something to do.

        Raises:
            OSError: the log cannot be read, or the checkpoint cannot be written.
            PermanentError, RetryLater, WriteUnconfirmed: see `errors`; the next step continues from there.
        """
        checkpoint = self.checkpoint
        if self._is_log_replaced():
            checkpoint.advance(0)
        if checkpoint.pending_batch is not None:
            return self._resend(sheet, checkpoint.pending_batch)
        batch = _read_batch(checkpoint.log, checkpoint.offset, checkpoint.target)
        if batch.end == checkpoint.offset:
            return False
        if batch.rows:
            checkpoint.begin_batch(PendingBatch(batch.end, sheet.next_position()))
            try:
                sheet.append(batch.rows)
            except WriteUnconfirmed:
                raise
            except (RetryLater, PermanentError):  # nothing was written, so there is nothing to look for
                checkpoint.advance(checkpoint.offset)
                raise
        self._advance(batch)
        return True

    def _resend(self, sheet: Worksheet, pending: PendingBatch) -> bool:
        """Send the rows of a pending batch that the sheet does not have."""
        checkpoint = self.checkpoint
        batch = _read_batch(checkpoint.log, checkpoint.offset, checkpoint.target, until=pending.end)
        missing = sheet.missing_rows(batch.rows, pending.position) if batch.rows else []
        if missing:
            position = sheet.next_position()
            if position.title != pending.position.title or position.last_row < pending.position.last_row:
                checkpoint.begin_batch(PendingBatch(pending.end, position))  # now to another worksheet
            sheet.append(missing[:MAX_ROWS])
        if len(missing) <= MAX_ROWS:
            self._advance(batch)
        return True

    def _is_log_replaced(self) -> bool:
        """Return whether the log was deleted and created anew."""
        status = Syscalls.stat(self.checkpoint.log)
        before, self._inode = self._inode, (status.st_ino, status.st_dev)
        return status.st_size < self.checkpoint.offset or before not in (None, self._inode)

    def _advance(self, batch: Batch) -> None:
        self.rows += len(batch.rows)
        self.checkpoint.advance(batch.end)


def _read_batch(log: str, offset: int, target: SheetTarget, until: int | None = None) -> Batch:
    """Read whole lines up to the limits of a batch, or up to an offset."""
    rows: list[RowCells] = []
    size, end = 0, offset
    limit = offset + _MAX_READ if until is None else until
    for line in _lines(log, offset):
        if end + len(line) > limit and (end > offset or until is not None):
            break
        row = _row(line, target)
        if row is not None:
            size += len(json.dumps(list(row.values())))
            if until is None and rows and (size > MAX_BYTES or len(rows) == MAX_ROWS):
                break
            rows.append(row)
        end += len(line)
    return Batch(rows, end)


def _row(line: bytes, target: SheetTarget) -> RowCells | None:
    """Return the row of a line; None if the line is torn, is no event, or has no row in the sheet."""
    try:
        event: object = orjson.loads(line)
    except ValueError:
        return None
    return cells(event, target) if isinstance(event, dict) else None


def _lines(log: str, offset: int) -> Iterator[bytes]:
    """Yield the whole lines of a log from an offset on."""
    fd = Syscalls.open(log, READ_ONLY)
    try:
        Syscalls.lseek(fd, offset, os.SEEK_SET)
        rest: list[bytes] = []
        while block := Syscalls.read(fd, _BLOCK_SIZE):
            *whole, last = block.split(b"\n")
            for part in whole:
                yield b"".join((*rest, part, b"\n"))
                rest = []
            rest.append(last)
    finally:
        Syscalls.close(fd)
