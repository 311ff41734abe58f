"""Events as rows under headings, printed one by one, in as many columns as the terminal has space for.

`COLUMNS` is the table of `hilt tail`: a new column is one entry in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hilt_autolog.format import cell_dollars, event_cost, total_tokens

from . import event_format
from .terminal import json_text, pad, single_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from hilt_autolog.contracts.types import JsonMapping

    from .terminal import Screen


def _no_styles(_: JsonMapping) -> tuple[str, ...]:
    return ()


class TableColumn(NamedTuple):
    """A column between the time and the text.

    Attributes:
        heading: its name, in ASCII.
        width: in cells; longer texts are truncated.
        align: "<" or ">".
        cell: the text for an event; "" if it has none.
        min_screen: the width in cells of the narrowest screen that shows the column.
        styles: the styles of a cell by its event.
    """

    heading: str
    width: int
    align: str
    cell: Callable[[JsonMapping], str]
    min_screen: int
    styles: Callable[[JsonMapping], tuple[str, ...]] = _no_styles


def _action(row: JsonMapping) -> str:
    action = event_format.as_text(row.get("action")).removeprefix("completion_")
    return f"{action} x{row['chunks']}" if "chunks" in row else action


def _cost(row: JsonMapping) -> str:
    cost = event_cost(row)
    return "" if cost is None else cell_dollars(cost)


def _rounded(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


COLUMNS = (
    TableColumn("action", 11, "<", _action, 0, event_format.action_styles),
    TableColumn("actor", 22, "<", event_format.actor_name, 80),
    TableColumn("tokens", 6, ">", lambda row: _rounded(total_tokens(row)), 100),
    TableColumn("$", 8, ">", _cost, 100),
    TableColumn("ms", 6, ">", lambda row: _rounded(event_format.latency_ms(row)), 80),
)


class RowPrinter:
    """Prints events, each as a row or as a line of JSON.

    On a terminal each row fits in one line and shows the time of day; a line with the date precedes the first
    row of each day. Elsewhere a row has the date and the whole text.

    Args:
        screen: the capabilities of stdout.
        is_json: print JSON.
        is_live: flush after each row, also where stdout is a pipe.
    """

    def __init__(self, screen: Screen, *, is_json: bool = False, is_live: bool = False) -> None:
        self._screen = screen
        self._is_live = is_live
        self._is_json = is_json
        self._day: date | None = None
        self._has_headings = False
        width = screen.width
        self._columns = [column for column in COLUMNS if width is None or width >= column.min_screen]

    def print(self, row: JsonMapping) -> None:
        """Print an event, or the row into which `ChunkJoiner` has joined the chunks of a stream."""
        if self._is_json:
            print(json_text(row), flush=self._is_live)
            return
        if not self._has_headings:
            headings = [pad(column.heading, column.width, column.align) for column in self._columns]
            time = pad("time", 8 if self._screen.width else 23)
            print(self._screen.styled("  ".join([time, *headings, "text"]), "bold"))
            self._has_headings = True
        print(self._line(row), flush=self._is_live)

    def _line(self, row: JsonMapping) -> str:
        screen = self._screen
        cells = [self._time(row)]
        for column in self._columns:
            cell = screen.truncate(single_line(column.cell(row)), column.width)
            cells.append(screen.styled(pad(cell, column.width, column.align), *column.styles(row)))
        used = sum(column.width + 2 for column in self._columns) + 10
        available = None if screen.width is None else max(screen.width - used, 0)
        text = screen.truncate(single_line(event_format.event_text(row)), available)
        return "  ".join([*cells, screen.styled(text, *_text_styles(row))]).rstrip()

    def _time(self, row: JsonMapping) -> str:
        time = event_format.local_time(row)
        if self._screen.width is None:
            return pad(time.isoformat(" ", "milliseconds")[:23] if time else "", 23)
        if time is not None and time.date() != self._day:
            self._day = time.date()
            print(self._screen.styled(self._day.isoformat(), "dim"))
        return pad(f"{time:%H:%M:%S}" if time else "", 8)


def _text_styles(row: JsonMapping) -> tuple[str, ...]:
    if event_format.is_error(row):
        return ("red",)
    return ("dim",) if row.get("action") in ("completion_chunk", "system") else ()
