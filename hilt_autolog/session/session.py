"""A log that the program opens, appends to and reads itself, in a file or in a spreadsheet."""

from __future__ import annotations

import codecs
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from hilt_autolog.errors import SessionError
from hilt_autolog.event import Event
from hilt_autolog.reading.columns import check_columns
from hilt_autolog.reading.lines import ReadProblem
from hilt_autolog.reading.validation import validate_event

from .file_backend import FileBackend

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hilt_autolog.contracts.types import JsonMapping, JsonObject
    from hilt_autolog.reading.lines import LocatedEvent
    from hilt_autolog.reading.reader import Log

    from .sheets_backend import SheetsBackend


_PAUSE = 0.1  # seconds between two reads of a followed log


class Session:
    """A log that a program writes and reads itself.

        with Session("logs/chat.hilt.jsonl") as session:
            session.append(Event(session_id="conv_1", actor=Actor(type="human", id="ada"), action="prompt"))
        for event in Session("logs/", mode="r").read():
            ...

    Any number of threads, sessions and processes may append to one file, whole lines at a time.

    Args:
        backend_or_filepath: a path, or the backend's name, "local" or "sheets". For reading, a path is what
            `hilt_autolog.read` takes: a file, a directory, a glob or "-", also compressed.
        filepath: the path, if the backend's name comes first.
        mode: "a" appends, "w" empties the file when it is opened, "r" only reads.
        create_dirs: create missing directories, with mode 0700.
        encoding: UTF-8 by any of its names; a log has no other.
        backend: the backend's name, if it does not come first.
        sheet_id, credentials_path, credentials_json, worksheet_name: for Google Sheets; see
            `hilt_autolog.session.sheets_backend.SheetsBackend`, also for the errors.
        columns: keep only these columns of each event (see `hilt_autolog.reading.columns`); the whole event,
            if None.

    Attributes:
        filepath: the path as it was given; None for a spreadsheet.
        mode: "a", "w" or "r".
        columns: the columns in their order, or None.
        backend: "local" or "sheets".

    Raises:
        ValueError: an argument is invalid, or two contradict each other.
    """

    def __init__(  # noqa: PLR0913, PLR0917  hilt-python's, so that its users need not change a call
        self,
        backend_or_filepath: str | os.PathLike[str] | None = None,
        filepath: str | os.PathLike[str] | None = None,
        mode: str = "a",
        create_dirs: bool = True,
        encoding: str = "utf-8",
        backend: str | None = None,
        sheet_id: str | None = None,
        credentials_path: str | os.PathLike[str] | None = None,
        credentials_json: JsonMapping | str | None = None,
        worksheet_name: str = "Logs",
        columns: Sequence[str] | None = None,
    ) -> None:
        self.backend, path = parse_arguments(backend_or_filepath, filepath, backend)
        check_mode(mode)
        check_encoding(encoding)
        self.filepath = Path(path) if path else None
        self.mode = mode
        self.columns = None if columns is None else list(check_columns(columns))
        if self.columns == []:
            raise ValueError("no columns are given; None keeps the whole event")
        self._log: Log | None = None
        self._invalid_lines: dict[ReadProblem, None] = {}
        if path is not None:
            self._backend: FileBackend | SheetsBackend = FileBackend(
                path, self.columns, create_dirs=create_dirs
            )
        else:
            from .sheets_backend import SheetsBackend

            self._backend = SheetsBackend(
                sheet_id, credentials_path, credentials_json, worksheet_name, self.columns, mode=mode
            )
            self.columns = self._backend.columns
        self._is_open = False
        self._closed = threading.Event()

    def __repr__(self) -> str:
        return f"Session({self._backend.path!r}, mode={self.mode!r})"

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Open the session, also after `close`; `with` and the first `append` do it by themselves.

        Raises:
            FileNotFoundError: there is nothing to read (mode "r").
            OSError: the file cannot be opened or created.
            SessionError: the path is not a file that lines can be appended to.
        """
        if self.mode == "r":
            self._backend.check_exists()
        else:
            self._backend.open(truncate=self.mode == "w")
        self._is_open = True
        self._closed.clear()

    def close(self) -> None:
        """Close the session: it accepts no more events, and `read(follow=True)` ends."""
        self._is_open = False
        self._closed.set()
        self._backend.close()

    def append(self, event: Event | JsonObject) -> None:
        """Write an event; it is in the file when this returns.

        Args:
            event: an event, or the arguments of one. A value that JSON has no form for becomes text; what is
                nested deeper than readers accept is replaced by a mark.

        Raises:
            ValueError: a dict is not a valid event, or the line would be longer than readers accept (64 MiB).
            OSError: the disk is full, the file cannot be written, ...
            SessionError: the session is closed, or only reads.
        """
        if self.mode == "r":
            raise SessionError(f"the session over {self._backend.path} only reads: its mode is 'r'")
        if isinstance(event, dict):
            event = Event.model_validate(event)
        elif not isinstance(event, Event):
            raise TypeError(f"an Event or a dict is appended, not {type(event).__name__}")
        if not self._is_open:
            if self._closed.is_set():
                raise SessionError(f"the session over {self._backend.path} is closed; open() opens it again")
            self.open()
        self._backend.append(event.to_dict())

    def read(self, *, follow: bool = False) -> Iterator[Event]:
        """Return the events of the log, ordered by time, whether the session is open or not.

        Lines without a valid event are skipped and added to `problems`; `hilt_autolog.read` also returns
        those of them that are JSON objects. Rows of columns become events again, with what the columns hold.

        Args:
            follow: go on with the events that are still to come, also from new files in a directory, until
                the session is closed. Standard input ends by itself.

        Raises:
            FileNotFoundError: there is nothing at the path.
            SessionError: a session that is closed cannot be followed.
        """
        self._invalid_lines = {}
        if follow:
            self._log = None
            return self._validate(self._follow())
        self._log = log = self._backend.log()
        return self._validate(log.located_events())

    @property
    def problems(self) -> list[ReadProblem]:
        """Return what the last `read` has skipped so far; complete once that has come to its end."""
        return sorted({*self._invalid_lines, *(self._log.problems if self._log else ())})

    def messages_of(self, event: Event | JsonObject) -> list[JsonObject]:
        """Return the conversation up to and including an event of this log; see `Log.messages_of`.

        Raises:
            FileNotFoundError: there is nothing at the path.
            LookupError: the log lacks an event that is referred to, or contradicts itself.
        """
        as_dict = event.to_dict() if isinstance(event, Event) else event
        if self._log is not None:
            with suppress(LookupError):  # the log may have grown since it was read
                return self._log.messages_of(as_dict)
        self._log = self._backend.log()
        return self._log.messages_of(as_dict)

    def _follow(self) -> Iterator[LocatedEvent]:
        if self._closed.is_set():
            raise SessionError(f"the session over {self._backend.path} is closed; open() opens it again")
        return self._until_closed(self._backend.follow(self._add_problem))

    def _until_closed(self, events: Iterator[LocatedEvent | None]) -> Iterator[LocatedEvent]:
        for event in events:
            if event is not None and not self._closed.is_set():
                yield event
            elif self._closed.wait(_PAUSE):
                return

    def _add_problem(self, problem: ReadProblem) -> None:
        self._invalid_lines[problem] = None

    def _validate(self, events: Iterator[LocatedEvent]) -> Iterator[Event]:
        for event, file, number in events:
            valid_event = validate_event(event, is_table=self.columns is not None)
            if isinstance(valid_event, str):
                self._add_problem(ReadProblem(file, number, valid_event))
            else:
                yield valid_event


MODES = ("a", "r", "w")
BACKENDS = ("local", "sheets")


def parse_arguments(
    first: str | os.PathLike[str] | None, filepath: str | os.PathLike[str] | None, backend: str | None
) -> tuple[str, str | None]:
    """Return the name of the backend, and its path; a spreadsheet has none.

    Args:
        first: the first positional argument of `Session`: the name of a backend, or a path.
        filepath: the argument of that name.
        backend: the argument of that name.

    Raises:
        ValueError: the arguments contradict each other, or there is no path.
        TypeError: a path is not a text.
    """
    first_name = first if isinstance(first, str) and first in BACKENDS else None
    if first_name and backend not in (None, first_name):
        raise ValueError(f"two backends: {first_name!r} and {backend!r}")
    name = first_name or backend or "local"
    if name not in BACKENDS:
        raise ValueError(f"unknown backend {name!r}; there are {', '.join(BACKENDS)}")
    paths = [os.fspath(path) for path in (None if first_name else first, filepath) if path is not None]
    if len(paths) > 1:
        raise ValueError(f"two paths: {paths[0]!r} and {paths[1]!r}")
    if name == "sheets":
        if paths:
            raise ValueError(f"a session over a spreadsheet has no path, such as {paths[0]!r}")
        return name, None
    if not paths or not paths[0]:
        raise ValueError("a session needs the path of a log")
    if not isinstance(paths[0], str):
        raise TypeError(f"the path of a log is text, not {type(paths[0]).__name__}")
    return name, paths[0]


def check_mode(mode: str) -> None:
    """Raise ValueError for an unknown mode."""
    if mode not in MODES:
        raise ValueError(f"unknown mode {mode!r}; there are {', '.join(MODES)}")


def check_encoding(encoding: str) -> None:
    """Raise ValueError for an encoding that is not a name of UTF-8."""
    try:
        is_utf8 = codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")
    except LookupError:
        is_utf8 = False
    if not is_utf8:
        raise ValueError(f"a HILT log is UTF-8, not {encoding}")
