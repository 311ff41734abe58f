"""What can go wrong with a sheet, sorted by what is to be done about it.

Refusal    a person has to do something; the text says what
Later      nothing was written; the same may work soon
Unsure     it may have been written, or not: look before it is tried again
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hilt_autolog.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BAD, _DENIED, _UNKNOWN, _TIMEOUT, _TOO_MANY, _SERVER = 400, 403, 404, 408, 429, 500


class Refusal(SessionError):  # noqa: N818  as below
    """Google does not let us write, until a person does what the text says."""


class RetryLater(Exception):  # noqa: N818  it says what to do; it is no error of the program
    """Nothing was written; the same may work soon."""


class WriteUnconfirmed(RetryLater):
    """It may have been written, or not."""


@contextmanager
def sorted_out(sheet_id: str, email: str, *, writes: bool = False) -> Iterator[None]:
    """Turn what gspread, requests and google-auth raise into one of ours.

    Args:
        sheet_id: the spreadsheet, for the text.
        email: the service account, for the text.
        writes: the call changes the sheet, so that a broken connection leaves us unsure.

    Raises:
        Refusal, Later, Unsure: see above.
    """
    import gspread
    import requests
    from google.auth.exceptions import GoogleAuthError, TransportError

    broken = WriteUnconfirmed if writes else RetryLater
    try:
        yield
    except TransportError as error:  # no token was to be had, so nothing was sent
        raise RetryLater(f"Google cannot be reached: {_short(error)}") from None
    except GoogleAuthError as error:
        raise Refusal(f"Google does not accept the key of {email}: {_short(error)}") from None
    except (gspread.exceptions.GSpreadException, PermissionError) as error:
        status, words = _answer(error)
        if status == _TOO_MANY:
            raise RetryLater("Google's quota for this minute is used up") from None
        if status == _TIMEOUT or status >= _SERVER:
            raise broken(f"Google fails with {status}: {words}") from None
        raise Refusal(_advice(status, words, sheet_id, email)) from None
    except requests.RequestException as error:
        raise broken(f"Google cannot be reached: {_short(error)}") from None
    except ValueError as error:  # of google-auth: the key is no key
        raise Refusal(f"the private key of {email} cannot be read: {_short(error)}") from None


def _answer(error: Exception) -> tuple[int, str]:
    """Return the status and the words of an answer; gspread hides both behind other exceptions."""
    found: Any = error if hasattr(error, "response") else error.__cause__
    response = getattr(found, "response", None)
    words = str(getattr(found, "error", {}).get("message", "")) if response is not None else str(error)
    return getattr(response, "status_code", _BAD), words


def _advice(status: int, words: str, sheet_id: str, email: str) -> str:
    if status == _UNKNOWN:
        return (
            f"there is no spreadsheet {sheet_id}: its id stands in its address, between /d/ and /edit"
            " (has it been deleted?)"
        )
    if status == _DENIED and "API" in words:  # it is switched off in the account's project
        return words
    if status == _DENIED:
        return f"the spreadsheet {sheet_id} is not shared with {email}: press Share, and make it an editor"
    if "number of cells" in words:
        return f"the spreadsheet {sheet_id} is full: use another one ({words})"
    return f"Google refuses with {status}: {words}"


def _short(error: Exception) -> str:
    """Return the words of an exception in one line; google-auth puts the answer's body behind them."""
    words = error.args[0] if error.args and isinstance(error.args[0], str) else error
    return " ".join(str(words).split())[:300] or type(error).__name__
