"""Tables: columns under headings with two spaces between, as wide as the terminal at most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .terminal import cells, in_line, padded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .terminal import Screen

_GAP = "  "


def print_table(columns: Mapping[str, str], rows: Iterable[Sequence[object]], screen: Screen) -> None:
    """Print rows under their headings.

    Args:
        columns: Each heading, a harmless text, and the side that its cells stand at: "<", or ">" for numbers.
            Where there is not room for all, "~" marks those that are shortened; they stand at the left.
        rows: A cell for each column, made harmless here; None leaves it empty.
        screen: What it is printed on.
    """
    for line in lines(columns, [["" if c is None else in_line(str(c)) for c in row] for row in rows], screen):
        print(line)


def lines(columns: Mapping[str, str], rows: Sequence[Sequence[str]], screen: Screen) -> list[str]:
    """Return the lines of a table of harmless texts, the headings first."""
    widths = [max(map(cells, column)) for column in zip(columns, *rows, strict=True)]
    if screen.width is not None:
        elastic = [index for index, side in enumerate(columns.values()) if side == "~"]
        _shrink(widths, elastic, screen.width - len(_GAP) * (len(widths) - 1))
    found = []
    for row in ([*columns], *rows):
        shown = [screen.cut(cell, width) for cell, width in zip(row, widths, strict=True)]
        found.append(_GAP.join(map(padded, shown, widths, columns.values())).rstrip())
    return [screen.styled(found[0], "bold"), *found[1:]]


def _shrink(widths: list[int], elastic: Sequence[int], room: int) -> None:
    """Take from the widest of the elastic columns until all fit, or nothing of them is left."""
    while elastic and (excess := sum(widths) - room) > 0:
        widest, *narrower = sorted(elastic, key=widths.__getitem__, reverse=True)
        floor = widths[narrower[0]] if narrower else 1
        taken = min(excess, max(widths[widest] - floor, 1))
        if widths[widest] <= 1:
            return
        widths[widest] -= min(taken, widths[widest] - 1)
