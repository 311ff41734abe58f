"""Choose and open the log file of a process, and wait after a failure before trying again."""

from __future__ import annotations

import errno
from contextlib import suppress
from typing import TYPE_CHECKING

from . import safe_directory
from .append_file import LogFile, LogFileLost, is_torn, open_descriptor
from .file_names import check_template, fill_template, is_generated, numbered_path
from .safe_directory import UnsafePathError
from .syscalls import APPEND, CREATE, EXCLUSIVE, Syscalls

if TYPE_CHECKING:
    from collections.abc import Callable

    from .append_file import LogFile


# The errors of opening a path at which the file no longer exists.
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


class LogFileOpener:
    """Opens the log file of this process, and opens it again when it was lost, closed or deleted.

    Args:
        template: the path, with the fields of `file_names.FIELDS`, relative to `directory`.
        app: the program's name, for `{app}`.
        directory: where a relative template begins; if `None`, the current directory at the first opening.
        run_logs: the file of hilt-run to which each opening adds a line: `<bytes in the log><TAB><its path>`.

    Attributes:
        path: the file that was opened last.

    Raises:
        ValueError: the template has an unknown field.
    """

    def __init__(self, template: str, app: str, directory: str | None, run_logs: str | None) -> None:
        check_template(template)
        self._template = Syscalls.expanduser(template)
        self._generated = is_generated(template)
        self._app = app
        self._directory = directory
        self._run_logs = run_logs
        self.path: str | None = None

    def reset(self) -> None:
        """Give the next file a new name: called in a forked child."""
        self.path = None

    def open(self, last: LogFile | None, first_line: Callable[[], bytes]) -> LogFile:
        """Open the last file again if it still exists; else create a new one (or open the shared one).

        Args:
            last: the file that was written before, closed or lost.
            first_line: returns the first line of a new file.

        Raises:
            UnsafePathError: the directory cannot be trusted, or the path is not a regular file.
            OSError: the file cannot be opened, or its first line cannot be written.
        """
        file = self._reopen(last) or self._open_new(first_line())
        self.path = file.path
        self._add_to_run_logs(file)
        return file

    def _reopen(self, last: LogFile | None) -> LogFile | None:
        if last is None:
            return None
        try:
            return last.reopen()
        except (LogFileLost, UnsafePathError):
            return None
        except OSError as error:
            if error.errno in _GONE:
                return None
            raise

    def _open_new(self, first_line: bytes) -> LogFile:
        path = self.path or self._new_path()
        file = create_exclusive(path) if self._generated else open_shared(path)
        try:
            file.append(first_line)
        except BaseException:
            file.discard()
            raise
        return file

    def _new_path(self) -> str:
        path = fill_template(self._template, self._app)
        if Syscalls.isabs(path):
            return path
        # Kept for a forked child that changes its directory: it still writes to the directory of its parent.
        self._directory = Syscalls.join(Syscalls.getcwd(), self._directory or "")
        return Syscalls.join(self._directory, path)

    def _add_to_run_logs(self, file: LogFile) -> None:
        if self._run_logs is None:
            return
        with suppress(OSError):
            fd = Syscalls.open(self._run_logs, APPEND)  # never created: hilt-run removes it when it ends
            try:
                Syscalls.write(fd, f"{file.size}\t{file.path}\n".encode(errors="surrogateescape"))
            finally:
                Syscalls.close(fd)


_MODE = 0o600
_ATTEMPTS = 1000


def create_exclusive(path: str) -> LogFile:
    """Create a file for this process alone, with the first name that is not taken.

    Raises:
        UnsafePathError: the directory cannot be trusted.
        OSError: it cannot be created.
    """
    directory = Syscalls.dirname(path)
    safe_directory.make_directories(directory)
    directory_fd = safe_directory.open_trusted(directory)
    try:
        for number in range(_ATTEMPTS):
            candidate = numbered_path(path, number)
            with suppress(FileExistsError):
                fd = _create_in(directory_fd, candidate)
                return open_descriptor(fd, candidate, shared=False, is_new=True)
    finally:
        if directory_fd is not None:
            with suppress(OSError):
                Syscalls.close(directory_fd)
    raise FileExistsError(errno.EEXIST, "a thousand files have this name", path)


def _create_in(directory_fd: int | None, path: str) -> int:
    flags = APPEND | CREATE | EXCLUSIVE
    if directory_fd is None:
        return Syscalls.open(path, flags, _MODE)
    name = path[len(Syscalls.dirname(path)) :].lstrip("/")
    return Syscalls.open(name, flags, _MODE, dir_fd=directory_fd)


def open_shared(path: str) -> LogFile:
    """Open or create a file with a name of the program's choice, to which other processes may append.

    Raises:
        UnsafePathError: it is not a regular file.
        OSError: it cannot be opened.
    """
    safe_directory.make_directories(Syscalls.dirname(path))
    file = open_descriptor(Syscalls.open(path, APPEND | CREATE, _MODE), path, shared=True)
    file.torn = is_torn(file)
    return file


_FIRST_DELAY = 1.0  # seconds
_LONGEST_DELAY = 60.0  # seconds


class Backoff:
    """A delay of 1 s after the first failure, doubled by each further one, up to 60 s.

    With a full disk, or without free descriptors, not every event is an attempt.

    Args:
        monotonic: a clock in seconds.

    Attributes:
        reason: the last failure in one word, by which drops are counted; see `describe_error`.
        description: the last failure in words.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._delay = 0.0
        self._until = 0.0
        self.reason = ""
        self.description = ""

    def is_active(self) -> bool:
        """Return whether it is too early to try again."""
        return self._monotonic() < self._until

    def start(self, error: UnsafePathError | LogFileLost | OSError) -> None:
        """Start the delay after a failure, twice as long as the one before it."""
        self._delay = min(self._delay * 2 or _FIRST_DELAY, _LONGEST_DELAY)
        self._until = self._monotonic() + self._delay
        self.reason, self.description = describe_error(error)

    def reset(self) -> None:
        """End the delay after a success; the next one begins at 1 s."""
        self._delay = self._until = 0.0


def describe_error(error: UnsafePathError | LogFileLost | OSError) -> tuple[str, str]:
    """Return an error's reason (an errno's name, `folder`, `not a regular file`) and its description."""
    if isinstance(error, UnsafePathError):
        return error.reason, str(error)
    if isinstance(error, LogFileLost):
        return "EBADF", "the log's descriptor is closed as soon as it is opened"
    path = f": {error.filename}" if error.filename else ""
    return errno.errorcode.get(error.errno or 0, type(error).__name__), f"{error.strerror or error}{path}"
