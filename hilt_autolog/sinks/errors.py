"""The errors of a sheet, by how to handle them.

PermanentError       a person has to act; the text says how
RetryLater           nothing was written; the same call may succeed soon
  WriteUnconfirmed   the rows may have been written: read the sheet before the call is repeated
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from hilt_autolog.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BAD_REQUEST, _FORBIDDEN, _NOT_FOUND, _TIMEOUT, _TOO_MANY, _SERVER_ERROR = 400, 403, 404, 408, 429, 500


class PermanentError(SessionError):
    """Google refuses to write until a person does what the text says."""


class RetryLater(Exception):  # noqa: N818  named for how to handle it; no error of the program
    """Nothing was written; the same call may succeed soon."""


class WriteUnconfirmed(RetryLater):
    """The rows may have been written, or not."""


@contextmanager
def translate_errors(sheet_id: str, email: str, *, writes: bool = False) -> Iterator[None]:
    """Turn the exceptions of gspread, requests and google-auth into those of this module.

    Args:
        sheet_id: the spreadsheet, for the text.
        email: the service account, for the text.
        writes: whether the call changes the sheet, so that a broken connection leaves the outcome unknown.

    Raises:
        PermanentError, RetryLater, WriteUnconfirmed: see above.
    """
    import gspread
    import requests
    from google.auth.exceptions import GoogleAuthError, TransportError

    unavailable = WriteUnconfirmed if writes else RetryLater
    try:
        yield
    except TransportError as error:  # there was no access token, so nothing was sent
        raise RetryLater(f"Google cannot be reached: {_short(error)}") from None
    except GoogleAuthError as error:
        raise PermanentError(f"Google does not accept the key of {email}: {_short(error)}") from None
    except (gspread.exceptions.GSpreadException, PermissionError) as error:
        status, text = _status_and_text(error)
        if status == _TOO_MANY:
            raise RetryLater("Google's quota for this minute is used up") from None
        if status == _TIMEOUT or status >= _SERVER_ERROR:
            raise unavailable(f"Google fails with {status}: {text}") from None
        raise PermanentError(_advice(status, text, sheet_id, email)) from None
    except requests.RequestException as error:
        raise unavailable(f"Google cannot be reached: {_short(error)}") from None
    except ValueError as error:  # google-auth raises it for a private key that cannot be parsed
        raise PermanentError(f"the private key of {email} cannot be read: {_short(error)}") from None


def _status_and_text(error: Exception) -> tuple[int, str]:
    """Return the HTTP status and the message of Google's response.

    gspread 6.2 client.py: `open_by_key` raises PermissionError or SpreadsheetNotFound from the APIError that
    has both.
    """
    source: object = error if hasattr(error, "response") else error.__cause__
    response = getattr(source, "response", None)
    text = str(getattr(source, "error", {}).get("message", "")) if response is not None else str(error)
    return getattr(response, "status_code", _BAD_REQUEST), text


def _advice(status: int, text: str, sheet_id: str, email: str) -> str:
    if status == _NOT_FOUND:
        return (
            f"there is no spreadsheet {sheet_id}: its id is in its address, between /d/ and /edit"
            " (has it been deleted?)"
        )
    if status == _FORBIDDEN and "API" in text:  # the Sheets API is disabled in the account's project
        return text
    if status == _FORBIDDEN:
        return f"the spreadsheet {sheet_id} is not shared with {email}: press Share, and make it an editor"
    if "number of cells" in text:
        return f"the spreadsheet {sheet_id} is full: use another one ({text})"
    return f"Google refuses with {status}: {text}"


def _short(error: Exception) -> str:
    """Return an exception's message in one line.

    google-auth 2.63 oauth2/_client.py: RefreshError has the response's body as a second argument.
    """
    text = error.args[0] if error.args and isinstance(error.args[0], str) else error
    return " ".join(str(text).split())[:300] or type(error).__name__
