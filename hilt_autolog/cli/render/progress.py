"""How far a long reading has come: a line on stderr, where that is a terminal, that leaves no trace."""

from __future__ import annotations

import io
import os
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self, TypeVar

from hilt_autolog.reading.lines import Source

from .terminal import is_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from hilt_autolog.reading.lines import LocatedEvent
    from hilt_autolog.reading.reader import Log

    _Ticks = Callable[[Iterable[LocatedEvent]], Iterator[LocatedEvent]]

_PATIENCE = 0.5  # seconds before anything is shown: most readings are over by then
_PAUSE = 0.1  # seconds between two looks
_EVERY = 256  # events between two looks at the clock
_CELLS = 30
_BLOCK = 2**16
_OF_A_LOG = 2  # it opens a file for its first event, and again for the others

_T = TypeVar("_T")


class Progress:
    """A bar. Show it with `at`; as a context it wipes itself away.

    Args:
        total: How much there is to do, in bytes.
        readings: How often they are read.
    """

    def __init__(self, total: int, readings: int = 1) -> None:
        self._total = total
        self._readings = readings
        self._done = 0
        self._reading = 0
        self._share = 0.0
        self._next = time.monotonic() + _PATIENCE
        self._is_watched = is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb" and total > 0
        self._is_shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def is_due(self) -> bool:
        """Return whether it is time to say again how far it has come."""
        return self._is_watched and time.monotonic() >= self._next

    def at(self, done: int) -> None:
        """Show that so many bytes are done; what was shown already is not taken back."""
        if not self.is_due():
            return
        self._next = time.monotonic() + _PAUSE
        share = self._share = max(self._share, min(done / (self._total * self._readings), 1.0))
        bar = "=" * int(share * _CELLS)
        print(
            f"\r{bar:-<{_CELLS}} {share:4.0%} of {size(self._total)}\x1b[K",
            end="",
            file=sys.stderr,
            flush=True,
        )
        self._is_shown = True

    def attend(self, log: Log) -> None:
        """Show how far a log is read, whoever reads it; DuckDB tells of itself."""
        if self._is_watched:
            log.sources[:] = attended = [_Attended(*source) for source in log.sources]
            for source in attended:
                source.on_read = self._read
            log.on_progress = self._answered

    def _read(self, count: int) -> None:
        self._done += count
        self.at(self._done)

    def _answered(self, share: float) -> None:
        """Show how far a reading of DuckDB is; where it begins again, that is the next one."""
        done = int((self._reading + share) * self._total)
        if done < self._done:
            self._reading += 1
            done += self._total
        self._done = done
        self.at(done)

    def clear(self) -> None:
        """Wipe the line away; before anything else is printed on the same terminal."""
        if self._is_shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._is_shown = False


def watched(log: Log, progress: Progress) -> Iterator[dict[str, Any]]:
    """Yield the events of a log, and show how far the reading has come."""
    log.sources[:] = sources = [_Counted(*source) for source in log.sources]
    for source in sources:
        source.first = _OF_A_LOG
    yield from _ticking(log, sources, progress)


def watched_one_by_one(sources: Sequence[Source], progress: Progress) -> Iterator[tuple[Source, _Ticks]]:
    """Yield each source in its turn, and what its events are to pass through while it is read."""
    counted = [_Counted(*source) for source in sources]
    for source in counted:
        yield source, lambda events: _ticking(events, counted, progress)


def total(sources: Sequence[Source]) -> int:
    """Return how many bytes these sources have, as they are stored."""
    return sum(_size(source) for source in sources)


def size(number: float) -> str:
    """Return a number of bytes in the words of people: 512 B, 1.2 kB, 3.4 GB."""
    if number < 1000:  # noqa: PLR2004
        return f"{number:.0f} B"
    for unit in ("kB", "MB", "GB"):
        number /= 1000
        if number < 999.95 or unit == "GB":  # noqa: PLR2004  it would be rounded up to the next unit
            break
    return f"{number:.1f} {unit}"


class _Attended(Source):
    """A source that tells how many bytes were read of it, block by block."""

    on_read: Callable[[int], None]

    def open(self) -> IO[bytes]:
        if self.content is not None:
            return super().open()
        return io.BufferedReader(_Told(self.name, self.on_read), _BLOCK)


class _Told(io.FileIO):
    def __init__(self, name: str, on_read: Callable[[int], None]) -> None:
        super().__init__(name)
        self._on_read = on_read

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer)
        self._on_read(count)
        return count


class _Counted(Source):
    """A source that knows how much of it was read since the opening that counts, its first or second."""

    first = 1
    _file: IO[bytes] | None = None
    _openings = 0

    def open(self) -> IO[bytes]:
        self._openings += 1
        self._file = super().open()
        return self._file

    def done(self) -> int:
        if self._file is None or self._openings < self.first:
            return 0
        return _size(self) if self._file.closed else self._file.tell()


def _ticking(events: Iterable[_T], sources: Sequence[_Counted], progress: Progress) -> Iterator[_T]:
    for number, event in enumerate(events):
        if number % _EVERY == 0 and progress.is_due():
            progress.at(sum(source.done() for source in sources))
        yield event


def _size(source: Source) -> int:
    if source.content is not None:
        return len(source.content)
    try:
        return Path(source.name).stat().st_size
    except OSError:  # gone since: reading it will tell
        return 0
