"""Copy what DuckDB cannot read by itself, line by line: compressed logs, pipes, rows of columns.

DuckDB cannot read a pipe, reads all or nothing of a damaged .gz, and does not report a damaged .zst. The
reader of this package handles these, so whatever is not a plain file is copied with it. So is a log of rows
(recognized by its first line), which become events.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol

import orjson

from hilt_autolog.reading.columns import is_row, normalize
from hilt_autolog.reading.lines import LONGEST_LINE, ReadProblem, Source, decode_line, events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hilt_autolog.contracts.types import JsonObject


_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")  # first bytes of gzip and zstd
_GLOB = frozenset("*?[")


class EventLog(Protocol):
    """The part of `hilt_autolog.reading.reader.Log` that analytics use."""

    sources: list[Source]
    event_filter: Callable[[JsonObject], bool] | None
    on_progress: Callable[[float], None] | None

    def report(self, problem: ReadProblem) -> None:
        """Add a problem to those of the log."""


def is_plain(source: Source) -> bool:
    """Return whether DuckDB reads a source as it is: a file of events whose name is no glob."""
    if source.content is not None or _GLOB.intersection(source.name) or source.name != _utf8(source.name):
        return False
    try:
        with source.open() as file:
            first = file.readline(LONGEST_LINE)
            line = None if first.startswith(_COMPRESSED) else decode_line(first)
            return not (first.startswith(_COMPRESSED) or (isinstance(line, dict) and is_row(line)))
    except OSError:  # the reader reports it
        return False


def _utf8(name: str) -> str:
    """Return a file's name with the bytes that are not UTF-8 replaced."""
    return name.encode(errors="replace").decode()


class Spool:
    """A temporary directory of copies, removed with this object.

    Attributes:
        directory: its path; no other user may read it.
        names: path of a copy -> name of its source in UTF-8.
    """

    def __init__(self) -> None:
        self._temporary = TemporaryDirectory(prefix="hilt-")
        self.directory = self._temporary.name
        self.names: dict[str, str] = {}

    def add(self, source: Source, log: EventLog) -> str:
        """Copy the events of a log's source that pass the log's filter, and return the path of the copy."""
        path = Path(self.directory, f"{len(self.names)}.jsonl")
        is_wanted = log.event_filter or (lambda _: True)
        with path.open("wb") as file:
            copied = (normalize(event) for event, *_ in events(source, log.report))
            file.writelines(orjson.dumps(event) + b"\n" for event in copied if is_wanted(event))
        self.names[str(path)] = _utf8(source.name)
        return str(path)

    def remove(self) -> None:
        """Remove the copies."""
        self._temporary.cleanup()
        self.names.clear()


_LINE_START, _LINE_END = b'{"', b"}\n"  # of a whole line by one of the usual writers
_EVENT_START = b'{"hilt_version"'  # inside a line if one of two processes that share the file was killed
_AT_ONCE = 2**18  # bytes; a line is as long as DuckDB accepted


def refused_lines(source: Source, are_all: Callable[[int, int], bool]) -> list[ReadProblem] | None:
    """Return the bad lines of a file that is not compressed.

    Parsing every line would take longer than DuckDB does. So parse the lines that look torn; if they are not
    all, also those that look like two events in one; and only then every line.

    Args:
        source: the file.
        are_all: whether so many bad lines, among so many that are not blank, are those that DuckDB refused.

    Returns:
        The problems; None, if the reader and DuckDB disagree about a line.
    """
    for find_suspects in (_torn_lines, _torn_or_joined_lines, _all_lines):
        problems, line_count = _examine(source, find_suspects)
        if are_all(len(problems), line_count):
            return problems
    return None


def _examine(
    source: Source, find_suspects: Callable[[list[bytes]], Iterable[int]]
) -> tuple[list[ReadProblem], int]:
    """Return the problems of the suspect lines, and how many lines there are that are not blank."""
    problems, before, blank = [], 0, 0
    with source.open() as file:
        while lines := file.readlines(_AT_ONCE):
            for number in find_suspects(lines):
                event = decode_line(lines[number])
                blank += event is None
                if isinstance(event, str):
                    problems.append(ReadProblem(source.name, before + number + 1, event))
            before += len(lines)
    return problems, before - blank


def _torn_lines(lines: list[bytes]) -> list[int]:
    return [n for n, line in enumerate(lines) if line[-2:] != _LINE_END or line[:2] != _LINE_START]


def _torn_or_joined_lines(lines: list[bytes]) -> list[int]:
    torn = {*_torn_lines(lines)}
    return [n for n, line in enumerate(lines) if n in torn or line.find(_EVENT_START, 1) > 0]


def _all_lines(lines: list[bytes]) -> Iterable[int]:
    return range(len(lines))
