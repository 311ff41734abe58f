"""Texts for people: within the width of a terminal, and no longer than somebody reads."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from .terminal import cells, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

_TAB = 4
_NARROWEST = 20  # cells that are left beside an indent
_LONGEST = 1000  # letters in a line, where lines are counted and not wrapped


def paragraphs(text: str, width: int | None, *, most: int | None = None) -> list[str]:
    """Return a text as harmless lines.

    Args:
        text: Anything.
        width: Lines have at most so many cells; they are left as they are, if None.
        most: How many lines; a last one tells that there are more. All of them, if None.
    """
    room = None if width is None else max(width, _NARROWEST)
    if most is None:
        return list(_lines(text, room))
    shown = most * (room or _LONGEST)
    found = list(islice(_lines(text[:shown], room), most + 1))
    if len(found) <= most and len(text) <= shown:
        return found
    return [*found[:most], f"[shortened from {len(text):,} letters; --full shows them]"]


def _lines(text: str, room: int | None) -> Iterator[str]:
    for line in visible(text.rstrip()).lstrip("\n").expandtabs(_TAB).split("\n"):
        if room is None or cells(line) <= room:
            yield line
        else:
            yield from _wrapped(line, room)


def _wrapped(line: str, width: int) -> Iterator[str]:
    indent = line[: len(line) - len(line.lstrip())]
    if len(indent) > width // 2:
        indent = ""
    current = indent
    for word in _pieces(line.lstrip(), width - len(indent)):
        if current.strip() and cells(current) + cells(word.rstrip()) > width:
            yield current.rstrip()
            current = indent
        current += word
    yield current.rstrip()


def _pieces(line: str, width: int) -> Iterator[str]:
    """Yield the words of a line with the spaces that follow, a word too long for any line in pieces."""
    for word in re.findall(r"\S+\s*", line):
        piece, taken = "", 0
        for letter in word if cells(word) > width else ():
            if taken + cells(letter) > width:
                yield piece
                piece, taken = "", 0
            piece += letter
            taken += cells(letter)
        yield piece or word
