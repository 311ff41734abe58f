"""One log that grows while it is read: its lines from where the last look ended."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from .lines import LONGEST_LINE, ReadProblem, locate_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .lines import LocatedEvent

_FIRST = 2**12  # bytes: of many files that are merged, most wait with their first event in hand
_BLOCK = 2**18
_HEAD = 128  # bytes by which a file is told from what is written over it: an event's id is among them


class GrowingFile:
    """A file, known by its inode, whatever its name is.

    Args:
        path: Its name.
        identity: Its device and inode.
        report: Takes what could not be read.

    Attributes:
        path: Its name now.
        holds: Whether it stays open between looks, so that it is read to its end after it lost its name.
    """

    def __init__(self, path: str, identity: tuple[int, int], report: Callable[[ReadProblem], None]) -> None:
        self.path = path
        self.holds = True
        self._identity = identity
        self._report = report
        self._stream: IO[bytes] | None = None
        self._seen: tuple[int, int] | None = (0, 0)  # its size and time; None: it was not read to its end
        self._head = b""  # what the file began with when we began
        self._offset = 0  # of what is not read yet
        self._number = 0  # of the last whole line
        self._rest = bytearray()  # what there is of the next
        self._is_too_long = False  # the next line; nothing of it is kept
        self._is_lost = False

    @property
    def is_open(self) -> bool:
        """Whether the file is open."""
        return self._stream is not None

    def look(self, state: os.stat_result) -> bool:
        """Take note of the file's state, and return whether it is another than the last time."""
        before, self._seen = self._seen, (state.st_size, state.st_mtime_ns)
        return before != self._seen and not self._is_lost

    def skip(self, end: int) -> None:
        """Begin with the line in which the byte `end` stands, counted from 0."""
        done = 0
        try:
            with self._reading() as stream:
                while done < end and (block := stream.read(min(end - done, _BLOCK))):
                    self._head = self._head or block[:_HEAD]
                    if whole := block.count(b"\n"):
                        self._number += whole
                        self._offset = done + block.rindex(b"\n") + 1
                    done += len(block)
        except FileNotFoundError:
            self._seen = None
        except OSError as error:
            self._lose(error)

    def events(self) -> Iterator[LocatedEvent]:
        """Yield the events of the lines that have become whole since the last time.

        Nothing is raised: a file that cannot be read any more is reported, and ends here.
        """
        size = _FIRST
        try:
            if self._was_rewritten():
                self._give_up()
                self._offset = self._number = 0
            while block := self._block(size):
                yield from self._events_of(block)
                size = _BLOCK
        except FileNotFoundError:  # moved since it was looked at: the next look knows its new name, if any
            self._seen = None
        except OSError as error:
            self._lose(error)

    def close(self) -> None:
        """Close the file until the next look."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def end(self) -> None:
        """Close the file for good: the line that is not whole will never be."""
        self.close()
        if self._seen is None:
            self._lose(FileNotFoundError("it was deleted"))
        self._give_up()

    def _block(self, size: int) -> bytes:
        """Return the next bytes, empty at the end."""
        with self._reading(self._offset) as stream:
            block = stream.read(size)
        if not self._offset:
            self._head = block[:_HEAD]
        self._offset += len(block)
        return block

    def _was_rewritten(self) -> bool:
        with self._reading() as stream:
            size = os.fstat(stream.fileno()).st_size
            return size < self._offset or stream.read(len(self._head)) != self._head

    @contextmanager
    def _reading(self, offset: int = 0) -> Iterator[IO[bytes]]:
        if self._stream is None:
            self._stream = Path(self.path).open("rb", buffering=0)  # noqa: SIM115  close() is called
        try:
            found = os.fstat(self._stream.fileno())
            if (found.st_dev, found.st_ino) != self._identity:
                self.close()
                raise FileNotFoundError("another file has taken its name")
            self._stream.seek(offset)
            yield self._stream
        finally:
            if not self.holds:
                self.close()

    def _events_of(self, block: bytes) -> Iterator[LocatedEvent]:
        *ends, rest = block.split(b"\n")
        for end in ends:
            self._keep(end)
            line = None if self._is_too_long else bytes(self._rest) + b"\n"
            self._rest.clear()
            self._is_too_long = False
            self._number += 1
            if (found := locate_event(line, self.path, self._number, self._report)) is not None:
                yield found
        self._keep(rest)

    def _keep(self, part: bytes) -> None:
        self._is_too_long |= len(self._rest) + len(part) > LONGEST_LINE
        if self._is_too_long:
            self._rest.clear()
        else:
            self._rest += part

    def _give_up(self) -> None:
        if self._rest or self._is_too_long:
            self._report(ReadProblem(self.path, self._number + 1, "torn: the file ends within this line"))
        self._rest.clear()
        self._is_too_long = False

    def _lose(self, error: OSError) -> None:
        self.close()
        self._is_lost = True
        self._report(ReadProblem(self.path, self._number + 1, f"unreadable from here: {error}"))
