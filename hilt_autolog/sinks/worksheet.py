"""A worksheet of Google Sheets through gspread: a header, rows below it, and which of them are there."""

from __future__ import annotations

import math
import re
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from hilt_autolog.reading.columns import row_from_event as columns_of

from .errors import Refusal
from .spreadsheet import gspread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .spreadsheet import Spreadsheet
    from .target import Target


_RAW: Any = "RAW"  # as it is: a prompt that begins with "=" must never run as a formula
_PLAIN: Any = "UNFORMATTED_VALUE"
_END = re.compile(r"(\d+)$")

Cells = dict[str, "Cell"]  # of a row, by column
Row = list["Cell"]


class WritePosition(NamedTuple):
    """Where rows are about to be written: the worksheet, and its last row so far."""

    title: str
    after: int


class Worksheet:
    """A worksheet, once `open()` has found it. For one thread at a time.

    Args:
        target: The columns that it needs.
        book: The spreadsheet that it is in.
        pace: Is called before each call that reads or writes rows.
    """

    def __init__(self, target: Target, book: Spreadsheet, pace: Callable[[], object] = lambda: None) -> None:
        self._target = target
        self._pace = pace
        self._book = book
        self._sheet: Any = None
        self._header: list[str] = []
        self._end: int | None = None  # the last row that we know of

    def open(self) -> None:
        """Find the worksheet, or make it, and see that its header has the columns.

        Of a header that is there the order is kept, and so is every column of somebody else's; what is
        missing is added at its right.

        Raises:
            ImportError: gspread is not installed.
            Refusal, Later: see `failures`.
        """
        self._book.connect()
        with self._book.sorted_out():
            self._sheet = None
            sheet = self._book.chosen()
            self._header = self._with_header(sheet)
            self._sheet, self._end = sheet, None

    @property
    def is_open(self) -> bool:
        """Whether `open()` has found the worksheet."""
        return self._sheet is not None

    def close(self) -> None:
        """Close the connections; `open()` makes new ones."""
        self._sheet = None
        self._book.close()

    def ready(self) -> WritePosition:
        """Return where the next rows will be written; a worksheet that is full is left for the next one.

        Raises:
            Refusal, Later: see `failures`.
        """
        if max(self._sheet.row_count, self._end or 0) >= self._book.longest:
            self.open()
        if self._end is None and not self._has_names():
            self._pace()
            with self._book.sorted_out():
                self._end = len(self._sheet.get_values())
        return WritePosition(self._sheet.title, self._end or 1)

    def append(self, rows: Iterable[Mapping[str, Cell]]) -> None:
        """Write rows below the last, all of them or none.

        Args:
            rows: Cells by column.

        Raises:
            Refusal, Later, Unsure: see `failures`.
        """
        self._pace()
        with self._book.sorted_out(writes=True):
            # INSERT_ROWS and A1: whatever somebody has written below or beside the table stays as it is
            done = self._sheet.append_rows(
                [self._in_order(row) for row in rows],
                value_input_option=_RAW,
                insert_data_option="INSERT_ROWS",
                table_range="A1",
            )
        end = _END.search(str(done.get("updates", {}).get("updatedRange", "")))
        self._end = int(end[1]) if end else None

    def missing(self, rows: list[Cells], place: WritePosition) -> list[Cells]:
        """Return which of the rows that were about to be written at a place are not there.

        They are known by their `event_id`, wherever they have been sorted to; in a worksheet without that
        column by all of their cells, and by their place if these do not tell the time either.

        Raises:
            Refusal, Later: see `failures`.
        """
        self._pace()
        with self._book.sorted_out():
            sheet, header = self._sheet, self._header
            if sheet.title != place.title:  # it was full, or another process has begun this
                sheets = self._book.worksheets()
                if place.title not in sheets:  # deleted, and the rows with it
                    return rows
                sheet = sheets[place.title]
                header = sheet.row_values(1)
            if "event_id" in header and all(row.get("event_id") for row in rows):
                column = _column(header.index("event_id") + 1)
                there = sheet.get(f"{column}1:{column}", value_render_option=_PLAIN)
                left = _not_in({cell for line in there for cell in line}, rows)
            else:
                there = sheet.get_values(value_render_option=_PLAIN)
                begin = 1 if self._has_names() else place.after
                left = self._not_among(
                    (dict(zip(header, line, strict=False)) for line in there[begin:]), rows
                )
        if sheet is self._sheet:
            self._end = len(there)
        return left

    def lines(self) -> tuple[list[str], list[list[Any]]]:
        """Return the header and the rows of the worksheet and of those that follow it.

        Raises:
            Refusal, Later: see `failures`.
        """
        header: list[str] = []
        found: list[list[Any]] = []
        self._book.connect()
        with self._book.sorted_out():
            for sheet in self._book.worksheets().values():
                head, *lines = sheet.get_values(value_render_option=_PLAIN) or [[]]
                header = header or [str(name) for name in head]
                order = [head.index(name) if name in head else len(head) for name in header]
                found += [[[*line, ""][at] for at in order] for line in lines]
        return header, found

    # --- the worksheet

    def _with_header(self, sheet: Any) -> list[str]:
        header = [str(name) for name in sheet.row_values(1)]
        lacking = [name for name in self._target.columns if name not in header]
        if header and len(lacking) == len(self._target.columns):
            raise Refusal(
                f"the worksheet {sheet.title} holds something else: its first row is"
                f" {', '.join(header)[:80]}. Choose another worksheet_name, or empty it"
            )
        if lacking:
            width = len(header) + len(lacking)
            if sheet.col_count < width:
                sheet.resize(cols=width)
            sheet.update([lacking], f"{_column(len(header) + 1)}1", raw=True)
            if not header:
                with suppress(gspread().exceptions.APIError):  # in sight is nicer, but no more than that
                    sheet.freeze(rows=1)
        return header + lacking

    # --- its rows

    def _has_names(self) -> bool:
        return "event_id" in self._target.columns or "timestamp" in self._target.columns

    def _in_order(self, row: Mapping[str, Cell]) -> Row:
        return [row.get(name, "") for name in self._header]

    def _not_among(self, lines: Iterable[Mapping[str, Any]], rows: list[Cells]) -> list[Cells]:
        """Return the rows without as many of each kind as there are lines with the same cells."""
        there = Counter(self._ours(line) for line in lines)
        left = []
        for row in rows:
            there[self._ours(row)] -= 1
            if there[self._ours(row)] < 0:
                left.append(row)
        return left

    def _ours(self, line: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the cells of our columns: what somebody has written beside them does not count."""
        return tuple(line.get(name, "") for name in self._target.columns)


def _column(number: int) -> str:
    """Return the name of a column, counted from 1."""
    return str(gspread().utils.rowcol_to_a1(1, number)).removesuffix("1")


def _not_in(known: set[Any], rows: list[Cells]) -> list[Cells]:
    return [row for row in rows if row["event_id"] not in known]


LONGEST_CELL = 50_000  # characters; the API refuses more
_INVISIBLE = dict.fromkeys((*range(9), *range(11, 32), 127))  # the API may refuse those, too

Cell = str | int | float | bool


def cells(event: Mapping[str, Any], target: Target) -> dict[str, Cell] | None:
    """Return the cells of an event by column, "" where it says nothing.

    None if the event gets no row: a line of the log about itself, a chunk that is not asked for, or an event
    that has nothing in any of the columns (a blank row would end the table for the API).
    """
    actor = event.get("actor")
    if isinstance(actor, dict) and actor.get("type") == "system" and actor.get("id") == "hilt-autolog":
        return None
    if event.get("action") == "completion_chunk" and not target.chunks:
        return None
    found = {name: cell(value) for name, value in columns_of(event, target.columns).items()}
    return found if any(value != "" for value in found.values()) else None


def cell(value: Any) -> Cell:
    """Return a value as a cell: numbers as they are, None as "", a text as long as a cell can be."""
    if value is None:
        return ""
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value).translate(_INVISIBLE)[:LONGEST_CELL]
