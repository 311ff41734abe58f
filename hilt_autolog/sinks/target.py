"""The worksheet that gets the copy, and the key of the service account that writes there."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from hilt_autolog.errors import SessionError
from hilt_autolog.reading.columns import check_columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hilt_autolog.contracts.types import JsonMapping, JsonObject

SHEET_ID, CREDENTIALS_PATH = "GOOGLE_SHEET_ID", "GOOGLE_CREDENTIALS_PATH"

_ADDRESS = re.compile(r"/spreadsheets/d/([\w-]+)")
_REQUIRED = ("client_email", "private_key", "token_uri")


class SheetTarget(NamedTuple):
    """A worksheet, and which parts of an event it shows.

    Attributes:
        sheet_id: The spreadsheet.
        worksheet: The title of its worksheet; when that is full, `<title> 2` and so on follow.
        columns: Names out of `reading.columns.COLUMNS`.
        chunks: Whether the deltas of streams get rows.
    """

    sheet_id: str
    worksheet: str
    columns: tuple[str, ...]
    chunks: bool


def sheet_target(
    sheet_id: str | None,
    worksheet: str = "Logs",
    columns: Iterable[str] | None = None,
    *,
    chunks: bool = True,
) -> SheetTarget:
    """Return a target, its values completed and checked.

    Args:
        sheet_id: the id of a spreadsheet or its whole address; GOOGLE_SHEET_ID if None.
        worksheet: the title of the worksheet.
        columns: names of columns in their order; all fifteen, if None.
        chunks: whether the deltas of streams get rows.

    Raises:
        ValueError: there is no id, no title, or an unknown column.
    """
    id_or_address = (sheet_id or os.environ.get(SHEET_ID) or "").strip()
    if not id_or_address:
        raise ValueError(f"sheet_id is needed for Google Sheets: give it, or set {SHEET_ID}")
    if not worksheet.strip():
        raise ValueError("worksheet_name is empty")
    address = _ADDRESS.search(id_or_address)
    return SheetTarget(address[1] if address else id_or_address, worksheet, check_columns(columns), chunks)


def account_key(
    credentials_path: str | os.PathLike[str] | None = None,
    credentials_json: JsonMapping | str | None = None,
) -> JsonObject:
    """Return the key of a service account.

    Args:
        credentials_path: the key file from Google; GOOGLE_CREDENTIALS_PATH if None.
        credentials_json: the file's contents, as text or parsed; it takes precedence over a file.

    Raises:
        ValueError: there is neither.
        FileNotFoundError: there is no such file.
        SessionError: it is no key of a service account.
    """
    import json
    from pathlib import Path

    path = credentials_path or os.environ.get(CREDENTIALS_PATH)
    source = "credentials_json" if credentials_json else str(path)
    try:
        if credentials_json is not None and not isinstance(credentials_json, str):
            key: object = dict(credentials_json)
        elif credentials_json or path:
            key = json.loads(credentials_json or Path(os.fspath(path or "")).expanduser().read_bytes())
        else:
            raise ValueError(
                "credentials_path or credentials_json is needed for Google Sheets: give one, or set "
                f"{CREDENTIALS_PATH} to the JSON key of a service account"
            )
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {source} with the key of a service account") from None
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise SessionError(f"{source} cannot be read as the key of a service account: {error}") from None
    if not isinstance(key, dict) or not all(isinstance(key.get(name), str) for name in _REQUIRED):
        raise SessionError(f"{source} is no key of a service account: it needs {', '.join(_REQUIRED)}")
    return key
