"""Copies of what DuckDB cannot read by itself, line by line: compressed logs, pipes, rows of columns.

DuckDB reads nothing from a pipe, all or nothing of a damaged .gz, and does not tell that a .zst is
damaged. The reader of this package knows better, so what is not a plain file passes through it, and so does
a log of rows (told by its first line), which become events.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import orjson

from hilt_autolog.reading.columns import is_row, normalize
from hilt_autolog.reading.lines import LONGEST_LINE, ReadProblem, Source, decode_line, events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hilt_autolog.reading.lines import Source
    from hilt_autolog.reading.reader import Log


_MAGIC = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")  # gzip, zstd
_GLOB = frozenset("*?[")


def is_plain(source: Source) -> bool:
    """Return whether a source is a file that DuckDB reads as it is, and whose name it takes for no glob."""
    if source.content is not None or _GLOB.intersection(source.name) or source.name != _shown(source.name):
        return False
    try:
        with source.open() as file:
            first = file.readline(LONGEST_LINE)
            line = None if first.startswith(_MAGIC) else decode_line(first)
            return not (first.startswith(_MAGIC) or (isinstance(line, dict) and is_row(line)))
    except OSError:  # the reader tells why
        return False


def _shown(name: str) -> str:
    """Return a file's name as UTF-8 can say it; others have bytes that are no text."""
    return name.encode(errors="replace").decode()


class Spool:
    """A folder of copies, removed with this object.

    Attributes:
        folder: Its path; nobody else may look into it.
        names: The source's name by the path of its copy, as UTF-8 can say it.
    """

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="hilt-")
        self.folder = self._folder.name
        self.names: dict[str, str] = {}

    def add(self, source: Source, log: Log) -> str:
        """Copy the wanted events of a log's source and return the path of the copy."""
        path = Path(self.folder, f"{len(self.names)}.jsonl")
        takes = log.event_filter or (lambda _: True)
        with path.open("wb") as file:
            found = (normalize(event) for event, *_ in events(source, log.report))
            file.writelines(orjson.dumps(event) + b"\n" for event in found if takes(event))
        self.names[str(path)] = _shown(source.name)
        return str(path)

    def remove(self) -> None:
        """Remove the copies."""
        self._folder.cleanup()
        self.names.clear()


_BEGINNING, _END = b'{"', b"}\n"  # of a line that one of the usual writers has written whole
_GLUED = b'{"hilt_version"'  # within a line: of two processes that share a file, one was killed
_AT_ONCE = 2**18  # bytes; a line is as long as DuckDB was willing to take


def refused_lines(source: Source, are_all: Callable[[int, int], bool]) -> list[ReadProblem] | None:
    """Return the bad lines of a file that is not compressed.

    Parsing every line would cost more than all that DuckDB does. So first those are parsed that look torn,
    then those that look glued as well, and all of them only if that does not find enough.

    Args:
        source: The file.
        are_all: Says whether so many bad lines, among so many that are not blank, are what DuckDB refused.

    Returns:
        The problems; None, if the reader thinks otherwise of a line than DuckDB does.
    """
    for is_doubtful in (_looks_torn, _looks_glued, _any):
        problems, lines = _examined(source, is_doubtful)
        if are_all(len(problems), lines):
            return problems
    return None


def _examined(
    source: Source, doubtful: Callable[[list[bytes]], Iterable[int]]
) -> tuple[list[ReadProblem], int]:
    """Return the problems among the doubtful lines, and how many lines there are that are not blank."""
    problems, before, blank = [], 0, 0
    with source.open() as file:
        while lines := file.readlines(_AT_ONCE):
            for number in doubtful(lines):
                found = decode_line(lines[number])
                blank += found is None
                if isinstance(found, str):
                    problems.append(ReadProblem(source.name, before + number + 1, found))
            before += len(lines)
    return problems, before - blank


def _looks_torn(lines: list[bytes]) -> list[int]:
    return [n for n, line in enumerate(lines) if line[-2:] != _END or line[:2] != _BEGINNING]


def _looks_glued(lines: list[bytes]) -> list[int]:
    torn = {*_looks_torn(lines)}
    return [n for n, line in enumerate(lines) if n in torn or line.find(_GLUED, 1) > 0]


def _any(lines: list[bytes]) -> Iterable[int]:
    return range(len(lines))
