"""What a `Session(backend="sheets")` writes to and reads from: a log on this disk, and the sheet."""

from __future__ import annotations

import atexit
import os
import warnings
from _thread import allocate_lock
from typing import TYPE_CHECKING, Any

from hilt_autolog.errors import SessionError
from hilt_autolog.log.encoder import encode_json_line
from hilt_autolog.log.file_names import fill_template
from hilt_autolog.reading.columns import COLUMNS
from hilt_autolog.reading.lines import Source
from hilt_autolog.reading.reader import Log
from hilt_autolog.sinks.errors import Refusal, RetryLater
from hilt_autolog.sinks.mirror import SheetMirror
from hilt_autolog.sinks.rate_limiter import PAUSE
from hilt_autolog.sinks.spreadsheet import Spreadsheet
from hilt_autolog.sinks.target import account_key, target
from hilt_autolog.sinks.worksheet import Worksheet

from .file_backend import FileBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from hilt_autolog.reading.lines import LocatedEvent
    from hilt_autolog.sinks.uploader import Progress

SPOOL = "logs/sheets-{app}-{date}-{time}-{session}.hilt.jsonl"


class SheetsBackend:
    """Events in a log, `logs/sheets-<worksheet>-...hilt.jsonl`, which a thread copies to a sheet.

    An event is on disk, whole, when `append` returns; its row follows within seconds, or when Google can be
    reached again. What it does not take before the end is sent by the next session over the same spreadsheet
    in the same folder.

    Args:
        sheet_id: The id of a spreadsheet, or its address; GOOGLE_SHEET_ID if None.
        credentials_path: The file with the key of a service account; GOOGLE_CREDENTIALS_PATH if None.
        credentials_json: What that file holds.
        worksheet_name: The title of the worksheet, made if it is not there.
        columns: The HILT columns, in their order; all fifteen, if None.
        mode: "a"; with "r" no worksheet and no header is made.
        pause: Seconds between two calls of the API.

    Raises:
        ValueError: something is not given (the message names the variable), or `mode` is "w".
        ImportError: gspread is not installed.
        FileNotFoundError: there is no such key.
        SessionError: the key, or the spreadsheet with it, cannot be used; the message says what to do.
    """

    def __init__(  # noqa: PLR0913  the arguments of a session, each by its name
        self,
        sheet_id: str | None = None,
        credentials_path: str | os.PathLike[str] | None = None,
        credentials_json: Mapping[str, Any] | str | None = None,
        worksheet_name: str = "Logs",
        columns: Iterable[str] | None = None,
        *,
        mode: str = "a",
        pause: float = PAUSE,
    ) -> None:
        if mode == "w":  # other people's rows may be in it
            raise ValueError("a spreadsheet is not emptied: its mode is 'a' or 'r'")
        self._target = target(sheet_id, worksheet_name, columns)
        self._key = account_key(credentials_path, credentials_json)
        book = Spreadsheet(self._target, self._key)
        self._sheet = Worksheet(self._target, book)
        try:
            book.connect()
            if mode != "r":
                self._sheet.open()
        except Refusal as error:
            raise SessionError(str(error)) from None
        except RetryLater:  # an outage is no reason to stop: the log takes the events, and `log()` says so
            pass
        self._mirror = SheetMirror(self._target, lambda: self._key, pause)
        self._folder = os.getcwd()  # the log stands here, wherever the program goes meanwhile
        self._path: str | None = None
        self._spool: FileBackend | None = None
        self._pid = os.getpid()
        self._claim = allocate_lock()

    @property
    def path(self) -> str:
        """What errors and problems name it: the spreadsheet and the worksheet."""
        return f"{self._target.sheet_id}/{self._target.worksheet}"

    @property
    def columns(self) -> list[str]:
        """Return the columns in their order."""
        return list(self._target.columns)

    def open(self, *, anew: bool = False) -> None:
        """Do nothing: the first event opens the log."""

    def look(self) -> None:
        """Do nothing: that there is a spreadsheet was seen when this was made."""

    def append(self, event: Mapping[str, Any]) -> None:
        """Write an event to the log, from where its row goes to the sheet.

        Raises:
            OSError, ValueError, SessionError: it is not in the log; see `FileBackend.append`.
        """
        spool = self._opened()
        spool.append(event)
        self._mirror.follow(spool.path)

    def log(self) -> Log:
        """Return what the worksheet, and those that follow it, hold now, as rows of columns in a log.

        What was appended before is waited for, as by `close()`.

        Raises:
            SessionError: the spreadsheet cannot be read.
        """
        self._mirror.drain()
        try:
            header, lines = self._sheet.lines()
        except RetryLater as error:
            raise SessionError(f"the spreadsheet cannot be read now: {error}") from None
        rows = [
            {name: value for name, value in zip(header, line, strict=True) if name in COLUMNS and value != ""}
            for line in lines
        ]
        rows.sort(key=lambda row: str(row.get("timestamp", "")))
        return Log([Source(self.path, b"".join(encode_json_line(row) for row in rows if row))])

    def follow(self, _report: object) -> Iterator[LocatedEvent | None]:
        """Raise SessionError: only logs are followed."""
        raise SessionError(f"the spreadsheet {self.path} cannot be followed, its log on this disk can")

    def progress(self) -> Progress:
        """Return how far the sheet has come."""
        return self._mirror.progress()

    def close(self) -> None:
        """Close the log, and wait until the sheet has all of it.

        Where nothing has arrived there for half a minute, or Google refuses, a RuntimeWarning says so.
        """
        was_open = self._end(self._mirror.finish)
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
        """End a session that nobody has closed; a program must come to its end, also without a network."""
        self._end(self._mirror.close)

    def _end(self, how: Callable[[], None]) -> bool:
        """End the log and its copy, the latter as it is told; return whether there were any."""
        atexit.unregister(self._at_exit)
        self._sheet.close()
        spool, self._spool = self._spool, None
        if spool is None or self._pid != os.getpid():
            return False
        spool.close()
        how()
        return True

    def _opened(self) -> FileBackend:
        if self._pid != os.getpid():  # a forked child has a log of its own
            self._pid, self._claim, self._path, self._spool = os.getpid(), allocate_lock(), None, None
        with self._claim:
            if self._spool is None:
                self._path = self._path or os.path.join(
                    self._folder, fill_template(SPOOL, self._target.worksheet)
                )
                spool = FileBackend(self._path, None, create_dirs=True)
                spool.open(anew=False)
                self._spool = spool
                atexit.register(self._at_exit)
            return self._spool
