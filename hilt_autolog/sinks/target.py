"""Which worksheet of which spreadsheet gets the copy, and the key of the account that may write there."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from hilt_autolog.errors import SessionError
from hilt_autolog.reading.columns import check_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SHEET_ID, CREDENTIALS_PATH = "GOOGLE_SHEET_ID", "GOOGLE_CREDENTIALS_PATH"

_ADDRESS = re.compile(r"/spreadsheets/d/([\w-]+)")
_NEEDED = ("client_email", "private_key", "token_uri")


class Target(NamedTuple):
    """A worksheet, and what of an event stands in it.

    Attributes:
        sheet_id: the spreadsheet.
        worksheet: the title of its worksheet; when that is full, `<title> 2` and so on follow.
        columns: names out of `io.columns.COLUMNS`.
        chunks: whether the deltas of streams get rows.
    """

    sheet_id: str
    worksheet: str
    columns: tuple[str, ...]
    chunks: bool


def target(
    sheet_id: str | None,
    worksheet: str = "Logs",
    columns: Iterable[str] | None = None,
    *,
    chunks: bool = True,
) -> Target:
    """Return a target.

    Args:
        sheet_id: the id of a spreadsheet or its whole address; GOOGLE_SHEET_ID if None.
        worksheet: the title of the worksheet.
        columns: names of columns in their order; all fifteen, if None.
        chunks: whether the deltas of streams get rows.

    Raises:
        ValueError: there is no id, no title, or an unknown column.
    """
    given = (sheet_id or os.environ.get(SHEET_ID) or "").strip()
    if not given:
        raise ValueError(f"sheet_id is needed for Google Sheets: give it, or set {SHEET_ID}")
    if not worksheet.strip():
        raise ValueError("worksheet_name is empty")
    address = _ADDRESS.search(given)
    return Target(address[1] if address else given, worksheet, check_columns(columns), chunks)


def account_key(
    credentials_path: str | os.PathLike[str] | None = None,
    credentials_json: Mapping[str, Any] | str | None = None,
) -> dict[str, Any]:
    """Return the key of a service account.

    Args:
        credentials_path: the file that Google has made for it; GOOGLE_CREDENTIALS_PATH if None.
        credentials_json: its contents, as text or read; it wins over a file.

    Raises:
        ValueError: neither is given.
        FileNotFoundError: there is no such file.
        SessionError: it is no key of a service account.
    """
    import json
    from pathlib import Path

    path = credentials_path or os.environ.get(CREDENTIALS_PATH)
    where = "credentials_json" if credentials_json else str(path)
    try:
        if credentials_json is not None and not isinstance(credentials_json, str):
            key: Any = dict(credentials_json)
        elif credentials_json or path:
            key = json.loads(credentials_json or Path(os.fspath(path or "")).expanduser().read_bytes())
        else:
            raise _no_key()
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {where} with the key of a service account") from None
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise SessionError(f"{where} cannot be read as the key of a service account: {error}") from None
    if not isinstance(key, dict) or not all(isinstance(key.get(name), str) for name in _NEEDED):
        raise SessionError(f"{where} is no key of a service account: it needs {', '.join(_NEEDED)}")
    return key


def _no_key() -> ValueError:
    return ValueError(
        "credentials_path or credentials_json is needed for Google Sheets: give one, or set "
        f"{CREDENTIALS_PATH} to the JSON key of a service account"
    )
