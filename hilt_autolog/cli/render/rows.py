"""Events as rows under headings, printed one by one: as many columns as the terminal has room for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from . import event_format
from .terminal import in_line, json_text, padded

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from .terminal import Screen

Event = dict[str, Any]


class _Column(NamedTuple):
    heading: str
    width: int
    side: str
    cell: Callable[[Event], str]
    room: int  # the width of a screen that has room for it


def _action(row: Event) -> str:
    action = event_format.word(row.get("action")).removeprefix("completion_")
    return f"{action} x{row['pieces']}" if "pieces" in row else action


def _amount(row: Event) -> str:
    amount = event_format.cost(row)
    return "" if amount is None else event_format.dollars(amount).removeprefix("$")


def _of(figure: Callable[[Event], float | None]) -> Callable[[Event], str]:
    return lambda row: "" if (found := figure(row)) is None else f"{found:.0f}"


_COLUMNS = (
    _Column("action", 11, "<", _action, 0),
    _Column("actor", 22, "<", event_format.actor, 80),
    _Column("tokens", 6, ">", _of(event_format.tokens), 100),
    _Column("$", 8, ">", _amount, 100),
    _Column("ms", 6, ">", _of(event_format.latency), 80),
)


class Rows:
    """Prints events, each as a row, or as a line of JSON.

    On a terminal a row is one line of it, the time of day, and the day stands where it changes; elsewhere
    a row has the day and all of the text.

    Args:
        screen: What they are printed on.
        is_json: Print JSON.
        is_live: Let each be seen at once, also where stdout is a pipe.
    """

    def __init__(self, screen: Screen, *, is_json: bool = False, is_live: bool = False) -> None:
        self._screen = screen
        self._is_live = is_live
        self._is_json = is_json
        self._day: date | None = None
        self._has_headings = False
        width = screen.width
        self._columns = [column for column in _COLUMNS if width is None or width >= column.room]

    def print(self, row: Event) -> None:
        """Print an event."""
        if self._is_json:
            print(json_text(row), flush=self._is_live)
            return
        if not self._has_headings:
            headings = [padded(column.heading, column.width, column.side) for column in self._columns]
            time = padded("time", 8 if self._screen.width else 23)
            print(self._screen.styled("  ".join([time, *headings, "text"]), "bold"))
            self._has_headings = True
        print(self._line(row), flush=self._is_live)

    def _line(self, row: Event) -> str:
        screen = self._screen
        line = [self._time(row)]
        for column in self._columns:
            cell = screen.cut(in_line(column.cell(row)), column.width)
            cell = padded(cell, column.width, column.side)
            line.append(screen.styled(cell, *event_format.style(row)) if column.heading == "action" else cell)
        taken = sum(column.width + 2 for column in self._columns) + 10
        text = in_line(event_format.text(row))
        room = None if screen.width is None else max(screen.width - taken, 0)
        shown = screen.cut(text, room)
        return "  ".join([*line, screen.styled(shown, *_text_style(row))]).rstrip()

    def _time(self, row: Event) -> str:
        time = event_format.local_time(row)
        if self._screen.width is None:
            return padded(time.isoformat(" ", "milliseconds")[:23] if time else "", 23)
        if time is not None and time.date() != self._day:
            self._day = time.date()
            print(self._screen.styled(self._day.isoformat(), "dim"))
        return padded(f"{time:%H:%M:%S}" if time else "", 8)


def _text_style(row: Event) -> tuple[str, ...]:
    if event_format.is_error(row):
        return ("red",)
    return ("dim",) if row.get("action") in ("completion_chunk", "system") else ()
