"""A spreadsheet as the Sheets API knows it: worksheets of cells, addressed in A1 notation."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

A1 = re.compile(r"(?P<left>[A-Z]*)(?P<top>\d*)(?::(?P<right>[A-Z]*)(?P<bottom>\d*))?")
MAX_CELLS = 10_000_000  # in one spreadsheet
MAX_CELL_LENGTH = 50_000  # characters

Row = list[Any]


class Area(NamedTuple):
    """A range of cells: indices from 0, ends exclusive; None is the end of the worksheet."""

    top: int
    left: int
    bottom: int | None
    right: int | None


@dataclass
class Worksheet:
    """One worksheet."""

    title: str
    id: int
    row_count: int = 1000
    column_count: int = 26
    frozen: int = 0
    rows: list[Row] = field(default_factory=list)

    def values(self, area: Area) -> list[Row]:
        """Return the cells of an area, without empty cells at the ends of rows, and empty rows at its end."""
        rows = [trim(row[area.left : area.right]) for row in self.rows[area.top : area.bottom]]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def update(self, top: int, left: int, rows: list[Row]) -> str:
        """Write rows with their upper left corner at a cell, and return the range."""
        for number, row in enumerate(rows, top):
            self.rows += [[] for _ in range(number + 1 - len(self.rows))]
            cells = self.rows[number]
            cells += [""] * (left + len(row) - len(cells))
            cells[left : left + len(row)] = row
        self._grow()
        return self.range(top, left, rows)

    def append(self, rows: list[Row], *, insert: bool) -> str:
        """Write rows after the table at A1: up to the first row that is blank. Return their range."""
        end = next((number for number, row in enumerate(self.rows) if not trim(row)), len(self.rows))
        if insert:
            self.rows[end:end] = [[] for _ in rows]
            self.row_count += len(rows)
        return self.update(end, 0, rows)

    def range(self, top: int, left: int, rows: list[Row]) -> str:
        """Return the name of a range."""
        last = letters(left + max((len(row) for row in rows), default=1))
        return f"'{self.title}'!{letters(left + 1)}{top + 1}:{last}{top + len(rows)}"

    def properties(self) -> dict[str, Any]:
        """Return the properties of the worksheet, as in the API."""
        grid = {"rowCount": self.row_count, "columnCount": self.column_count}
        return {
            "sheetId": self.id,
            "title": self.title,
            "index": self.id,
            "sheetType": "GRID",
            "gridProperties": grid | ({"frozenRowCount": self.frozen} if self.frozen else {}),
        }

    def _grow(self) -> None:
        self.row_count = max(self.row_count, len(self.rows))
        self.column_count = max(self.column_count, *(len(row) for row in self.rows))


@dataclass
class Workbook:
    """A spreadsheet; `editors` and `viewers` are the accounts that it is shared with."""

    id: str
    editors: set[str] = field(default_factory=set)
    viewers: set[str] = field(default_factory=set)
    max_cells: int = MAX_CELLS
    worksheets: dict[str, Worksheet] = field(default_factory=dict)

    def add(self, title: str, rows: int = 1000, columns: int = 26) -> Worksheet:
        """Add a worksheet."""
        sheet_id = max((sheet.id for sheet in self.worksheets.values()), default=-1) + 1
        self.worksheets[title] = Worksheet(title, sheet_id, rows, columns)
        return self.worksheets[title]

    def locate(self, name: str) -> tuple[Worksheet, Area]:
        """Return the worksheet and the cells that a range names.

        Raises:
            LookupError: there is no such worksheet.
        """
        title, _, cells = name.rpartition("!") if "!" in name else (name, "", "")
        title = title[1:-1].replace("''", "'") if title.startswith("'") else title
        if title not in self.worksheets:
            raise LookupError(f"Unable to parse range: {name}")
        match = A1.fullmatch(cells)
        if match is None:
            raise LookupError(f"Unable to parse range: {name}")
        left, top, right, bottom = match["left"], match["top"], match["right"], match["bottom"]
        return self.worksheets[title], Area(
            int(top or 1) - 1, column(left) - 1 if left else 0, last(bottom), column(right) if right else None
        )

    def cells(self) -> int:
        """Return how many cells there are, empty or not."""
        return sum(sheet.row_count * sheet.column_count for sheet in self.worksheets.values())


def last(number: str | None) -> int | None:
    """Return the end of a range of rows."""
    return int(number) if number else None


def column(name: str) -> int:
    """Return the number of a column, from 1."""
    number = 0
    for letter in name:
        number = number * 26 + ord(letter) - 64
    return number


def letters(number: int) -> str:
    """Return the name of a column."""
    name = ""
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(65 + rest) + name
    return name


def trim(row: Row) -> Row:
    """Return a row without the empty cells at its end."""
    end = len(row)
    while end and row[end - 1] == "":
        end -= 1
    return row[:end]
