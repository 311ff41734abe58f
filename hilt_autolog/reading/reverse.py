"""A log from its end: the last events of a file of any size, without reading what comes before them."""

from __future__ import annotations

from os import SEEK_END
from typing import IO, TYPE_CHECKING, Any

from .lines import LONGEST_LINE, ReadProblem, Source, decode_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BLOCK = 2**16


def newest_first(source: Source, report: Callable[[ReadProblem], None]) -> Iterator[dict[str, Any]]:
    """Yield the events of a source that is not compressed, the last one first.

    Args:
        source: What is compressed has no end to begin at: see `Source.is_compressed`.
        report: Takes what could not be read. The lines are counted from the end, so that the last is -1.
    """
    try:
        with source.open() as stream:
            for number, line in enumerate(lines_from_end(stream), 1):
                found = decode_line(line)
                if isinstance(found, str):
                    report(ReadProblem(source.name, -number, found))
                elif found is not None:
                    yield found
    except OSError as error:
        report(ReadProblem(source.name, 1, f"unreadable from here: {error}"))


def lines_from_end(stream: IO[bytes]) -> Iterator[bytes | None]:
    r"""Yield the lines of a file, the last one first; None in place of one that is too long.

    A line ends with its `\n`, unless it is the last one and has none.
    """
    place = stream.seek(0, SEEK_END)
    pieces: list[bytes] = []  # of a line whose beginning is not found yet, the last one first
    end = b""  # what the next line ends with
    while place:
        size = min(_BLOCK, place)
        place -= size
        stream.seek(place)
        first, *others = stream.read(size).split(b"\n")
        for text in reversed(others):
            if pieces or text or end:
                yield _joined([*pieces, text], end)
            pieces, end = [], b"\n"
        if sum(map(len, pieces)) <= LONGEST_LINE:
            pieces.append(first)
    if pieces:
        yield _joined(pieces, end)


def _joined(pieces: list[bytes], end: bytes) -> bytes | None:
    if sum(map(len, pieces)) > LONGEST_LINE:
        return None
    return b"".join(reversed(pieces)) + end
