"""A Google spreadsheet through gspread: the connection of a service account, and the series of worksheets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import PermanentError, translate_errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from hilt_autolog.contracts.types import JsonMapping

    from .target import SheetTarget

MAX_SHEET_ROWS = 500_000  # a spreadsheet holds ten million cells, and is slow long before

_SCOPES = ("https://www.googleapis.com/auth/spreadsheets",)
# Seconds to connect, and to wait for a response. Google aborts a request after three minutes. After a shorter
# timeout a request might still be executed, after the sheet was read to find out whether it was.
_TIMEOUT = (10.0, 190.0)


class Spreadsheet:
    """A spreadsheet.

    Args:
        target: which one, the title of the worksheets, and how many columns a new one needs.
        key: the key of the service account.
        max_rows: rows after which the next worksheet is begun.
    """

    def __init__(self, target: SheetTarget, key: JsonMapping, max_rows: int = MAX_SHEET_ROWS) -> None:
        self._target = target
        self._key = key
        self.max_rows = max_rows
        self._spreadsheet: Any = None

    def connect(self) -> None:
        """Make sure that the spreadsheet can be reached; nothing is changed in it.

        Raises:
            ImportError: gspread is not installed; the message names the extra.
            PermanentError, RetryLater: see `errors`.
        """
        if self._spreadsheet is None:
            with self.translate_errors():
                client = import_gspread().service_account_from_dict(dict(self._key), scopes=_SCOPES)
                client.set_timeout(_TIMEOUT)
                try:
                    self._spreadsheet = client.open_by_key(self._target.sheet_id)
                finally:
                    if self._spreadsheet is None:
                        client.http_client.session.close()

    def close(self) -> None:
        """Close the connections; `connect()` opens new ones."""
        spreadsheet, self._spreadsheet = self._spreadsheet, None
        if spreadsheet is not None:
            spreadsheet.client.session.close()

    def worksheets(self) -> dict[str, Any]:
        """Return the existing worksheets `<title>`, `<title> 2`, ... by title, in this order.

        Raises: what gspread raises, as `writable_worksheet` does: call both within `translate_errors()`.
        """
        by_title = {worksheet.title: worksheet for worksheet in self._spreadsheet.worksheets()}
        series: dict[str, Any] = {}
        for title in self._titles():
            if title not in by_title:
                break
            series[title] = by_title[title]
        return series

    def writable_worksheet(self) -> Any:
        """Return the first worksheet of the series that is not full; add one, if all are."""
        worksheets = self.worksheets()
        for worksheet in worksheets.values():
            if worksheet.row_count < self.max_rows:
                return worksheet
        title = next((title for title in self._titles() if title not in worksheets), None)
        if title is None:
            raise PermanentError(f"all worksheets {self._target.worksheet} ... are full: choose another name")
        try:
            return self._spreadsheet.add_worksheet(title, rows=2, cols=len(self._target.columns))
        except import_gspread().exceptions.APIError as error:
            if "already exists" not in str(error):
                raise
            return self._spreadsheet.worksheet(title)  # another process was faster

    def translate_errors(self, *, writes: bool = False) -> AbstractContextManager[None]:
        """Return the context in which gspread's exceptions become ours; see `errors.translate_errors`."""
        import_gspread()
        return translate_errors(self._target.sheet_id, str(self._key["client_email"]), writes=writes)

    def _titles(self) -> Iterator[str]:
        yield self._target.worksheet
        for number in range(2, 1000):
            yield f"{self._target.worksheet} {number}"


def import_gspread() -> Any:
    """Return gspread. Importing it takes 150 ms, so only a process that writes to a sheet does.

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
