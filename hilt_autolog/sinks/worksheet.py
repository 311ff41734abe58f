"""A worksheet of Google Sheets, through gspread: complete its header, append rows, find missing rows."""

from __future__ import annotations

import math
import re
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from hilt_autolog.format import PROCESS_ACTOR
from hilt_autolog.reading.columns import row_from_event as columns_of

from .errors import PermanentError
from .spreadsheet import import_gspread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hilt_autolog.contracts.types import JsonMapping

    from .spreadsheet import Spreadsheet
    from .target import SheetTarget

MAX_CELL_LENGTH = 50_000  # characters; the API rejects more

_RAW = "RAW"  # literal: a prompt that begins with "=" must never run as a formula
_UNFORMATTED = "UNFORMATTED_VALUE"
_LAST_NUMBER = re.compile(r"(\d+)$")
_CONTROL_CHARACTERS = dict.fromkeys((*range(9), *range(11, 32), 127))  # the API may reject those, too

Cell = str | int | float | bool
RowCells = dict[str, Cell]  # of a row, by column


class WritePosition(NamedTuple):
    """Where rows are about to be written: the worksheet's title, and the number of its last row so far."""

    title: str
    last_row: int


class Worksheet:
    """A worksheet. Call `open()` first; use it in one thread at a time.

    Args:
        target: the columns that it needs.
        spreadsheet: the spreadsheet that it is in.
        wait_for_quota: called before each API call that reads or writes rows.
    """

    def __init__(
        self,
        target: SheetTarget,
        spreadsheet: Spreadsheet,
        wait_for_quota: Callable[[], object] = lambda: None,
    ) -> None:
        self._target = target
        self._wait_for_quota = wait_for_quota
        self._spreadsheet = spreadsheet
        self._sheet: Any = None
        self._header: list[str] = []
        self._last_row: int | None = None  # None: unknown

    def open(self) -> None:
        """Find the worksheet or add it, and complete its header.

        An existing header keeps its order and all columns of other people; missing columns are added at its
        right.

        Raises:
            ImportError: gspread is not installed.
            PermanentError, RetryLater: see `errors`.
        """
        self._spreadsheet.connect()
        with self._spreadsheet.translate_errors():
            self._sheet = None
            sheet = self._spreadsheet.writable_worksheet()
            self._header = self._complete_header(sheet)
            self._sheet, self._last_row = sheet, None

    @property
    def is_open(self) -> bool:
        """Whether `open()` has found the worksheet."""
        return self._sheet is not None

    def close(self) -> None:
        """Close the connections; `open()` opens new ones."""
        self._sheet = None
        self._spreadsheet.close()

    def next_position(self) -> WritePosition:
        """Return where the next rows will be written; go on to the next worksheet if this one is full.

        Raises:
            PermanentError, RetryLater: see `errors`.
        """
        if max(self._sheet.row_count, self._last_row or 0) >= self._spreadsheet.max_rows:
            self.open()
        if self._last_row is None and not self._has_distinct_rows():
            self._wait_for_quota()
            with self._spreadsheet.translate_errors():
                self._last_row = len(self._sheet.get_values())
        return WritePosition(self._sheet.title, self._last_row or 1)

    def append(self, rows: Iterable[RowCells]) -> None:
        """Write rows below the last, all of them or none.

        Args:
            rows: cells by column.

        Raises:
            PermanentError, RetryLater, WriteUnconfirmed: see `errors`.
        """
        self._wait_for_quota()
        with self._spreadsheet.translate_errors(writes=True):
            # INSERT_ROWS and A1 leave what people have written below or beside the table as it is
            result = self._sheet.append_rows(
                [[row.get(name, "") for name in self._header] for row in rows],
                value_input_option=_RAW,
                insert_data_option="INSERT_ROWS",
                table_range="A1",
            )
        last_row = _LAST_NUMBER.search(str(result.get("updates", {}).get("updatedRange", "")))
        self._last_row = int(last_row[1]) if last_row else None

    def missing_rows(self, rows: list[RowCells], position: WritePosition) -> list[RowCells]:
        """Return the rows that the sheet lacks, of those that were to be written at a position.

        Rows are compared by their `event_id`, in any order, because people may have sorted them. In a
        worksheet without that column they are compared by all of their cells, and only from the position on
        if it has no `timestamp` either.

        Raises:
            PermanentError, RetryLater: see `errors`.
        """
        self._wait_for_quota()
        with self._spreadsheet.translate_errors():
            sheet, header = self._sheet, self._header
            if sheet.title != position.title:  # it became full, or another process added this one
                worksheets = self._spreadsheet.worksheets()
                if position.title not in worksheets:  # deleted, and the rows with it
                    return rows
                sheet = worksheets[position.title]
                header = sheet.row_values(1)
            if "event_id" in header and all(row.get("event_id") for row in rows):
                column = _column_letters(header.index("event_id") + 1)
                lines = sheet.get(f"{column}1:{column}", value_render_option=_UNFORMATTED)
                event_ids = {cell for line in lines for cell in line}
                missing = [row for row in rows if row["event_id"] not in event_ids]
            else:
                lines = sheet.get_values(value_render_option=_UNFORMATTED)
                begin = 1 if self._has_distinct_rows() else position.last_row
                missing = self._subtract(
                    rows, (dict(zip(header, line, strict=False)) for line in lines[begin:])
                )
        if sheet is self._sheet:
            self._last_row = len(lines)
        return missing

    def read_rows(self) -> tuple[list[str], list[list[Cell]]]:
        """Return the header and the rows of the worksheet and of those that follow it.

        Raises:
            PermanentError, RetryLater: see `errors`.
        """
        header: list[str] = []
        rows: list[list[Cell]] = []
        self._spreadsheet.connect()
        with self._spreadsheet.translate_errors():
            for sheet in self._spreadsheet.worksheets().values():
                names, *lines = sheet.get_values(value_render_option=_UNFORMATTED) or [[]]
                header = header or [str(name) for name in names]
                order = [names.index(name) if name in names else len(names) for name in header]
                rows += [[[*line, ""][index] for index in order] for line in lines]
        return header, rows

    def _complete_header(self, sheet: Any) -> list[str]:
        header = [str(name) for name in sheet.row_values(1)]
        missing = [name for name in self._target.columns if name not in header]
        if header and len(missing) == len(self._target.columns):
            raise PermanentError(
                f"the worksheet {sheet.title} holds something else: its first row is"
                f" {', '.join(header)[:80]}. Choose another worksheet_name, or empty it"
            )
        if missing:
            width = len(header) + len(missing)
            if sheet.col_count < width:
                sheet.resize(cols=width)
            sheet.update([missing], f"{_column_letters(len(header) + 1)}1", raw=True)
            if not header:
                with suppress(import_gspread().exceptions.APIError):  # only a convenience
                    sheet.freeze(rows=1)
        return header + missing

    def _has_distinct_rows(self) -> bool:
        """Return whether a column distinguishes events with equal cells."""
        return "event_id" in self._target.columns or "timestamp" in self._target.columns

    def _subtract(self, rows: list[RowCells], lines: Iterable[Mapping[str, Cell]]) -> list[RowCells]:
        """Return the rows that are left when each line cancels one row with the same cells."""
        counts = Counter(self._target_cells(line) for line in lines)
        missing = []
        for row in rows:
            cells_of_row = self._target_cells(row)
            counts[cells_of_row] -= 1
            if counts[cells_of_row] < 0:
                missing.append(row)
        return missing

    def _target_cells(self, line: Mapping[str, Cell]) -> tuple[Cell, ...]:
        """Return the cells of the target's columns; what people have written beside them does not count."""
        return tuple(line.get(name, "") for name in self._target.columns)


def _column_letters(number: int) -> str:
    """Return the letters of a column, counted from 1."""
    return str(import_gspread().utils.rowcol_to_a1(1, number)).removesuffix("1")


def cells(event: JsonMapping, target: SheetTarget) -> RowCells | None:
    """Return the cells of an event by column, "" where it has no value.

    Returns:
        None if the event gets no row: a line of the log about itself, a chunk where the target has none, or
        an event without a value in any of the columns (a blank row would end the table for the API).
    """
    actor = event.get("actor")
    if isinstance(actor, dict) and actor.get("type") == "system" and actor.get("id") == PROCESS_ACTOR:
        return None
    if event.get("action") == "completion_chunk" and not target.chunks:
        return None
    row = {name: cell(value) for name, value in columns_of(event, target.columns).items()}
    return row if any(value != "" for value in row.values()) else None


def cell(value: object) -> Cell:
    """Return a value as a cell: finite numbers as they are, None as "", anything else as a text."""
    if value is None:
        return ""
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value).translate(_CONTROL_CHARACTERS)[:MAX_CELL_LENGTH]
