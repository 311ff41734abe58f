"""The backend of `Session(backend="sheets")`: a log on this disk, copied to a Google sheet."""

from __future__ import annotations

import atexit
import os
import warnings
from _thread import allocate_lock
from typing import TYPE_CHECKING

from hilt_autolog.errors import SessionError
from hilt_autolog.log.encoder import encode_json_line
from hilt_autolog.log.file_names import fill_template
from hilt_autolog.reading.columns import COLUMNS
from hilt_autolog.reading.lines import Source
from hilt_autolog.reading.reader import Log
from hilt_autolog.sinks.errors import PermanentError, RetryLater
from hilt_autolog.sinks.mirror import SheetMirror
from hilt_autolog.sinks.rate_limiter import PAUSE
from hilt_autolog.sinks.spreadsheet import Spreadsheet
from hilt_autolog.sinks.target import account_key, sheet_target
from hilt_autolog.sinks.worksheet import Worksheet

from .file_backend import FileBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hilt_autolog.contracts.types import JsonMapping
    from hilt_autolog.reading.lines import LocatedEvent
    from hilt_autolog.sinks.uploader import UploadProgress

SPOOL = "logs/sheets-{app}-{date}-{time}-{session}.hilt.jsonl"


class SheetsBackend:
    """Write events to a log, `logs/sheets-<worksheet>-...hilt.jsonl`, which a thread copies to a sheet.

    An event is on disk, whole, when `append` returns; its row follows within seconds, or when Google can be
    reached again. Events that are not copied before the end are copied by the next session over the same
    spreadsheet in the same folder.

    Args:
        sheet_id: the id of a spreadsheet, or its address; GOOGLE_SHEET_ID if None.
        credentials_path: the file with the key of a service account; GOOGLE_CREDENTIALS_PATH if None.
        credentials_json: the contents of that file, as text or parsed.
        worksheet_name: the title of the worksheet, which is added if there is none.
        columns: the HILT columns, in their order; all fifteen, if None.
        mode: "a"; with "r" no worksheet and no header is created.
        pause: seconds between two calls of the API.

    Raises:
        ValueError: a setting is missing (the message names its variable), or `mode` is "w".
        ImportError: gspread is not installed.
        FileNotFoundError: there is no such key file.
        SessionError: the key, or the spreadsheet with it, cannot be used; the message says what to do.
    """

    def __init__(  # noqa: PLR0913  the arguments of a session, each by its name
        self,
        sheet_id: str | None = None,
        credentials_path: str | os.PathLike[str] | None = None,
        credentials_json: JsonMapping | str | None = None,
        worksheet_name: str = "Logs",
        columns: Iterable[str] | None = None,
        *,
        mode: str = "a",
        pause: float = PAUSE,
    ) -> None:
        if mode == "w":  # it may have rows of other people
            raise ValueError("a spreadsheet is not emptied: its mode is 'a' or 'r'")
        self._target = sheet_target(sheet_id, worksheet_name, columns)
        self._key = account_key(credentials_path, credentials_json)
        spreadsheet = Spreadsheet(self._target, self._key)
        self._sheet = Worksheet(self._target, spreadsheet)
        try:
            spreadsheet.connect()
            if mode != "r":
                self._sheet.open()
        except PermanentError as error:
            raise SessionError(str(error)) from None
        except RetryLater:  # an outage is no reason to stop: events go to the log, and only `log()` fails
            pass
        self._mirror = SheetMirror(self._target, lambda: self._key, pause)
        self._folder = os.getcwd()  # the program may change its current folder before the first event
        self._path: str | None = None
        self._spool: FileBackend | None = None
        self._pid = os.getpid()
        self._lock = allocate_lock()

    @property
    def path(self) -> str:
        """The spreadsheet and the worksheet, as a name for error messages."""
        return f"{self._target.sheet_id}/{self._target.worksheet}"

    @property
    def columns(self) -> list[str]:
        """The columns in their order."""
        return list(self._target.columns)

    def open(self, *, truncate: bool = False) -> None:
        """Do nothing: the first event opens the log."""

    def check_exists(self) -> None:
        """Do nothing: the constructor has checked that there is a spreadsheet."""

    def append(self, event: JsonMapping) -> None:
        """Write an event to the log, from which its row is copied to the sheet.

        Raises:
            OSError, ValueError, SessionError: it is not in the log; see `FileBackend.append`.
        """
        spool = self._open_spool()
        spool.append(event)
        self._mirror.follow(spool.path)

    def log(self) -> Log:
        """Return the rows that the worksheet, and those that follow it, have now, as a log of columns.

        Wait for the rows of events that were appended before, as `close()` does.

        Raises:
            SessionError: the spreadsheet cannot be read.
        """
        self._mirror.drain()
        try:
            header, lines = self._sheet.read_rows()
        except RetryLater as error:
            raise SessionError(f"the spreadsheet cannot be read now: {error}") from None
        rows = [
            {name: value for name, value in zip(header, line, strict=True) if name in COLUMNS and value != ""}
            for line in lines
        ]
        rows.sort(key=lambda row: str(row.get("timestamp", "")))
        return Log([Source(self.path, b"".join(encode_json_line(row) for row in rows if row))])

    def follow(self, _report: object) -> Iterator[LocatedEvent | None]:
        """Raise SessionError: only logs can be followed."""
        raise SessionError(f"the spreadsheet {self.path} cannot be followed, its log on this disk can")

    def progress(self) -> UploadProgress:
        """Return the progress of the copy."""
        return self._mirror.progress()

    def close(self) -> None:
        """Close the log, and wait until the sheet has all of it.

        Issue a RuntimeWarning if the sheet got no new row for half a minute, or Google refuses.
        """
        was_open = self._close_log(self._mirror.finish)
        _, behind, trouble = self._mirror.progress()
        if was_open and behind:
            why = f" ({trouble})" if trouble else ""
            warnings.warn(
                f"{behind} bytes of {self._path} are not in the spreadsheet yet{why}: the next session over"
                " it, started in this folder, sends them",
                RuntimeWarning,
                stacklevel=3,
            )

    def _at_exit(self) -> None:
        """Close a session that the program left open; wait seconds only, as there may be no network."""
        self._close_log(self._mirror.close)

    def _close_log(self, end_copy: Callable[[], None]) -> bool:
        """Close the log, then call `end_copy`; return whether there was a log of this process."""
        atexit.unregister(self._at_exit)
        self._sheet.close()
        spool, self._spool = self._spool, None
        if spool is None or self._pid != os.getpid():
            return False
        spool.close()
        end_copy()
        return True

    def _open_spool(self) -> FileBackend:
        if self._pid != os.getpid():  # a forked child has a log of its own
            self._pid, self._lock, self._path, self._spool = os.getpid(), allocate_lock(), None, None
        with self._lock:
            if self._spool is None:
                self._path = self._path or os.path.join(
                    self._folder, fill_template(SPOOL, self._target.worksheet)
                )
                spool = FileBackend(self._path, None, create_dirs=True)
                spool.open(truncate=False)
                self._spool = spool
                atexit.register(self._at_exit)
            return self._spool
