"""The progress of a long read: a line on stderr, if that is a terminal, erased at the end."""

from __future__ import annotations

import io
import os
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self, TypeVar

from hilt_autolog.format import byte_size
from hilt_autolog.reading.lines import Source

from .terminal import is_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from _typeshed import WriteableBuffer

    from hilt_autolog.contracts.types import JsonObject
    from hilt_autolog.reading.lines import LocatedEvent
    from hilt_autolog.reading.reader import Log

    _Wrapper = Callable[[Iterable[LocatedEvent]], Iterator[LocatedEvent]]

_DELAY = 0.5  # seconds before the bar appears: most reads are over by then
_INTERVAL = 0.1  # seconds between two updates
_CLOCK_INTERVAL = 256  # events between two reads of the clock
_BAR_WIDTH = 30  # cells
_BLOCK = 2**16
_OPENINGS_OF_LOG = 2  # iterating a Log opens a file for its first event, and again for the others

_T = TypeVar("_T")


class Progress:
    """A progress bar. `update` draws it; as a context manager it is erased at the end.

    Args:
        total: the size of the input in bytes.
        passes: how often the input is read.
    """

    def __init__(self, total: int, passes: int = 1) -> None:
        self._total = total
        self._passes = passes
        self._done = 0
        self._query_pass = 0
        self._share = 0.0
        self._next = time.monotonic() + _DELAY
        self._is_enabled = is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb" and total > 0
        self._is_shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def is_due(self) -> bool:
        """Return whether it is time for the next update."""
        return self._is_enabled and time.monotonic() >= self._next

    def update(self, done: int) -> None:
        """Show that `done` bytes are read, if an update is due; the bar never moves back."""
        if not self.is_due():
            return
        self._next = time.monotonic() + _INTERVAL
        share = self._share = max(self._share, min(done / (self._total * self._passes), 1.0))
        bar = "=" * int(share * _BAR_WIDTH)
        print(
            f"\r{bar:-<{_BAR_WIDTH}} {share:4.0%} of {byte_size(self._total)}\x1b[K",
            end="",
            file=sys.stderr,
            flush=True,
        )
        self._is_shown = True

    def track(self, log: Log) -> None:
        """Show the progress of all that reads a log, by its sources and by DuckDB's own progress."""
        if self._is_enabled:
            log.sources[:] = sources = [_NotifyingSource(*source) for source in log.sources]
            for source in sources:
                source.on_read = self._on_read
            log.on_progress = self._on_query_progress

    def _on_read(self, size: int) -> None:
        self._done += size
        self.update(self._done)

    def _on_query_progress(self, share: float) -> None:
        """Show the share that DuckDB has read; a smaller share than before starts the next pass."""
        done = int((self._query_pass + share) * self._total)
        if done < self._done:
            self._query_pass += 1
            done += self._total
        self._done = done
        self.update(done)

    def clear(self) -> None:
        """Erase the bar; call it before anything else is printed on the same terminal."""
        if self._is_shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._is_shown = False


def with_progress(log: Log, progress: Progress) -> Iterator[JsonObject]:
    """Yield the events of a log and update the progress."""
    log.sources[:] = sources = [_MeasuredSource(*source) for source in log.sources]
    for source in sources:
        source.first_counted = _OPENINGS_OF_LOG
    yield from _with_updates(log, sources, progress)


def sources_with_progress(sources: Sequence[Source], progress: Progress) -> Iterator[tuple[Source, _Wrapper]]:
    """Yield each source with a wrapper; events that are iterated through the wrapper update the progress."""
    measured = [_MeasuredSource(*source) for source in sources]
    for source in measured:
        yield source, lambda events: _with_updates(events, measured, progress)


def total_size(sources: Sequence[Source]) -> int:
    """Return the size of the sources in bytes, as stored."""
    return sum(_size(source) for source in sources)


class _NotifyingSource(Source):
    """A source that calls `on_read` with the size of each block that is read from it."""

    on_read: Callable[[int], None]

    def open(self) -> IO[bytes]:
        if self.content is not None:
            return super().open()
        return io.BufferedReader(_NotifyingFile(self.name, self.on_read), _BLOCK)


class _NotifyingFile(io.FileIO):
    def __init__(self, name: str, on_read: Callable[[int], None]) -> None:
        super().__init__(name)
        self._on_read = on_read

    def readinto(self, buffer: WriteableBuffer) -> int:
        size = super().readinto(buffer)
        self._on_read(size)
        return size


class _MeasuredSource(Source):
    """A source that measures how far its file is read, from its `first_counted` opening on."""

    first_counted = 1
    _file: IO[bytes] | None = None
    _openings = 0

    def open(self) -> IO[bytes]:
        self._openings += 1
        self._file = super().open()
        return self._file

    def bytes_read(self) -> int:
        if self._file is None or self._openings < self.first_counted:
            return 0
        return _size(self) if self._file.closed else self._file.tell()


def _with_updates(
    events: Iterable[_T], sources: Sequence[_MeasuredSource], progress: Progress
) -> Iterator[_T]:
    for number, event in enumerate(events):
        if number % _CLOCK_INTERVAL == 0 and progress.is_due():
            progress.update(sum(source.bytes_read() for source in sources))
        yield event


def _size(source: Source) -> int:
    if source.content is not None:
        return len(source.content)
    try:
        return Path(source.name).stat().st_size
    except OSError:  # removed meanwhile: reading it reports the error
        return 0
