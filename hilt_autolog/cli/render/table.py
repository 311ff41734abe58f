"""Tables: columns under headings with two spaces between, at most as wide as the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .terminal import cell_width, pad, single_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .terminal import Screen

_GAP = "  "


def print_table(columns: Mapping[str, str], rows: Iterable[Sequence[object]], screen: Screen) -> None:
    """Print rows under their headings.

    Args:
        columns: the alignment by heading: "<" left, ">" right, "~" left and truncated where the table is too
            wide. Headings are not escaped.
        rows: a cell for each column, escaped here; None is an empty cell.
        screen: the capabilities of stdout.
    """
    cells = [["" if cell is None else single_line(str(cell)) for cell in row] for row in rows]
    for line in table_lines(columns, cells, screen):
        print(line)


def table_lines(columns: Mapping[str, str], rows: Sequence[Sequence[str]], screen: Screen) -> list[str]:
    """Return the lines of a table whose cells are escaped, the headings first."""
    widths = [max(map(cell_width, column)) for column in zip(columns, *rows, strict=True)]
    if screen.width is not None:
        elastic = [index for index, align in enumerate(columns.values()) if align == "~"]
        _shrink(widths, elastic, screen.width - len(_GAP) * (len(widths) - 1))
    lines = []
    for row in ([*columns], *rows):
        cells = [screen.truncate(cell, width) for cell, width in zip(row, widths, strict=True)]
        lines.append(_GAP.join(map(pad, cells, widths, columns.values())).rstrip())
    return [screen.styled(lines[0], "bold"), *lines[1:]]


def _shrink(widths: list[int], elastic: Sequence[int], available: int) -> None:
    """Narrow the widest elastic columns until all columns fit, or each elastic one has a single cell."""
    while elastic and (excess := sum(widths) - available) > 0:
        widest, *narrower = sorted(elastic, key=widths.__getitem__, reverse=True)
        if widths[widest] <= 1:
            return
        least = widths[narrower[0]] if narrower else 1
        step = min(excess, max(widths[widest] - least, 1))
        widths[widest] -= min(step, widths[widest] - 1)
