"""Tables: by rich on a terminal where it is installed, else columns with two spaces between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .terminal import cells, in_line, padded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .terminal import Screen


def print_table(columns: Mapping[str, str], rows: Iterable[Sequence[object]], screen: Screen) -> None:
    """Print rows under their headings.

    Args:
        columns: Each heading, and the side that its cells stand at: "<", or ">" for numbers.
        rows: A cell for each column, made harmless here; None leaves it empty.
        screen: What it is printed on. Where that is a terminal a table is at most as wide as it is.
    """
    texts = [["" if cell is None else in_line(str(cell)) for cell in row] for row in rows]
    if screen.width is not None and _by_rich(columns, texts, screen):
        return
    for line in lines(columns, texts, screen):
        print(line)


def lines(columns: Mapping[str, str], rows: Sequence[Sequence[str]], screen: Screen) -> list[str]:
    """Return the lines of a table of harmless texts, the headings first, none wider than the screen."""
    widths = [max(map(cells, column)) for column in zip(columns, *rows, strict=True)]
    sides = columns.values()
    plain = ["  ".join(map(padded, row, widths, sides)).rstrip() for row in ([*columns], *rows)]
    heading, *others = (screen.cut(line, screen.width) for line in plain)
    return [screen.styled(heading, "bold"), *others]


def _by_rich(columns: Mapping[str, str], rows: Sequence[Sequence[str]], screen: Screen) -> bool:
    """Print by rich, which shortens the cells that need it; return False where it is not installed."""
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        return False
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)
    for heading, side in columns.items():
        table.add_column(
            Text(heading),
            justify="right" if side == ">" else "left",
            no_wrap=True,
            overflow="ellipsis",
            min_width=cells(heading) if side == ">" else None,
        )
    for row in rows:
        table.add_row(*map(Text, row))
    Console(
        width=screen.width,
        force_terminal=screen.has_colours,
        no_color=not screen.has_colours,
        highlight=False,
    ).print(table)
    return True
