"""The copy in Google Sheets: whether it can be written, and what is still missing in it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hilt_autolog.log.file_names import fill_template

from . import Finding, ok, warning
from .settings import effective_settings

if TYPE_CHECKING:
    from collections.abc import Iterator


def check_sheets() -> Iterator[Finding]:
    """Connect to the spreadsheet, and look for incomplete copies; nothing is changed."""
    settings = effective_settings()
    if settings.sheets is None:
        yield ok("no copy is wanted")
        return
    # Imported here, because doctor also runs where a required package is missing.
    from hilt_autolog.errors import HILTError
    from hilt_autolog.sinks.checkpoint import pending_copies
    from hilt_autolog.sinks.errors import RetryLater
    from hilt_autolog.sinks.spreadsheet import Spreadsheet
    from hilt_autolog.sinks.target import account_key, sheet_target

    try:
        sheet = sheet_target(settings.sheets, chunks=False)
        key = account_key()
        spreadsheet = Spreadsheet(sheet, key)
        spreadsheet.connect()
        spreadsheet.close()
    except (ImportError, OSError, ValueError, HILTError, RetryLater) as error:
        yield warning(f"the copy cannot be written: {error}", sheet_id=settings.sheets)
    else:
        email = key["client_email"]
        yield ok(f"{sheet.sheet_id} can be reached as {email}", sheet_id=sheet.sheet_id, account=email)
    folder = os.path.dirname(os.path.abspath(fill_template(settings.path, "doctor")))
    missing = {log: size for log, size in pending_copies(folder).items() if size}
    for log, size in missing.items():
        yield warning(
            f"{size} bytes of {log} are not in the spreadsheet yet: its process still copies, or it has ended"
            " (`hilt sheets` sends them)",
            file=log,
            bytes=size,
        )
