"""The Google Sheets API v4, as far as gspread uses it for tables, and Google's door for service accounts."""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from google.auth import jwt

from offline.faults import HangUp
from offline.wire import Answer, Request, Wire, as_json, new_id
from offline.workbook import LONGEST_CELL, Workbook, Worksheet, trimmed

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE = 60.0
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


class Refused(Exception):  # noqa: N818  an answer, not an error of ours
    """The API refuses; `status` and the words go into the answer."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


@dataclass
class Account:
    """A service account: its public key is what tokens are asked with."""

    email: str
    certificate: str


@dataclass
class Google:
    """What the API remembers, and what it will do wrong.

    Attributes:
        quota: Writes, and reads, that an account may make in a minute; None: any number.
        failures: What goes wrong with the next calls, one each: "503", "503 after", "drop", "drop after",
            "429", or "" for nothing; "after" does the work first. Only writes of rows count.
        is_down: Every call of the API fails with 503.
        appended: Of each append that was asked for: when (monotonic seconds), its options, its rows.
    """

    quota: int | None = 60
    workbooks: dict[str, Workbook] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)  # token -> email
    failures: deque[str] = field(default_factory=deque)
    is_down: bool = False
    appended: list[tuple[float, dict[str, str], list[list[Any]]]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    lock: RLock = field(default_factory=RLock)
    _made: dict[tuple[str, bool], deque[float]] = field(default_factory=dict)

    def wire(self) -> Wire:
        """Return the routes of the API."""
        book = r"/v4/spreadsheets/(?P<book>[^/:]+)"
        values = rf"{book}/values/(?P<range>[^/]+?)"
        return Wire(
            routes=(
                ("POST", "/token", self._token),
                ("GET", book, self._checked(self._metadata, needs_edit=False)),
                ("POST", f"{book}:batchUpdate", self._checked(self._batch_update)),
                ("POST", f"{values}:append", self._checked(self._append)),
                ("GET", values, self._checked(self._get, needs_edit=False)),
                ("PUT", values, self._checked(self._update)),
            ),
            headers=lambda: {"server": "ESF"},
            error=lambda status, request: told(status, str(request.body.get("offline_error", "Not found."))),
        )

    # --- who may do what

    def _token(self, request: Request) -> Answer:
        try:
            claimed = jwt.decode(request.body["assertion"], verify=False)
            account = self.accounts.get(claimed["iss"])
            if account is None:
                return as_json(grant("Invalid grant: account not found"), 400)
            jwt.decode(request.body["assertion"], certs=account.certificate)
        except (ValueError, KeyError):
            return as_json(grant("Invalid JWT Signature."), 400)
        token = new_id("ya29.offline")
        self.tokens[token] = account.email
        return as_json({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def _checked(
        self, answer: Callable[[Request, Workbook], Answer], *, needs_edit: bool = True
    ) -> Callable[[Request], Answer]:
        def checked(request: Request) -> Answer:
            with self.lock:
                try:
                    return answer(request, self._book(request, needs_edit=needs_edit))
                except Refused as error:
                    return as_json(told(error.status, str(error)), error.status)
                except LookupError as error:
                    return as_json(told(400, str(error.args[0])), 400)

        return checked

    def _book(self, request: Request, *, needs_edit: bool) -> Workbook:
        self.calls.append(f"{request.method} {unquote(request.path)}")
        if self.is_down:
            raise Refused(503, "The service is currently unavailable.")
        email = self.tokens.get((request.headers.get("authorization") or "").removeprefix("Bearer "))
        if email is None:
            raise Refused(401, "Request had invalid authentication credentials.")
        made = self._made.setdefault((email, needs_edit), deque())
        now = time.monotonic()
        while made and made[0] <= now - MINUTE:
            made.popleft()
        if self.quota is not None and len(made) >= self.quota:
            kind = "Write" if needs_edit else "Read"
            raise Refused(429, f"Quota exceeded for quota metric '{kind} requests' per minute per user")
        made.append(now)
        book = self.workbooks.get(request.body["book"])
        if book is None:
            raise Refused(404, "Requested entity was not found.")
        if email not in book.editors and (needs_edit or email not in book.viewers):
            raise Refused(403, "The caller does not have permission")
        return book

    # --- what is done

    def _metadata(self, _request: Request, book: Workbook) -> Answer:
        sheets = [{"properties": sheet.properties()} for sheet in book.worksheets.values()]
        properties = {"title": "Offline", "locale": "en_US", "timeZone": "Etc/GMT"}
        return as_json({"spreadsheetId": book.identity, "properties": properties, "sheets": sheets})

    def _get(self, request: Request, book: Workbook) -> Answer:
        sheet, area = book.found(unquote(request.body["range"]))
        if max(area.top + 1, area.bottom or 0) > sheet.row_count or area.left >= sheet.column_count:
            raise Refused(400, f"Range ({request.body['range']}) exceeds grid limits.")
        rows = sheet.values(area)
        if request.query.get("valueRenderOption", "FORMATTED_VALUE") == "FORMATTED_VALUE":
            rows = [[cell if isinstance(cell, str) else json.dumps(cell) for cell in row] for row in rows]
        dimension = request.query.get("majorDimension", "ROWS")
        if dimension == "COLUMNS":
            width = max(map(len, rows), default=0)
            rows = [trimmed([row[n] if n < len(row) else "" for row in rows]) for n in range(width)]
        answer = {"range": request.body["range"], "majorDimension": dimension}
        return as_json(answer | ({"values": rows} if rows else {}))

    def _update(self, request: Request, book: Workbook) -> Answer:
        sheet, area = book.found(unquote(request.body["range"]))
        rows = checked_cells(request)
        if area.left + max(map(len, rows)) > sheet.column_count:
            raise Refused(400, f"Range ({sheet.title}) exceeds grid limits.")
        return as_json({"updatedRange": sheet.update(area.top, area.left, rows)})

    def _append(self, request: Request, book: Workbook) -> Answer:
        rows = checked_cells(request)
        self.appended.append((time.monotonic(), request.query, rows))
        failure, _, when = (self.failures.popleft() if self.failures else "").partition(" ")
        if failure and when != "after":
            fail(failure)
        sheet, _ = book.found(unquote(request.body["range"]))
        if book.cells() + len(rows) * sheet.column_count > book.most_cells:
            raise Refused(
                400,
                "This action would increase the number of cells in the workbook above the limit of "
                f"{book.most_cells} cells.",
            )
        where = sheet.append(rows, insert=request.query.get("insertDataOption") == "INSERT_ROWS")
        if failure:
            fail(failure)
        updates = {"spreadsheetId": book.identity, "updatedRange": where, "updatedRows": len(rows)}
        return as_json({"spreadsheetId": book.identity, "updates": updates})

    def _batch_update(self, request: Request, book: Workbook) -> Answer:
        replies = [change(book, *next(iter(asked.items()))) for asked in request.body["requests"]]
        return as_json({"spreadsheetId": book.identity, "replies": replies})


def change(book: Workbook, verb: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Do one thing of a batchUpdate."""
    properties = asked["properties"]
    grid = properties.get("gridProperties", {})
    if verb == "addSheet":
        if properties["title"] in book.worksheets:
            raise Refused(400, f'A sheet with the name "{properties["title"]}" already exists.')
        sheet = book.add(properties["title"], grid["rowCount"], grid["columnCount"])
        return {"addSheet": {"properties": sheet.properties()}}
    found: Worksheet = next(
        sheet for sheet in book.worksheets.values() if sheet.identity == properties["sheetId"]
    )
    found.row_count = grid.get("rowCount", found.row_count)
    found.column_count = grid.get("columnCount", found.column_count)
    found.frozen = grid.get("frozenRowCount", found.frozen)
    return {}


def checked_cells(request: Request) -> list[list[Any]]:
    """Return the values of a request, as the API would store them."""
    rows: list[list[Any]] = request.body["values"]
    for row in rows:
        for cell in row:
            if not isinstance(cell, str | int | float):
                raise Refused(400, "Invalid values: not a cell")
            if isinstance(cell, str) and len(cell) > LONGEST_CELL:
                raise Refused(400, f"Your input contains more than the maximum of {LONGEST_CELL} characters")
    is_raw = request.query.get("valueInputOption") == "RAW"
    return [[cell if is_raw else entered(cell) for cell in row] for row in rows]


def entered(cell: Any) -> Any:
    """Return a cell as if a person had typed it: a text that begins like a formula is run."""
    return "#EXECUTED" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@") else cell


def fail(kind: str) -> None:
    """Fail in this way."""
    if kind == "drop":
        raise HangUp
    raise Refused(int(kind), "as asked for")


def told(status: int, words: str) -> dict[str, Any]:
    """Return the body of an error of the API."""
    return {"error": {"code": status, "message": words, "status": STATUSES.get(status, "UNKNOWN")}}


def grant(words: str) -> dict[str, str]:
    """Return the body of a refused token."""
    return {"error": "invalid_grant", "error_description": words}
