"""Which lines of a file DuckDB has refused: it says how many, at best, and people want to know where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilt_autolog.io.lines import Problem, Source, event_or_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_BEGINNING, _END = b'{"', b"}\n"  # of a line that one of the usual writers has written whole
_GLUED = b'{"hilt_version"'  # within a line: of two processes that share a file, one was killed
_AT_ONCE = 2**18  # bytes; a line is as long as DuckDB was willing to take


def refused(source: Source, are_all: Callable[[int, int], bool]) -> list[Problem] | None:
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


def _examined(source: Source, doubtful: Callable[[list[bytes]], Iterable[int]]) -> tuple[list[Problem], int]:
    """Return the problems among the doubtful lines, and how many lines there are that are not blank."""
    problems, before, blank = [], 0, 0
    with source.open() as file:
        while lines := file.readlines(_AT_ONCE):
            for number in doubtful(lines):
                found = event_or_reason(lines[number])
                blank += found is None
                if isinstance(found, str):
                    problems.append(Problem(source.name, before + number + 1, found))
            before += len(lines)
    return problems, before - blank


def _looks_torn(lines: list[bytes]) -> list[int]:
    return [n for n, line in enumerate(lines) if line[-2:] != _END or line[:2] != _BEGINNING]


def _looks_glued(lines: list[bytes]) -> list[int]:
    torn = {*_looks_torn(lines)}
    return [n for n, line in enumerate(lines) if n in torn or line.find(_GLUED, 1) > 0]


def _any(lines: list[bytes]) -> Iterable[int]:
    return range(len(lines))
