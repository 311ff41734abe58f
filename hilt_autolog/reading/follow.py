"""Follow logs while they grow: every event as soon as its line is complete, also those of new files."""

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
from .lines import Source, events, find_sources, is_compressed, locate_event, located_time, split_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from .lines import LocatedEvent, ReadProblem

_HELD = 64  # files that stay open: those that were written last
_LISTING_RATIO = 50  # a directory is listed again after this many times the duration of a listing
_ARCHIVES = (".gz", ".zst")

Identity = tuple[int, int]  # device and inode


def follow(
    *sources: str | os.PathLike[str], report: Callable[[ReadProblem], None], back: int | None = None
) -> Iterator[LocatedEvent | None]:
    """Return the events of `sources` and those that are still to come.

    Files may appear (in directories, for globs, at a path that does not exist yet), grow, be emptied, moved
    away and replaced: no event comes twice, and a file that loses its name is still read to its end at that
    time. Archives (`.gz`, `.zst`) are read once, if they exist at the beginning: later ones hold what was
    read while it grew.

    Args:
        sources: as for `hilt_autolog.read`; standard input or a pipe only by itself.
        report: called with each problem. Nothing is raised for it.
        back: begin each file that exists already with the line this many bytes before its end; with its first
            line, if None.

    Returns:
        Events with their locations; those that are read at the same time are ordered by their own time. None
        whenever everything has been read: the caller waits (0.1 s, say), or stops. A pipe blocks instead, and
        ends.

    Raises:
        ValueError: a pipe is among other sources.
    """
    names = [os.fspath(source) for source in sources]
    if any(is_pipe(name) for name in names):
        if len(names) > 1:
            raise ValueError(f"standard input or a pipe is followed by itself, not with others: {names}")
        return _events_of_pipe(names[0], report)
    return _FollowedFiles(names, report, back).events()


def is_pipe(name: str) -> bool:
    """Return whether a source can be read only once: standard input, a named pipe, a device."""
    path = os.path.expanduser(name)
    return name == "-" or (os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path))


def _events_of_pipe(name: str, report: Callable[[ReadProblem], None]) -> Iterator[LocatedEvent]:
    with nullcontext(sys.stdin.buffer) if name == "-" else Path(name).expanduser().open("rb") as stream:
        for number, line in enumerate(split_lines(stream), 1):
            if (event := locate_event(line, name, number, report)) is not None:
                yield event


class _FollowedFiles:
    """All files of some names, each identified by its inode, because log rotation changes the names."""

    def __init__(self, names: Sequence[str], report: Callable[[ReadProblem], None], back: int | None) -> None:
        self._listing = _Listing(names)
        self._report = report
        self._back = back
        self._is_first = True
        self._files: dict[Identity, GrowingFile] = {}
        self._missing: set[Identity] = set()
        self._archives: set[Identity] = set()

    def events(self) -> Iterator[LocatedEvent | None]:
        try:
            while True:
                yield from self._new_events()
                self._is_first = False
                yield None
        finally:
            for file in self._files.values():
                file.close()

    def _new_events(self) -> Iterator[LocatedEvent]:
        states = self._listing.files()
        if self._files.keys() - states.keys():  # moved or deleted: its new name may match ours
            self._listing.expire()
            states = self._listing.files()
        missing = self._files.keys() - states.keys()
        sources = [self._files[identity].events() for identity in missing if self._files[identity].is_open]
        for identity, (path, state) in states.items():
            if identity not in self._archives:
                sources += self._sources_of(identity, path, state)
        self._limit_open_files(states)
        yield from heapq.merge(*sources, key=located_time)
        for identity in missing & self._missing:  # twice, as a file may be moved during a listing
            self._files.pop(identity).end()
        self._missing = missing

    def _sources_of(
        self, identity: Identity, path: str, state: os.stat_result
    ) -> Iterable[Iterator[LocatedEvent]]:
        """Return the iterator of a file's new events, or nothing, if it has not changed."""
        file = self._files.get(identity)
        if file is None:
            if _is_archive(path):
                self._archives.add(identity)
                return [events(Source(path), self._report)] if self._is_first else []
            file = self._files[identity] = GrowingFile(path, identity, self._report)
            if self._is_first and self._back is not None:
                file.skip_to(state.st_size - self._back)
        file.path = path
        return [file.events()] if file.has_changed(state) else []

    def _limit_open_files(self, states: dict[Identity, tuple[str, os.stat_result]]) -> None:
        present = self._files.keys() & states.keys()
        newest = heapq.nlargest(_HELD, present, key=lambda identity: states[identity][1].st_mtime_ns)
        for identity in present - set(newest):
            self._files[identity].stays_open = False
            self._files[identity].close()
        for identity in newest:
            self._files[identity].stays_open = True


class _Listing:
    """The files that match some names now; directories are not listed every time, because that takes long."""

    def __init__(self, names: Sequence[str]) -> None:
        self._paths: dict[str, list[str]] = {name: [] for name in names}
        self._expires = 0.0

    def expire(self) -> None:
        """List all directories the next time."""
        self._expires = 0.0

    def files(self) -> dict[Identity, tuple[str, os.stat_result]]:
        """Return the path and the state of each regular file that exists."""
        start = Clock.monotonic()
        if start >= self._expires:
            self._paths = {name: _paths(name, before) for name, before in self._paths.items()}
            end = Clock.monotonic()
            self._expires = end + _LISTING_RATIO * (end - start)
        states = ((path, _state(path)) for paths in self._paths.values() for path in paths)
        return {(state.st_dev, state.st_ino): (path, state) for path, state in states if state is not None}


def _paths(name: str, before: list[str]) -> list[str]:
    try:
        return [source.name for source in find_sources(name)]
    except OSError:  # nothing exists yet, or a directory was removed while it was listed
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
    except OSError:  # reported when it is read
        return False
