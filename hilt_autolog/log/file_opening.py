"""Which file a process writes to, and how it comes to be open."""

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


# What opening the old path says when it is not the old file any more.
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


class LogFileOpener:
    """Opens the log file of this process: the first time, and again when it was lost, closed or deleted.

    Args:
        template: The path; see `naming`. Relative to `folder`.
        app: The program's name, for `{app}`.
        folder: The current directory at the first opening, if `None`.
        run_logs: The file that gets a line for each opening: `<bytes in the log><TAB><its path>`.

    Attributes:
        path: The file that was opened last.

    Raises:
        ValueError: the template has an unknown field.
    """

    def __init__(self, template: str, app: str, folder: str | None, run_logs: str | None) -> None:
        check_template(template)
        self._template = Syscalls.expanduser(template)
        self._generated = is_generated(template)
        self._app = app
        self._folder = folder
        self._run_logs = run_logs
        self.path: str | None = None

    def forget(self) -> None:
        """The next file gets a new name: this is another process."""
        self.path = None

    def open(self, last: LogFile | None, first: Callable[[], bytes]) -> LogFile:
        """Opens the file that was written last, if it is still there; else a new one (or the shared one).

        Args:
            last: The file before, closed or lost.
            first: Makes the line that a file begins with.

        Raises:
            Refused: the place cannot be trusted, or is not a file.
            OSError: the file cannot be opened, or does not take its first line.
        """
        file = self._again(last) or self._anew(first())
        self.path = file.path
        self._note(file)
        return file

    def _again(self, last: LogFile | None) -> LogFile | None:
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

    def _anew(self, first: bytes) -> LogFile:
        path = self.path or self._place()
        file = create_exclusive(path) if self._generated else open_shared(path)
        try:
            file.append(first)
        except BaseException:
            file.discard()
            raise
        return file

    def _place(self) -> str:
        path = fill_template(self._template, self._app)
        if Syscalls.isabs(path):
            return path
        # Kept, so that a child that changed its directory before its first event writes beside its parent.
        self._folder = Syscalls.join(Syscalls.getcwd(), self._folder or "")
        return Syscalls.join(self._folder, path)

    def _note(self, file: LogFile) -> None:
        if self._run_logs is None:
            return
        with suppress(OSError):
            fd = Syscalls.open(self._run_logs, APPEND)  # only where hilt-run still waits for it
            try:
                Syscalls.write(fd, f"{file.size}\t{file.path}\n".encode(errors="surrogateescape"))
            finally:
                Syscalls.close(fd)


_PRIVATE = 0o600
_NAMES = 1000


def create_exclusive(path: str) -> LogFile:
    """Creates a file of this process's own, under the first name that is free.

    Raises:
        Refused: the folder cannot be trusted.
        OSError: it cannot be created.
    """
    place = Syscalls.dirname(path)
    safe_directory.make_directories(place)
    handle = safe_directory.open_trusted(place)
    try:
        for number in range(_NAMES):
            name = numbered_path(path, number)
            with suppress(FileExistsError):
                return open_descriptor(_create_in(handle, name), name, shared=False, made=True)
    finally:
        if handle is not None:
            with suppress(OSError):
                Syscalls.close(handle)
    raise FileExistsError(errno.EEXIST, "a thousand files have this name", path)


def _create_in(handle: int | None, path: str) -> int:
    flags = APPEND | CREATE | EXCLUSIVE
    if handle is None:
        return Syscalls.open(path, flags, _PRIVATE)
    return Syscalls.open(path[len(Syscalls.dirname(path)) :].lstrip("/"), flags, _PRIVATE, dir_fd=handle)


def open_shared(path: str) -> LogFile:
    """Opens the one file that the program named, to append to it beside other processes.

    Raises:
        Refused: it is not a regular file.
        OSError: it cannot be opened.
    """
    safe_directory.make_directories(Syscalls.dirname(path))
    file = open_descriptor(Syscalls.open(path, APPEND | CREATE, _PRIVATE), path, shared=True)
    file.torn = is_torn(file)
    return file
