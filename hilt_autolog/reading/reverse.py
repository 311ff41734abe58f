"""Read a log from its end: the last events of a file of any size, without reading what comes before them."""

from __future__ import annotations

from os import SEEK_END
from typing import IO, TYPE_CHECKING

from .lines import LONGEST_LINE, ReadProblem, Source, decode_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hilt_autolog.contracts.types import JsonObject

_BLOCK = 2**16  # bytes


def newest_first(source: Source, report: Callable[[ReadProblem], None]) -> Iterator[JsonObject]:
    """Yield the events of a source that is not compressed, the last one first.

    Args:
        source: the file; a compressed one cannot be read from its end, see `Source.is_compressed`.
        report: called with each problem. Lines are counted from the end, so that the last line is -1.
    """
    try:
        with source.open() as stream:
            for number, line in enumerate(lines_from_end(stream), 1):
                event = decode_line(line)
                if isinstance(event, str):
                    report(ReadProblem(source.name, -number, event))
                elif event is not None:
                    yield event
    except OSError as error:
        report(ReadProblem(source.name, 1, f"unreadable from here: {error}"))


def lines_from_end(stream: IO[bytes]) -> Iterator[bytes | None]:
    r"""Yield the lines of a file, the last one first; None in place of one that is too long.

    A line ends with its `\n`, unless it is the last one and has none.
    """
    offset = stream.seek(0, SEEK_END)
    pieces: list[bytes] = []  # of a line whose beginning is not read yet, the last piece first
    end = b""  # the line break that the next line ends with
    while offset:
        size = min(_BLOCK, offset)
        offset -= size
        stream.seek(offset)
        first, *others = stream.read(size).split(b"\n")
        for text in reversed(others):
            if pieces or text or end:
                yield _join([*pieces, text], end)
            pieces, end = [], b"\n"
        if sum(map(len, pieces)) <= LONGEST_LINE:
            pieces.append(first)
    if pieces:
        yield _join(pieces, end)


def _join(pieces: list[bytes], end: bytes) -> bytes | None:
    if sum(map(len, pieces)) > LONGEST_LINE:
        return None
    return b"".join(reversed(pieces)) + end
