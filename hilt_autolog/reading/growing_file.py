"""Read one log while it grows: each time the lines that were added since the last time."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from .lines import LONGEST_LINE, ReadProblem, locate_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .lines import LocatedEvent

_FIRST = 2**12  # bytes of the first block: when many files are merged, most only provide their first event
_BLOCK = 2**18  # bytes of further blocks
_HEAD = 128  # bytes that identify the content, should another be written over it: they include an event's id


class GrowingFile:
    """A file, identified by its inode, whatever its name is.

    Args:
        path: its path.
        identity: its device and inode.
        report: called with each problem.

    Attributes:
        path: its path now.
        stays_open: whether it stays open between reads, so that it is read to its end even if it loses its
            name.
    """

    def __init__(self, path: str, identity: tuple[int, int], report: Callable[[ReadProblem], None]) -> None:
        self.path = path
        self.stays_open = True
        self._identity = identity
        self._report = report
        self._stream: IO[bytes] | None = None
        self._state: tuple[int, int] | None = (0, 0)  # size and time of change; None: not read to its end
        self._head = b""  # the first bytes of the content that is being read
        self._offset = 0  # of what is not read yet
        self._number = 0  # of the last whole line
        self._partial_line = bytearray()  # what there is of the next line
        self._is_too_long = False  # the next line; nothing of it is kept
        self._is_lost = False

    @property
    def is_open(self) -> bool:
        """Whether the file is open."""
        return self._stream is not None

    def has_changed(self, state: os.stat_result) -> bool:
        """Record the file's state, and return whether it is another than the last time."""
        before, self._state = self._state, (state.st_size, state.st_mtime_ns)
        return before != self._state and not self._is_lost

    def skip_to(self, end: int) -> None:
        """Begin with the line that contains the byte at the offset `end`."""
        offset = 0
        try:
            with self._open_at() as stream:
                while offset < end and (block := stream.read(min(end - offset, _BLOCK))):
                    self._head = self._head or block[:_HEAD]
                    if line_count := block.count(b"\n"):
                        self._number += line_count
                        self._offset = offset + block.rindex(b"\n") + 1
                    offset += len(block)
        except FileNotFoundError:
            self._state = None
        except OSError as error:
            self._fail(error)

    def events(self) -> Iterator[LocatedEvent]:
        """Yield the events of the lines that have been completed since the last time.

        Nothing is raised: a file that cannot be read any more is reported, and yields nothing further.
        """
        size = _FIRST
        try:
            if self._was_rewritten():
                self._drop_partial_line()
                self._offset = self._number = 0
            while block := self._read_block(size):
                yield from self._events_of(block)
                size = _BLOCK
        except FileNotFoundError:  # moved since its state was read: the next listing has its new name, if any
            self._state = None
        except OSError as error:
            self._fail(error)

    def close(self) -> None:
        """Close the file until it is read again."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def end(self) -> None:
        """Close the file for good: its partial line will not be completed."""
        self.close()
        if self._state is None:
            self._fail(FileNotFoundError("it was deleted"))
        self._drop_partial_line()

    def _read_block(self, size: int) -> bytes:
        """Return the next bytes, empty at the end."""
        with self._open_at(self._offset) as stream:
            block = stream.read(size)
        if not self._offset:
            self._head = block[:_HEAD]
        self._offset += len(block)
        return block

    def _was_rewritten(self) -> bool:
        with self._open_at() as stream:
            size = os.fstat(stream.fileno()).st_size
            return size < self._offset or stream.read(len(self._head)) != self._head

    @contextmanager
    def _open_at(self, offset: int = 0) -> Iterator[IO[bytes]]:
        if self._stream is None:
            self._stream = Path(self.path).open("rb", buffering=0)  # noqa: SIM115  close() is called
        try:
            state = os.fstat(self._stream.fileno())
            if (state.st_dev, state.st_ino) != self._identity:
                self.close()
                raise FileNotFoundError("another file has taken its name")
            self._stream.seek(offset)
            yield self._stream
        finally:
            if not self.stays_open:
                self.close()

    def _events_of(self, block: bytes) -> Iterator[LocatedEvent]:
        *line_ends, rest = block.split(b"\n")
        for line_end in line_ends:
            self._extend_line(line_end)
            line = None if self._is_too_long else bytes(self._partial_line) + b"\n"
            self._partial_line.clear()
            self._is_too_long = False
            self._number += 1
            if (located := locate_event(line, self.path, self._number, self._report)) is not None:
                yield located
        self._extend_line(rest)

    def _extend_line(self, part: bytes) -> None:
        self._is_too_long |= len(self._partial_line) + len(part) > LONGEST_LINE
        if self._is_too_long:
            self._partial_line.clear()
        else:
            self._partial_line += part

    def _drop_partial_line(self) -> None:
        if self._partial_line or self._is_too_long:
            self._report(ReadProblem(self.path, self._number + 1, "torn: the file ends within this line"))
        self._partial_line.clear()
        self._is_too_long = False

    def _fail(self, error: OSError) -> None:
        self.close()
        self._is_lost = True
        self._report(ReadProblem(self.path, self._number + 1, f"unreadable from here: {error}"))
