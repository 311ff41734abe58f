"""One log to one sheet, a batch at a time, each row once, whatever fails in between."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from hilt_autolog.log.syscalls import READ_ONLY, Syscalls

from .checkpoint import Sending
from .errors import Refusal, RetryLater, WriteUnconfirmed
from .worksheet import cells

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .checkpoint import Checkpoint
    from .target import Target
    from .worksheet import Cell, Worksheet

MOST_ROWS = 1000
MOST_BYTES = 1_500_000  # of a request; Google advises 2 MB

_MOST_READ = 8 << 20  # bytes of the log for one batch: chunks that get no rows may fill it
_BLOCK = 1 << 16


class Batch(NamedTuple):
    """Whole lines of a log: their rows, and the offset after the last of them."""

    rows: list[dict[str, Cell]]
    end: int


class BatchCopier:
    """Copies what a log has got since its checkpoint.

    A batch is noted in the checkpoint before it is sent. As long as it stands there nobody knows whether the
    sheet has it, in this process after a broken connection or in the next one after a kill, and so the sheet
    is asked before the same lines are sent again.

    Attributes:
        rows: How many rows it has brought there.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self.rows = 0
        self._identity: tuple[int, int] | None = None  # of the log, when it was last looked at

    def step(self, sheet: Worksheet) -> bool:
        """Copy one batch, if there is any.

        Args:
            sheet: Open, and the checkpoint's target.

        Returns:
            Whether there was something to do.

        Raises:
            OSError: the log cannot be read, or the checkpoint not be written.
            Refusal, Later, Unsure: see `failures`; the next step goes on from there.
        """
        mark = self.checkpoint
        if self._is_another_log():
            mark.reached(0)
        if mark.sending is not None:
            return self._again(sheet, mark.sending)
        batch = _batch(mark.log, mark.offset, mark.target)
        if batch.end == mark.offset:
            return False
        if batch.rows:
            mark.begin(Sending(batch.end, sheet.ready()))
            try:
                sheet.append(batch.rows)
            except WriteUnconfirmed:
                raise
            except (RetryLater, Refusal):  # nothing was written: there will be nothing to look for
                mark.reached(mark.offset)
                raise
        self._reached(batch)
        return True

    def _again(self, sheet: Worksheet, sending: Sending) -> bool:
        """Send what the sheet lacks of a batch that it may have got."""
        mark = self.checkpoint
        batch = _batch(mark.log, mark.offset, mark.target, until=sending.end)
        lacking = sheet.missing(batch.rows, sending.place) if batch.rows else []
        if lacking:
            place = sheet.ready()
            if place.title != sending.place.title or place.after < sending.place.after:
                mark.begin(Sending(sending.end, place))  # to another worksheet than the first time
            sheet.append(lacking[:MOST_ROWS])
        if len(lacking) <= MOST_ROWS:
            self._reached(batch)
        return True

    def _is_another_log(self) -> bool:
        """Whether the log was deleted, and begun anew under its name."""
        found = Syscalls.stat(self.checkpoint.log)
        before, self._identity = self._identity, (found.st_ino, found.st_dev)
        return found.st_size < self.checkpoint.offset or before not in (None, self._identity)

    def _reached(self, batch: Batch) -> None:
        self.rows += len(batch.rows)
        self.checkpoint.reached(batch.end)


def _batch(log: str, offset: int, target: Target, until: int | None = None) -> Batch:
    """Read whole lines up to the limits of a batch, or up to an offset."""
    rows: list[dict[str, Cell]] = []
    size, end = 0, offset
    limit = offset + _MOST_READ if until is None else until
    for line in _lines(log, offset):
        if end + len(line) > limit and (end > offset or until is not None):
            break
        row = _row(line, target)
        if row is not None:
            size += len(json.dumps(list(row.values())))
            if until is None and rows and (size > MOST_BYTES or len(rows) == MOST_ROWS):
                break
            rows.append(row)
        end += len(line)
    return Batch(rows, end)


def _row(line: bytes, target: Target) -> dict[str, Cell] | None:
    """Return the row of a line; None if it gets none, or is torn or foreign."""
    try:
        event: Any = orjson.loads(line)
    except ValueError:
        return None
    return cells(event, target) if isinstance(event, dict) else None


def _lines(log: str, offset: int) -> Iterator[bytes]:
    """Yield the whole lines from an offset on."""
    fd = Syscalls.open(log, READ_ONLY)
    try:
        Syscalls.lseek(fd, offset, os.SEEK_SET)
        rest: list[bytes] = []
        while block := Syscalls.read(fd, _BLOCK):
            *whole, last = block.split(b"\n")
            for part in whole:
                yield b"".join((*rest, part, b"\n"))
                rest = []
            rest.append(last)
    finally:
        Syscalls.close(fd)
