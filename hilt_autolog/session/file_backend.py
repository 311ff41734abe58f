"""A session's log on this machine: append whole lines to one file, and read any number of files."""

from __future__ import annotations

import errno
import os
import threading
from typing import TYPE_CHECKING

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
    from collections.abc import Callable, Iterator, Sequence

    from hilt_autolog.contracts.types import JsonMapping, JsonObject
    from hilt_autolog.log.append_file import LogFile
    from hilt_autolog.reading.lines import LocatedEvent, ReadProblem
    from hilt_autolog.reading.reader import Log

_COMPRESSED = (".gz", ".zst")


class FileBackend:
    """The file that a session writes, and the files that it reads.

    Any number of threads and processes may append: each line is one write at the end of the file.

    Args:
        path: a file to write; a file, a directory, a glob or "-" to read.
        columns: keep only these of each event, as a flat row; the whole event, if None.
        create_dirs: create missing directories.

    Attributes:
        path: the path as it was given.
    """

    def __init__(self, path: str, columns: Sequence[str] | None, *, create_dirs: bool) -> None:
        self.path = path
        # Absolute, because a program may change its directory after it has created the session.
        self._absolute_path = path if path == "-" else os.path.abspath(os.path.expanduser(path))
        self._columns = columns
        self._create_dirs = create_dirs
        self._file: LogFile | None = None
        self._pipe_log: Log | None = None  # of what can be read only once
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def open(self, *, truncate: bool) -> None:
        """Open the file to append to it; create it with mode 0600 if it is missing.

        Args:
            truncate: empty it first.

        Raises:
            OSError: it cannot be opened.
            SessionError: it is not a file, or not one that lines can be appended to.
        """
        with self._lock:
            if self._file is None:
                self._file = self._open_file()
                if truncate:
                    os.truncate(self._file.path, 0)
                    self._file.torn = False

    def append(self, event: JsonMapping) -> None:
        """Write an event as one line.

        Raises:
            OSError: the line is not in the file, or not whole; the next one begins on a line of its own.
            ValueError: the line is longer than readers accept.
            SessionError: the session was closed meanwhile.
        """
        content = event if self._columns is None else self._row(event)
        data = encode_line(content)
        if not is_readable(data):
            data = encode_line(to_json_value(content))  # less deep, with a mark where something is left out
        if len(data) > LONGEST_LINE:
            raise ValueError(
                f"an event of {len(data)} bytes, of which no reader takes more than {LONGEST_LINE}"
            )
        try:
            try:
                self._open_log_file().append(data)
            except LogFileLost:  # deleted, moved away, or opened by the parent of this process
                self._reopen().append(data)
        except LogFileLost:
            raise SessionError(f"{self.path} is deleted as soon as it is there") from None
        except OSError as error:
            error.filename = error.filename or self.path
            raise

    def close(self) -> None:
        """Close the file, after the writes that are in progress."""
        with self._lock:
            file, self._file = self._file, None
        if file is not None:
            file.close()

    def check_exists(self) -> None:
        """Raise FileNotFoundError if there is nothing to read."""
        if not is_pipe(self._absolute_path):
            find_sources(self._absolute_path)

    def log(self) -> Log:
        """Return what can be read now; from a pipe, what was read from it the first time.

        Raises:
            FileNotFoundError: there is nothing.
        """
        if self._pipe_log is not None:
            return self._pipe_log
        log = read(self._absolute_path)
        if any(source.content is not None for source in log.sources):
            self._pipe_log = log
        return log

    def follow(self, report: Callable[[ReadProblem], None]) -> Iterator[LocatedEvent | None]:
        """Return what can be read now, and what is added later; see `reading.follow.follow`.

        Raises:
            FileNotFoundError: there is nothing now.
        """
        self.check_exists()
        return follow(self._absolute_path, report=report)

    def _row(self, event: JsonMapping) -> JsonObject:
        row = row_from_event(event, self._columns or ())
        return {name: value for name, value in row.items() if value is not None}

    def _open_log_file(self) -> LogFile:
        if (file := self._file) is None:
            raise SessionError(f"the session over {self.path} is closed")
        return file

    def _reopen(self) -> LogFile:
        if self._pid != os.getpid():  # another thread of the parent may have held the lock
            self._lock, self._pid = threading.Lock(), os.getpid()
        with self._lock:
            before = self._open_log_file()
            if not before.is_same_file():
                self._file = self._open_file()
                before.close()
            return self._open_log_file()

    def _open_file(self) -> LogFile:
        path = os.path.realpath(self._absolute_path)
        if self.path == "-" or any(sign in self.path for sign in "*?"):
            raise SessionError(f"not one file, so it can only be read: {self.path}")
        if path.endswith(_COMPRESSED):
            raise SessionError(f"a compressed log can only be read: {self.path}")
        if not self._create_dirs and not os.path.isdir(os.path.dirname(path)):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.path)
        try:
            file = open_shared(path)
        except UnsafePathError as error:
            raise SessionError(str(error)) from None
        file.use_all_space()
        return file
