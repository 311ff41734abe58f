"""A spreadsheet as the Sheets API knows it: worksheets of cells, addressed in A1 notation."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

A1 = re.compile(r"(?P<left>[A-Z]*)(?P<top>\d*)(?::(?P<right>[A-Z]*)(?P<bottom>\d*))?")
MOST_CELLS = 10_000_000  # in one spreadsheet
LONGEST_CELL = 50_000  # characters

Row = list[Any]


class Area(NamedTuple):
    """A range of cells: from the first, counted from 0, to before the last; None: to the end."""

    top: int
    left: int
    bottom: int | None
    right: int | None


@dataclass
class Worksheet:
    """One worksheet."""

    title: str
    identity: int
    row_count: int = 1000
    column_count: int = 26
    frozen: int = 0
    rows: list[Row] = field(default_factory=list)

    def values(self, area: Area) -> list[Row]:
        """Return the cells of an area without the empty ones at the ends of rows, and of the area."""
        found = [trimmed(row[area.left : area.right]) for row in self.rows[area.top : area.bottom]]
        while found and not found[-1]:
            found.pop()
        return found

    def update(self, top: int, left: int, rows: list[Row]) -> str:
        """Write rows with their upper left corner at a cell, and return the range."""
        for number, row in enumerate(rows, top):
            self.rows += [[] for _ in range(number + 1 - len(self.rows))]
            here = self.rows[number]
            here += [""] * (left + len(row) - len(here))
            here[left : left + len(row)] = row
        self._grow()
        return self.range(top, left, rows)

    def append(self, rows: list[Row], *, insert: bool) -> str:
        """Write rows after the table at A1: up to the first row that is blank. Return their range."""
        end = next((number for number, row in enumerate(self.rows) if not trimmed(row)), len(self.rows))
        if insert:
            self.rows[end:end] = [[] for _ in rows]
            self.row_count += len(rows)
        return self.update(end, 0, rows)

    def range(self, top: int, left: int, rows: list[Row]) -> str:
        """Return the name of a range."""
        last = letters(left + max((len(row) for row in rows), default=1))
        return f"'{self.title}'!{letters(left + 1)}{top + 1}:{last}{top + len(rows)}"

    def properties(self) -> dict[str, Any]:
        """Return what the API tells of it."""
        grid = {"rowCount": self.row_count, "columnCount": self.column_count}
        return {
            "sheetId": self.identity,
            "title": self.title,
            "index": self.identity,
            "sheetType": "GRID",
            "gridProperties": grid | ({"frozenRowCount": self.frozen} if self.frozen else {}),
        }

    def _grow(self) -> None:
        self.row_count = max(self.row_count, len(self.rows))
        self.column_count = max(self.column_count, *(len(row) for row in self.rows))


@dataclass
class Workbook:
    """A spreadsheet; `editors` and `viewers` are whom it is shared with."""

    identity: str
    editors: set[str] = field(default_factory=set)
    viewers: set[str] = field(default_factory=set)
    most_cells: int = MOST_CELLS
    worksheets: dict[str, Worksheet] = field(default_factory=dict)

    def add(self, title: str, rows: int = 1000, columns: int = 26) -> Worksheet:
        """Add a worksheet."""
        identity = max((sheet.identity for sheet in self.worksheets.values()), default=-1) + 1
        self.worksheets[title] = Worksheet(title, identity, rows, columns)
        return self.worksheets[title]

    def found(self, name: str) -> tuple[Worksheet, Area]:
        """Return the worksheet and the cells that a range names.

        Raises:
            LookupError: there is no such worksheet.
        """
        title, _, cells = name.rpartition("!") if "!" in name else (name, "", "")
        title = title[1:-1].replace("''", "'") if title.startswith("'") else title
        if title not in self.worksheets:
            raise LookupError(f"Unable to parse range: {name}")
        found = A1.fullmatch(cells)
        if found is None:
            raise LookupError(f"Unable to parse range: {name}")
        left, top, right, bottom = found["left"], found["top"], found["right"], found["bottom"]
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


def trimmed(row: Row) -> Row:
    """Return a row without the empty cells at its end."""
    end = len(row)
    while end and row[end - 1] == "":
        end -= 1
    return row[:end]
