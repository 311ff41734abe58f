"""A log in the program's own hands, on this disk or in a spreadsheet: opened, appended to, read."""

from __future__ import annotations

import codecs
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from hilt_autolog.errors import SessionError
from hilt_autolog.event import Event
from hilt_autolog.reading.columns import check_columns
from hilt_autolog.reading.lines import ReadProblem
from hilt_autolog.reading.validation import validate_event

from .file_backend import FileBackend

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hilt_autolog.contracts.types import JsonObject as Message
    from hilt_autolog.reading.lines import LocatedEvent
    from hilt_autolog.reading.reader import Log

    from .sheets_backend import SheetsBackend


_PAUSE = 0.1  # seconds between two looks at a log that is followed


class Session:
    """A log that a program writes and reads itself.

        with Session("logs/chat.hilt.jsonl") as session:
            session.append(Event(session_id="conv_1", actor=Actor(type="human", id="ada"), action="prompt"))
        for event in Session("logs/", mode="r").read():
            ...

    Any number of threads, sessions and processes may append to one file, whole lines at a time.

    Args:
        backend_or_filepath: A path, or the word "local" or "sheets". To read, a path is what
            `hilt_autolog.read` takes: a file, a folder, a glob or "-", also compressed.
        filepath: The path, if the word comes first.
        mode: "a" appends, "w" empties the file when it is opened, "r" only reads.
        create_dirs: Make the folders that are missing, with mode 0700.
        encoding: UTF-8 by any of its names; a log has no other.
        backend: The word, if it does not come first.
        sheet_id, credentials_path, credentials_json, worksheet_name: For Google Sheets; see
            `hilt_autolog.session.sheets_backend.SheetsBackend`, also for what they raise.
        columns: Keep only these columns of each event (see `hilt_autolog.reading.columns`), or all of it.

    Attributes:
        filepath: The path as it was given; None for a spreadsheet.
        mode: "a", "w" or "r".
        columns: The columns in their order, or None.
        backend: "local" or "sheets".

    Raises:
        ValueError: an argument is not understood, or two contradict each other.
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
        credentials_json: Mapping[str, Any] | str | None = None,
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
            raise ValueError("no columns are chosen; None keeps the whole event")
        self._log: Log | None = None
        self._refused: dict[ReadProblem, None] = {}
        if path is not None:
            self._local: FileBackend | SheetsBackend = FileBackend(
                path, self.columns, create_dirs=create_dirs
            )
        else:
            from .sheets_backend import SheetsBackend

            self._local = SheetsBackend(
                sheet_id, credentials_path, credentials_json, worksheet_name, self.columns, mode=mode
            )
            self.columns = self._local.columns
        self._is_open = False
        self._closed = threading.Event()

    def __repr__(self) -> str:
        return f"Session({self._local.path!r}, mode={self.mode!r})"

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Open the session, also one that was closed; `with` and the first `append` do it by themselves.

        Raises:
            FileNotFoundError: there is nothing to read (mode "r").
            OSError: the file cannot be opened or made.
            SessionError: what is there is not a file that lines can be appended to.
        """
        if self.mode == "r":
            self._local.look()
        else:
            self._local.open(anew=self.mode == "w")
        self._is_open = True
        self._closed.clear()

    def close(self) -> None:
        """Close the session: it takes no more events, and whoever follows it comes to an end."""
        self._is_open = False
        self._closed.set()
        self._local.close()

    def append(self, event: Event | dict[str, Any]) -> None:
        """Write an event; it is in the file when this returns.

        Args:
            event: An event, or the arguments of one. What JSON has no form for becomes text, and where it
                is nested deeper than readers go, a mark says that something is left out.

        Raises:
            ValueError: a dict is no valid event, or the line would be longer than readers take (64 MiB).
            OSError: the disk is full, the file cannot be written, ...
            SessionError: the session is closed, or only reads.
        """
        if self.mode == "r":
            raise SessionError(f"the session over {self._local.path} only reads: its mode is 'r'")
        if isinstance(event, dict):
            event = Event.model_validate(event)
        elif not isinstance(event, Event):
            raise TypeError(f"an Event or a dict is appended, not {type(event).__name__}")
        if not self._is_open:
            if self._closed.is_set():
                raise SessionError(f"the session over {self._local.path} is closed; open() opens it again")
            self.open()
        self._local.append(event.to_dict())

    def read(self, *, follow: bool = False) -> Iterator[Event]:
        """Return the events that are there, ordered by time; it does not matter whether the session is open.

        Lines that hold no valid event are passed over, and told in `problems`; `hilt_autolog.read` gives
        also those that are JSON. Rows of columns are events again, which say what the columns told.

        Args:
            follow: Go on with those that are still to come, also from files that are new in a folder, until
                the session is closed. Standard input ends by itself.

        Raises:
            FileNotFoundError: there is nothing at the path.
            SessionError: a session that is closed cannot be followed.
        """
        self._refused = {}
        if follow:
            self._log = None
            return self._validated(self._followed())
        self._log = log = self._local.log()
        return self._validated(log.located_events())

    @property
    def problems(self) -> list[ReadProblem]:
        """Return what the last `read` has passed over so far; all of it, once that has come to its end."""
        return sorted({*self._refused, *(self._log.problems if self._log else ())})

    def messages_of(self, event: Event | dict[str, Any]) -> list[Message]:
        """Return every message that an event of this log stands for; see `Log.messages_of`.

        Raises:
            FileNotFoundError: there is nothing at the path.
            LookupError: the log lacks an event that is referred to, or contradicts itself.
        """
        whole = event.to_dict() if isinstance(event, Event) else event
        if self._log is not None:
            with suppress(LookupError):  # the log may have grown since it was read
                return self._log.messages_of(whole)
        self._log = self._local.log()
        return self._log.messages_of(whole)

    def _followed(self) -> Iterator[LocatedEvent]:
        if self._closed.is_set():
            raise SessionError(f"the session over {self._local.path} is closed; open() opens it again")
        return self._until_closed(self._local.follow(self._note))

    def _until_closed(self, events: Iterator[LocatedEvent | None]) -> Iterator[LocatedEvent]:
        for event in events:
            if event is not None and not self._closed.is_set():
                yield event
            elif self._closed.wait(_PAUSE):
                return

    def _note(self, problem: ReadProblem) -> None:
        self._refused[problem] = None

    def _validated(self, events: Iterator[LocatedEvent]) -> Iterator[Event]:
        for event, file, number in events:
            judged = validate_event(event, is_table=self.columns is not None)
            if isinstance(judged, str):
                self._note(ReadProblem(file, number, judged))
            else:
                yield judged


MODES = ("a", "r", "w")
BACKENDS = ("local", "sheets")


def parse_arguments(
    first: str | os.PathLike[str] | None, filepath: str | os.PathLike[str] | None, backend: str | None
) -> tuple[str, str | None]:
    """Return the backend that the arguments mean, and its path; a spreadsheet has none.

    Raises:
        ValueError: they contradict each other, or say nothing.
        TypeError: a path is no text.
    """
    word = first if isinstance(first, str) and first in BACKENDS else None
    if word and backend not in (None, word):
        raise ValueError(f"two backends: {word!r} and {backend!r}")
    name = word or backend or "local"
    if name not in BACKENDS:
        raise ValueError(f"unknown backend {name!r}; there are {', '.join(BACKENDS)}")
    paths = [os.fspath(path) for path in (None if word else first, filepath) if path is not None]
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
    """Raise ValueError for a mode that there is not."""
    if mode not in MODES:
        raise ValueError(f"unknown mode {mode!r}; there are {', '.join(MODES)}")


def check_encoding(encoding: str) -> None:
    """Raise ValueError for an encoding that is not UTF-8 by one of its names."""
    try:
        is_utf8 = codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")
    except LookupError:
        is_utf8 = False
    if not is_utf8:
        raise ValueError(f"a HILT log is UTF-8, not {encoding}")
