"""Which lines of a file DuckDB has refused: it says how many, and people want to know where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilt_autolog.io.lines import Problem, Source, event_or_reason, events

if TYPE_CHECKING:
    from collections.abc import Iterator

_BEGINNING, _END = b'{"', b"}\n"  # of a line that one of the usual writers has written whole
_GLUED = b'{"hilt_version"'  # within a line: of two processes that share a file, one was killed
_AT_ONCE = 2**18  # bytes; a line is as long as DuckDB was willing to take


def refused(source: Source, count: int) -> list[Problem]:
    """Return the bad lines of a file that is not compressed.

    Parsing every line would cost more than all that DuckDB does. So first those are parsed that look torn,
    then those that look glued as well, and all of them only if that does not find enough.

    Args:
        source: The file.
        count: How many lines are bad.

    Returns:
        `count` problems; another number, if the reader thinks otherwise of some.
    """
    for also_glued in (False, True):
        found = list(_damaged(source, also_glued=also_glued))
        if len(found) == count:
            return found
    found = []
    for _ in events(source, found.append):
        pass
    return found


def _damaged(source: Source, *, also_glued: bool) -> Iterator[Problem]:
    before = 0
    with source.open() as file:
        while lines := file.readlines(_AT_ONCE):
            doubtful = [
                number
                for number, line in enumerate(lines)
                if line[-2:] != _END or line[:2] != _BEGINNING or (also_glued and line.find(_GLUED, 1) > 0)
            ]
            for number in doubtful:
                reason = event_or_reason(lines[number])
                if isinstance(reason, str):
                    yield Problem(source.name, before + number + 1, reason)
            before += len(lines)
