"""Files that are not there yet: made with nobody else's help, or shared by the program's will."""

from __future__ import annotations

import errno
from contextlib import suppress
from typing import TYPE_CHECKING

from hilt_autolog.io import folder
from hilt_autolog.io.kernel import APPEND, CREATE, EXCLUSIVE, Kernel
from hilt_autolog.io.logfile import is_torn, opened
from hilt_autolog.io.naming import numbered

if TYPE_CHECKING:
    from hilt_autolog.io.logfile import LogFile

_PRIVATE = 0o600
_NAMES = 1000


def create(path: str) -> LogFile:
    """Creates a file of this process's own, under the first name that is free.

    Raises:
        Refused: the folder cannot be trusted.
        OSError: it cannot be created.
    """
    place = Kernel.dirname(path)
    folder.make(place)
    handle = folder.trusted(place)
    try:
        for number in range(_NAMES):
            name = numbered(path, number)
            with suppress(FileExistsError):
                return opened(_create_in(handle, name), name, shared=False, made=True)
    finally:
        if handle is not None:
            with suppress(OSError):
                Kernel.close(handle)
    raise FileExistsError(errno.EEXIST, "a thousand files have this name", path)


def _create_in(handle: int | None, path: str) -> int:
    flags = APPEND | CREATE | EXCLUSIVE
    if handle is None:
        return Kernel.open(path, flags, _PRIVATE)
    return Kernel.open(path[len(Kernel.dirname(path)) :].lstrip("/"), flags, _PRIVATE, dir_fd=handle)


def share(path: str) -> LogFile:
    """Opens the one file that the program named, to append to it beside other processes.

    Raises:
        Refused: it is not a regular file.
        OSError: it cannot be opened.
    """
    folder.make(Kernel.dirname(path))
    file = opened(Kernel.open(path, APPEND | CREATE, _PRIVATE), path, shared=True)
    file.torn = is_torn(file)
    return file
