"""The copy in Google Sheets: whether it can be written, and what of it is not there yet."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hilt_autolog.log.file_names import fill_template

from . import Finding, ok, warning
from .settings import effective

if TYPE_CHECKING:
    from collections.abc import Iterator


def sheets() -> Iterator[Finding]:
    """Reach the spreadsheet, and look for copies that are not at their end; nothing is changed."""
    settings = effective()
    if settings.sheets is None:
        yield ok("no copy is wanted")
        return
    # Here, because doctor also works where a package is missing that we need ourselves.
    from hilt_autolog.errors import HILTError
    from hilt_autolog.sinks.checkpoint import pending_copies
    from hilt_autolog.sinks.errors import RetryLater
    from hilt_autolog.sinks.spreadsheet import Spreadsheet
    from hilt_autolog.sinks.target import account_key, sheet_target

    try:
        wanted = sheet_target(settings.sheets, chunks=False)
        key = account_key()
        book = Spreadsheet(wanted, key)
        book.connect()
        book.close()
    except (ImportError, OSError, ValueError, HILTError, RetryLater) as error:
        yield warning(f"the copy cannot be written: {error}", sheet_id=settings.sheets)
    else:
        email = key["client_email"]
        yield ok(f"{wanted.sheet_id} can be reached as {email}", sheet_id=wanted.sheet_id, account=email)
    folder = os.path.dirname(os.path.abspath(fill_template(settings.path, "doctor")))
    left = {log: size for log, size in pending_copies(folder).items() if size}
    for log, size in left.items():
        yield warning(
            f"{size} bytes of {log} are not in the spreadsheet yet: its process still copies, or it has ended"
            " (`hilt sheets` sends them)",
            file=log,
            bytes=size,
        )
