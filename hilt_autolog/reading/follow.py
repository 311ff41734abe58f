"""Logs that grow while they are read: every event as soon as its line is whole, also those of new files."""

from __future__ import annotations

import heapq
import os
import stat
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from hilt_autolog.clock import Clock

from .growing_file import GrowingFile
from .lines import Source, events, is_compressed, locate_event, split_lines
from .reader import find_sources, located_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from .lines import LocatedEvent, ReadProblem

_HELD = 64  # files that stay open: those that were written last
_SHARE = 50  # a folder is listed again after this many times what that takes
_ARCHIVES = (".gz", ".zst")

Identity = tuple[int, int]  # device and inode


def follow(
    *sources: str | os.PathLike[str], report: Callable[[ReadProblem], None], back: int | None = None
) -> Iterator[LocatedEvent | None]:
    """Return the events of `sources` and those that are still to come.

    Files may appear (in folders, for globs, under a name that nothing has yet), grow, be emptied, be moved
    away and replaced: nothing is told twice, and of a file that lost its name nothing is left out that it
    held then. Archives (`.gz`, `.zst`) are read once, if they are there at the beginning: later they hold
    what was read as it grew.

    Args:
        sources: As `hilt_autolog.read` takes them; standard input or a pipe only by itself.
        report: Takes what could not be read. Nothing is raised for it.
        back: Begin each file that is there already with the line that stands this many bytes before its end;
            with its first line, if None.

    Returns:
        Events with their places, those that are found together ordered by time. None whenever all there is
        has been read: the caller waits for a moment (0.1 s, say), or stops. A pipe blocks instead, and ends.

    Raises:
        ValueError: a pipe stands among other sources.
    """
    names = [os.fspath(source) for source in sources]
    if any(is_pipe(name) for name in names):
        if len(names) > 1:
            raise ValueError(f"standard input or a pipe is followed by itself, not with others: {names}")
        return _of_pipe(names[0], report)
    return _Followed(names, report, back).events()


def is_pipe(name: str) -> bool:
    """Whether what `name` stands for can be read only once: standard input, a named pipe, a device."""
    path = os.path.expanduser(name)
    return name == "-" or (os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path))


def _of_pipe(name: str, report: Callable[[ReadProblem], None]) -> Iterator[LocatedEvent]:
    with nullcontext(sys.stdin.buffer) if name == "-" else Path(name).expanduser().open("rb") as stream:
        for number, line in enumerate(split_lines(stream), 1):
            if (event := locate_event(line, name, number, report)) is not None:
                yield event


class _Followed:
    """All files of some names, each known by its inode: a name says little when logs are rotated."""

    def __init__(self, names: Sequence[str], report: Callable[[ReadProblem], None], back: int | None) -> None:
        self._listing = _Listing(names)
        self._report = report
        self._back = back
        self._is_first = True
        self._known: dict[Identity, GrowingFile] = {}
        self._missing: set[Identity] = set()
        self._archives: set[Identity] = set()

    def events(self) -> Iterator[LocatedEvent | None]:
        try:
            while True:
                yield from self._look()
                self._is_first = False
                yield None
        finally:
            for growing in self._known.values():
                growing.close()

    def _look(self) -> Iterator[LocatedEvent]:
        there = self._listing.files()
        if self._known.keys() - there.keys():  # moved, or deleted: its new name may be one of ours
            self._listing.forget()
            there = self._listing.files()
        missing = self._known.keys() - there.keys()
        sources = [self._known[identity].events() for identity in missing if self._known[identity].is_open]
        for identity, (path, state) in there.items():
            if identity not in self._archives:
                sources += self._grown(identity, path, state)
        self._hold(there)
        yield from heapq.merge(*sources, key=located_time)
        for identity in missing & self._missing:  # it may have been moved just while the folder was listed
            self._known.pop(identity).end()
        self._missing = missing

    def _grown(
        self, identity: Identity, path: str, state: os.stat_result
    ) -> Iterable[Iterator[LocatedEvent]]:
        growing = self._known.get(identity)
        if growing is None:
            if _is_archive(path):
                self._archives.add(identity)
                return [events(Source(path), self._report)] if self._is_first else []
            growing = self._known[identity] = GrowingFile(path, identity, self._report)
            if self._is_first and self._back is not None:
                growing.skip(state.st_size - self._back)
        growing.path = path
        return [growing.events()] if growing.look(state) else []

    def _hold(self, there: dict[Identity, tuple[str, os.stat_result]]) -> None:
        known = self._known.keys() & there.keys()
        newest = heapq.nlargest(_HELD, known, key=lambda identity: there[identity][1].st_mtime_ns)
        for identity in known - set(newest):
            self._known[identity].holds = False
            self._known[identity].close()
        for identity in newest:
            self._known[identity].holds = True


class _Listing:
    """The files that names stand for now; a folder is not listed at every look, because that takes long."""

    def __init__(self, names: Sequence[str]) -> None:
        self._paths: dict[str, list[str]] = {name: [] for name in names}
        self._next = 0.0

    def forget(self) -> None:
        """List all anew the next time."""
        self._next = 0.0

    def files(self) -> dict[Identity, tuple[str, os.stat_result]]:
        """Return the path and the state of each regular file that is there."""
        begun = Clock.monotonic()
        if begun >= self._next:
            self._paths = {name: _paths(name, before) for name, before in self._paths.items()}
            ended = Clock.monotonic()
            self._next = ended + _SHARE * (ended - begun)
        states = ((path, _state(path)) for paths in self._paths.values() for path in paths)
        return {(state.st_dev, state.st_ino): (path, state) for path, state in states if state is not None}


def _paths(name: str, before: list[str]) -> list[str]:
    try:
        return [source.name for source in find_sources(name)]
    except OSError:  # nothing is there yet, or a folder was removed while it was listed
        return before if os.path.isdir(name) else []


def _state(path: str) -> os.stat_result | None:
    try:
        state = os.stat(path)
    except OSError:
        return None
    return state if stat.S_ISREG(state.st_mode) else None


def _is_archive(path: str) -> bool:
    if path.endswith(_ARCHIVES):
        return True
    try:
        with Path(path).open("rb") as stream:
            return is_compressed(stream.read(4))
    except OSError:  # told when it is read
        return False
