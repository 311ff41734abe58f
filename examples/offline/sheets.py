"""The Google Sheets API v4, as far as gspread uses it for tables, and the tokens of service accounts."""

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
from offline.wire import Request, Response, Wire, as_json, new_id
from offline.workbook import MAX_CELL_LENGTH, Workbook, Worksheet, trim

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


class ApiError(Exception):
    """An error response of the API, with its `status` and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Account:
    """A service account; the certificate of its public key verifies requests for tokens."""

    email: str
    certificate: str


@dataclass
class Google:
    """The state of the API, and the failures to simulate.

    Attributes:
        quota: Writes, and reads, that an account may make in a minute; None: any number.
        failures: The failures of the next appends, one each: "503", "503 after", "drop", "drop after",
            "429", or "" for none; "after" appends the rows first.
        is_down: Whether every call of the API fails with 503.
        appended: The append calls: time (monotonic seconds), options, rows.
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
    _call_times: dict[tuple[str, bool], deque[float]] = field(default_factory=dict)

    def wire(self) -> Wire:
        """Return the routes of the API."""
        book = r"/v4/spreadsheets/(?P<book>[^/:]+)"
        values = rf"{book}/values/(?P<range>[^/]+?)"
        return Wire(
            routes=(
                ("POST", "/token", self._token),
                ("GET", book, self._authorized(self._metadata, needs_edit=False)),
                ("POST", f"{book}:batchUpdate", self._authorized(self._batch_update)),
                ("POST", f"{values}:append", self._authorized(self._append)),
                ("GET", values, self._authorized(self._get, needs_edit=False)),
                ("PUT", values, self._authorized(self._update)),
            ),
            headers=lambda: {"server": "ESF"},
            error=lambda status, request: error_body(
                status, str(request.body.get("offline_error", "Not found."))
            ),
        )

    # --- authorization

    def _token(self, request: Request) -> Response:
        try:
            claims = jwt.decode(request.body["assertion"], verify=False)
            account = self.accounts.get(claims["iss"])
            if account is None:
                return as_json(grant_error("Invalid grant: account not found"), 400)
            jwt.decode(request.body["assertion"], certs=account.certificate)
        except (ValueError, KeyError):
            return as_json(grant_error("Invalid JWT Signature."), 400)
        token = new_id("ya29.offline")
        self.tokens[token] = account.email
        return as_json({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def _authorized(
        self, handler: Callable[[Request, Workbook], Response], *, needs_edit: bool = True
    ) -> Callable[[Request], Response]:
        def handle(request: Request) -> Response:
            with self.lock:
                try:
                    return handler(request, self._authorize(request, needs_edit=needs_edit))
                except ApiError as error:
                    return as_json(error_body(error.status, str(error)), error.status)
                except LookupError as error:
                    return as_json(error_body(400, str(error.args[0])), 400)

        return handle

    def _authorize(self, request: Request, *, needs_edit: bool) -> Workbook:
        self.calls.append(f"{request.method} {unquote(request.path)}")
        if self.is_down:
            raise ApiError(503, "The service is currently unavailable.")
        email = self.tokens.get((request.headers.get("authorization") or "").removeprefix("Bearer "))
        if email is None:
            raise ApiError(401, "Request had invalid authentication credentials.")
        times = self._call_times.setdefault((email, needs_edit), deque())
        now = time.monotonic()
        while times and times[0] <= now - MINUTE:
            times.popleft()
        if self.quota is not None and len(times) >= self.quota:
            kind = "Write" if needs_edit else "Read"
            raise ApiError(429, f"Quota exceeded for quota metric '{kind} requests' per minute per user")
        times.append(now)
        book = self.workbooks.get(request.body["book"])
        if book is None:
            raise ApiError(404, "Requested entity was not found.")
        if email not in book.editors and (needs_edit or email not in book.viewers):
            raise ApiError(403, "The caller does not have permission")
        return book

    # --- operations

    def _metadata(self, _request: Request, book: Workbook) -> Response:
        sheets = [{"properties": sheet.properties()} for sheet in book.worksheets.values()]
        properties = {"title": "Offline", "locale": "en_US", "timeZone": "Etc/GMT"}
        return as_json({"spreadsheetId": book.id, "properties": properties, "sheets": sheets})

    def _get(self, request: Request, book: Workbook) -> Response:
        sheet, area = book.locate(unquote(request.body["range"]))
        if max(area.top + 1, area.bottom or 0) > sheet.row_count or area.left >= sheet.column_count:
            raise ApiError(400, f"Range ({request.body['range']}) exceeds grid limits.")
        rows = sheet.values(area)
        if request.query.get("valueRenderOption", "FORMATTED_VALUE") == "FORMATTED_VALUE":
            rows = [[cell if isinstance(cell, str) else json.dumps(cell) for cell in row] for row in rows]
        dimension = request.query.get("majorDimension", "ROWS")
        if dimension == "COLUMNS":
            width = max(map(len, rows), default=0)
            rows = [trim([row[n] if n < len(row) else "" for row in rows]) for n in range(width)]
        answer = {"range": request.body["range"], "majorDimension": dimension}
        return as_json(answer | ({"values": rows} if rows else {}))

    def _update(self, request: Request, book: Workbook) -> Response:
        sheet, area = book.locate(unquote(request.body["range"]))
        rows = stored_cells(request)
        if area.left + max(map(len, rows)) > sheet.column_count:
            raise ApiError(400, f"Range ({sheet.title}) exceeds grid limits.")
        return as_json({"updatedRange": sheet.update(area.top, area.left, rows)})

    def _append(self, request: Request, book: Workbook) -> Response:
        rows = stored_cells(request)
        self.appended.append((time.monotonic(), request.query, rows))
        failure, _, when = (self.failures.popleft() if self.failures else "").partition(" ")
        if failure and when != "after":
            fail(failure)
        sheet, _ = book.locate(unquote(request.body["range"]))
        if book.cells() + len(rows) * sheet.column_count > book.max_cells:
            raise ApiError(
                400,
                "This action would increase the number of cells in the workbook above the limit of "
                f"{book.max_cells} cells.",
            )
        updated_range = sheet.append(rows, insert=request.query.get("insertDataOption") == "INSERT_ROWS")
        if failure:
            fail(failure)
        updates = {"spreadsheetId": book.id, "updatedRange": updated_range, "updatedRows": len(rows)}
        return as_json({"spreadsheetId": book.id, "updates": updates})

    def _batch_update(self, request: Request, book: Workbook) -> Response:
        replies = [change(book, *next(iter(item.items()))) for item in request.body["requests"]]
        return as_json({"spreadsheetId": book.id, "replies": replies})


def change(book: Workbook, kind: str, item: dict[str, Any]) -> dict[str, Any]:
    """Make one change of a batchUpdate, and return the reply to it."""
    properties = item["properties"]
    grid = properties.get("gridProperties", {})
    if kind == "addSheet":
        if properties["title"] in book.worksheets:
            raise ApiError(400, f'A sheet with the name "{properties["title"]}" already exists.')
        sheet = book.add(properties["title"], grid["rowCount"], grid["columnCount"])
        return {"addSheet": {"properties": sheet.properties()}}
    worksheet: Worksheet = next(
        sheet for sheet in book.worksheets.values() if sheet.id == properties["sheetId"]
    )
    worksheet.row_count = grid.get("rowCount", worksheet.row_count)
    worksheet.column_count = grid.get("columnCount", worksheet.column_count)
    worksheet.frozen = grid.get("frozenRowCount", worksheet.frozen)
    return {}


def stored_cells(request: Request) -> list[list[Any]]:
    """Return the values of a request, as the API would store them."""
    rows: list[list[Any]] = request.body["values"]
    for row in rows:
        for cell in row:
            if not isinstance(cell, str | int | float):
                raise ApiError(400, "Invalid values: not a cell")
            if isinstance(cell, str) and len(cell) > MAX_CELL_LENGTH:
                raise ApiError(
                    400, f"Your input contains more than the maximum of {MAX_CELL_LENGTH} characters"
                )
    is_raw = request.query.get("valueInputOption") == "RAW"
    return [[cell if is_raw else user_entered(cell) for cell in row] for row in rows]


def user_entered(cell: Any) -> Any:
    """Return a cell as USER_ENTERED stores it: a text that begins like a formula is executed."""
    return "#EXECUTED" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@") else cell


def fail(kind: str) -> None:
    """Fail with an HTTP status, or "drop" the connection."""
    if kind == "drop":
        raise HangUp
    raise ApiError(int(kind), "simulated")


def error_body(status: int, message: str) -> dict[str, Any]:
    """Return the body of an error response of the API."""
    return {"error": {"code": status, "message": message, "status": STATUSES.get(status, "UNKNOWN")}}


def grant_error(description: str) -> dict[str, str]:
    """Return the body of the response that denies a token."""
    return {"error": "invalid_grant", "error_description": description}
