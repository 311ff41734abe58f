"""The log of a session on this machine: whole lines appended to one file, and read from any number."""

from __future__ import annotations

import errno
import os
import threading
from typing import TYPE_CHECKING, Any

from hilt_autolog.errors import SessionError
from hilt_autolog.log.append_file import LogFileLost
from hilt_autolog.log.encoder import encode_line, to_json_value
from hilt_autolog.log.file_opening import open_shared
from hilt_autolog.log.safe_directory import UnsafePathError
from hilt_autolog.reading.columns import row_from_event
from hilt_autolog.reading.follow import follow, is_pipe
from hilt_autolog.reading.lines import LONGEST_LINE, find_sources, is_readable
from hilt_autolog.reading.reader import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hilt_autolog.log.append_file import LogFile
    from hilt_autolog.reading.lines import LocatedEvent, ReadProblem
    from hilt_autolog.reading.reader import Log

_COMPRESSED = (".gz", ".zst")


class FileBackend:
    """The file that a session writes, and the files that it reads.

    Any number of threads and processes may append: each line is one write at the end of the file.

    Args:
        path: A file to write; a file, a folder, a glob or "-" to read.
        columns: Keep only these of each event, as a flat row; all of it, if None.
        create_dirs: Make the folders that are missing.
    """

    def __init__(self, path: str, columns: Sequence[str] | None, *, create_dirs: bool) -> None:
        self.path = path
        # A program may change its directory: the log stays where it was when the session was made.
        self._place = path if path == "-" else os.path.abspath(os.path.expanduser(path))
        self._columns = columns
        self._create_dirs = create_dirs
        self._file: LogFile | None = None
        self._once: Log | None = None
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def open(self, *, anew: bool) -> None:
        """Open the file to append to it, made with mode 0600 if it is not there; empty it first if `anew`.

        Raises:
            OSError: it cannot be opened.
            SessionError: it is no file, or none that lines can be appended to.
        """
        with self._lock:
            if self._file is None:
                self._file = self._opened()
                if anew:
                    os.truncate(self._file.path, 0)
                    self._file.torn = False

    def append(self, event: Mapping[str, Any]) -> None:
        """Write an event as one line.

        Raises:
            OSError: the line is not in the file, or not whole; the next one begins on a line of its own.
            ValueError: the line is longer than readers take.
            SessionError: the session was closed meanwhile.
        """
        said = event if self._columns is None else self._row(event)
        data = encode_line(said)
        if not is_readable(data):
            data = encode_line(to_json_value(said))  # shallower, with a mark where something is left out
        if len(data) > LONGEST_LINE:
            raise ValueError(
                f"an event of {len(data)} bytes, of which no reader takes more than {LONGEST_LINE}"
            )
        try:
            try:
                self._current().append(data)
            except LogFileLost:  # deleted, moved away, or opened by the parent of this process
                self._again().append(data)
        except LogFileLost:
            raise SessionError(f"{self.path} is deleted as soon as it is there") from None
        except OSError as error:
            error.filename = error.filename or self.path
            raise

    def close(self) -> None:
        """Close the file, once what is being written is written."""
        with self._lock:
            file, self._file = self._file, None
        if file is not None:
            file.close()

    def look(self) -> None:
        """Make sure that there is something to be read.

        Raises:
            FileNotFoundError: there is nothing.
        """
        if not is_pipe(self._place):
            find_sources(self._place)

    def log(self) -> Log:
        """Return what is there now to be read; what can be read only once, as it was read then.

        Raises:
            FileNotFoundError: there is nothing.
        """
        if self._once is not None:
            return self._once
        log = read(self._place)
        if any(source.content is not None for source in log.sources):
            self._once = log
        return log

    def follow(self, report: Callable[[ReadProblem], None]) -> Iterator[LocatedEvent | None]:
        """Return what is there now, and what comes; see `following.follow`.

        Raises:
            FileNotFoundError: there is nothing now.
        """
        self.look()
        return follow(self._place, report=report)

    def _row(self, event: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: value
            for name, value in row_from_event(event, self._columns or ()).items()
            if value is not None
        }

    def _current(self) -> LogFile:
        if (file := self._file) is None:
            raise SessionError(f"the session over {self.path} is closed")
        return file

    def _again(self) -> LogFile:
        if self._pid != os.getpid():  # another thread of the parent may have held the lock
            self._lock, self._pid = threading.Lock(), os.getpid()
        with self._lock:
            before = self._current()
            if not before.is_same_file():
                self._file = self._opened()
                before.close()
            return self._current()

    def _opened(self) -> LogFile:
        path = os.path.realpath(self._place)
        if self.path == "-" or any(sign in self.path for sign in "*?"):
            raise SessionError(f"not one file, so it can only be read: {self.path}")
        if path.endswith(_COMPRESSED):
            raise SessionError(f"a compressed log can only be read: {self.path}")
        if not self._create_dirs and not os.path.isdir(os.path.dirname(path)):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.path)
        try:
            file = open_shared(path)
        except UnsafePathError as refused:
            raise SessionError(str(refused)) from None
        file.use_all_space()
        return file
