"""A worksheet of Google Sheets through gspread: a header, rows below it, and which of them are there."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from hilt_autolog.sinks.failures import Refusal, sorted_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hilt_autolog.sinks.cells import Cell
    from hilt_autolog.sinks.target import Target

LONGEST_SHEET = 500_000  # rows; a spreadsheet holds ten million cells, and is slow long before

_SCOPES = ("https://www.googleapis.com/auth/spreadsheets",)
_TIMEOUT = 30.0  # seconds
_RAW: Any = "RAW"  # as it is: a prompt that begins with "=" must never run as a formula
_PLAIN: Any = "UNFORMATTED_VALUE"
_END = re.compile(r"(\d+)$")

Row = list["Cell"]


class Place(NamedTuple):
    """Where rows are about to be written: the worksheet, and its last row so far."""

    title: str
    after: int


class Sheet:
    """A worksheet, once `open()` has found it. For one thread at a time.

    Args:
        target: Which worksheet, and the columns that it needs.
        key: The key of the service account that writes.
        pace: Is called before each call that reads or writes rows.
        longest: Rows after which the next worksheet is begun.
    """

    def __init__(
        self,
        target: Target,
        key: Mapping[str, Any],
        pace: Callable[[], object] = lambda: None,
        longest: int = LONGEST_SHEET,
    ) -> None:
        self._target = target
        self._key = key
        self._pace = pace
        self._longest = longest
        self._book: Any = None
        self._sheet: Any = None
        self._header: list[str] = []
        self._end: int | None = None  # the last row that we know of

    def connect(self) -> None:
        """Make sure that the spreadsheet can be reached; nothing is changed in it.

        Raises:
            ImportError: gspread is not installed; the message names the extra.
            Refusal, Later: see `failures`.
        """
        gspread = _gspread()
        with self._sorted_out():
            client = gspread.service_account_from_dict(dict(self._key), scopes=_SCOPES)
            client.set_timeout(_TIMEOUT)
            self._book = client.open_by_key(self._target.sheet_id)

    def open(self) -> None:
        """Find the worksheet, or make it, and see that its header has the columns.

        Of a header that is there the order is kept, and so is every column of somebody else's; what is
        missing is added at its right.

        Raises:
            ImportError, Refusal, Later: as `connect()`.
        """
        if self._book is None:
            self.connect()
        with self._sorted_out():
            self._sheet = self._chosen()
            self._header = self._with_header()
            self._end = None

    def ready(self) -> Place:
        """Return where the next rows will be written; a worksheet that is full is left for the next one.

        Raises:
            Refusal, Later: see `failures`.
        """
        if self._sheet.row_count >= self._longest:
            self.open()
        if self._end is None and not self._has_names():
            self._pace()
            with self._sorted_out():
                self._end = len(self._sheet.get_values())
        return Place(self._sheet.title, self._end or 1)

    def append(self, rows: Iterable[Mapping[str, Cell]]) -> None:
        """Write rows below the last, all of them or none.

        Args:
            rows: Cells by column.

        Raises:
            Refusal, Later, Unsure: see `failures`.
        """
        self._pace()
        with self._sorted_out(writes=True):
            # INSERT_ROWS and A1: whatever somebody has written below or beside the table stays as it is
            done = self._sheet.append_rows(
                [self._in_order(row) for row in rows],
                value_input_option=_RAW,
                insert_data_option="INSERT_ROWS",
                table_range="A1",
            )
        end = _END.search(str(done.get("updates", {}).get("updatedRange", "")))
        self._end = int(end[1]) if end else None

    def missing(self, rows: list[dict[str, Cell]], place: Place) -> list[dict[str, Cell]]:
        """Return which of the rows that were about to be written at a place are not there.

        They are known by their `event_id`, wherever they have been sorted to; in a worksheet without that
        column by all of their cells, and by their place if these do not tell the time either.

        Raises:
            Refusal, Later: see `failures`.
        """
        self._pace()
        with self._sorted_out():
            sheet = next((one for one in self._book.worksheets() if one.title == place.title), None)
            if sheet is None:  # deleted, and the rows with it
                return rows
            if "event_id" in self._target.columns and all(row.get("event_id") for row in rows):
                column = self._header.index("event_id") + 1
                there = set(sheet.col_values(column, value_render_option=_PLAIN))
                return [row for row in rows if row["event_id"] not in there]
            begin = 2 if self._has_names() else place.after + 1
            found = sheet.get(f"A{begin}:{sheet.row_count + len(rows)}", value_render_option=_PLAIN)
        known = Counter(self._padded(line) for line in found)
        left = []
        for row in rows:
            line = self._padded(self._in_order(row))
            known[line] -= 1
            if known[line] < 0:
                left.append(row)
        return left

    def lines(self) -> tuple[list[str], list[list[Any]]]:
        """Return the header and the rows of the worksheet and of those that follow it.

        Raises:
            Refusal, Later: see `failures`.
        """
        header: list[str] = []
        found: list[list[Any]] = []
        with self._sorted_out():
            sheets = {sheet.title: sheet for sheet in self._book.worksheets()}
            for title in self._titles():
                if title not in sheets:
                    break
                head, *lines = sheets[title].get_values(value_render_option=_PLAIN) or [[]]
                header = header or [str(name) for name in head]
                order = [head.index(name) if name in head else len(head) for name in header]
                found += [[[*line, ""][at] for at in order] for line in lines]
        return header, found

    # --- the worksheet

    def _titles(self) -> Iterable[str]:
        yield self._target.worksheet
        for number in range(2, 1000):
            yield f"{self._target.worksheet} {number}"

    def _chosen(self) -> Any:
        """Return the first worksheet that is not full, in the order of their titles."""
        sheets = {sheet.title: sheet for sheet in self._book.worksheets()}
        for title in self._titles():
            if title not in sheets:
                return self._made(title)
            if sheets[title].row_count < self._longest:
                return sheets[title]
        raise Refusal(f"all worksheets {self._target.worksheet} ... are full: choose another name")

    def _made(self, title: str) -> Any:
        try:
            return self._book.add_worksheet(title, rows=2, cols=len(self._target.columns))
        except _gspread().exceptions.APIError as error:
            if "already exists" not in str(error):
                raise
            return self._book.worksheet(title)  # another process was faster

    def _with_header(self) -> list[str]:
        header = [str(name) for name in self._sheet.row_values(1)]
        lacking = [name for name in self._target.columns if name not in header]
        if header and len(lacking) == len(self._target.columns):
            raise Refusal(
                f"the worksheet {self._sheet.title} holds something else: its first row is"
                f" {', '.join(header)[:80]}. Choose another worksheet_name, or empty it"
            )
        if lacking:
            width = len(header) + len(lacking)
            if self._sheet.col_count < width:
                self._sheet.resize(cols=width)
            first = _gspread().utils.rowcol_to_a1(1, len(header) + 1)
            self._sheet.update([lacking], first, raw=True)
            if not header:
                self._sheet.freeze(rows=1)
        return header + lacking

    # --- its rows

    def _has_names(self) -> bool:
        return "event_id" in self._target.columns or "timestamp" in self._target.columns

    def _in_order(self, row: Mapping[str, Cell]) -> Row:
        return [row.get(name, "") for name in self._header]

    def _padded(self, line: Iterable[Any]) -> tuple[Any, ...]:
        """Return the cells below our columns; what somebody has written beside them does not count."""
        by_name = dict(zip(self._header, line, strict=False))
        return tuple(by_name.get(name, "") for name in self._target.columns)

    def _sorted_out(self, *, writes: bool = False) -> Any:
        _gspread()
        return sorted_out(self._target.sheet_id, str(self._key["client_email"]), writes=writes)


def _gspread() -> Any:
    """Return gspread; importing it takes 150 ms, so only who writes to a sheet does.

    Raises:
        ImportError: it is not installed; the message names the extra.
    """
    try:
        import gspread
    except ImportError as error:
        raise ImportError(
            f'Google Sheets needs gspread ({error}): pip install "hilt-autolog[sheets]"'
        ) from error
    return gspread
