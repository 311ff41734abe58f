"""A spreadsheet through gspread: reached with the key of a service account, and the worksheets of a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import Refusal, sorted_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from .target import Target

LONGEST_SHEET = 500_000  # rows; a spreadsheet holds ten million cells, and is slow long before

_SCOPES = ("https://www.googleapis.com/auth/spreadsheets",)
# Seconds to connect, and to wait for an answer. Google gives a request up after three minutes: one that we
# gave up before might still be done after we have looked whether it was.
_TIMEOUT = (10.0, 190.0)


class Spreadsheet:
    """A spreadsheet.

    Args:
        target: Which one, the name of the worksheets, and how many columns a new one needs.
        key: The key of the service account.
        longest: Rows after which the next worksheet is begun.
    """

    def __init__(self, target: Target, key: Mapping[str, Any], longest: int = LONGEST_SHEET) -> None:
        self._target = target
        self._key = key
        self.longest = longest
        self._book: Any = None

    def connect(self) -> None:
        """Make sure that the spreadsheet can be reached; nothing is changed in it.

        Raises:
            ImportError: gspread is not installed; the message names the extra.
            Refusal, Later: see `failures`.
        """
        if self._book is None:
            with self.sorted_out():
                client = gspread().service_account_from_dict(dict(self._key), scopes=_SCOPES)
                client.set_timeout(_TIMEOUT)
                try:
                    self._book = client.open_by_key(self._target.sheet_id)
                finally:
                    if self._book is None:
                        client.http_client.session.close()

    def close(self) -> None:
        """Close the connections; `connect()` makes new ones."""
        book, self._book = self._book, None
        if book is not None:
            book.client.session.close()

    def worksheets(self) -> dict[str, Any]:
        """Return the worksheets `<name>`, `<name> 2`, ... as far as there are any, by title in this order.

        Raises: what gspread raises; as all below, for use within `sorted_out()`.
        """
        found = {sheet.title: sheet for sheet in self._book.worksheets()}
        known: dict[str, Any] = {}
        for title in self._titles():
            if title not in found:
                break
            known[title] = found[title]
        return known

    def chosen(self) -> Any:
        """Return the first worksheet that is not full; one more, if all are."""
        found = self.worksheets()
        for sheet in found.values():
            if sheet.row_count < self.longest:
                return sheet
        title = next((title for title in self._titles() if title not in found), None)
        if title is None:
            raise Refusal(f"all worksheets {self._target.worksheet} ... are full: choose another name")
        try:
            return self._book.add_worksheet(title, rows=2, cols=len(self._target.columns))
        except gspread().exceptions.APIError as error:
            if "already exists" not in str(error):
                raise
            return self._book.worksheet(title)  # another process was faster

    def sorted_out(self, *, writes: bool = False) -> AbstractContextManager[None]:
        """Return the context in which what gspread raises becomes one of ours; see `failures`."""
        gspread()
        return sorted_out(self._target.sheet_id, str(self._key["client_email"]), writes=writes)

    def _titles(self) -> Iterator[str]:
        yield self._target.worksheet
        for number in range(2, 1000):
            yield f"{self._target.worksheet} {number}"


def gspread() -> Any:
    """Return gspread; importing it takes 150 ms, so only who writes to a sheet does.

    Raises:
        ImportError: it is not installed; the message names the extra.
    """
    try:
        import gspread as package
    except ImportError as error:
        raise ImportError(
            f'Google Sheets needs gspread ({error}): pip install "hilt-autolog[sheets]"'
        ) from error
    return package
