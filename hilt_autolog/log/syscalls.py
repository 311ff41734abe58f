"""The system calls of the log, as they were when this module was loaded.

Programs replace them: pyfakefs and test suites replace all functions that access files, blockbuster replaces
`os.write` on an event loop. They replace attributes of `os`, and names in other modules that are bound to
those functions, but not the attributes of a class. Therefore the functions are taken from the module below
`os` and kept in a class.
"""

from __future__ import annotations

import sys
import time
from os import path
from typing import TYPE_CHECKING, Any

if sys.platform == "win32":
    import nt as _system
else:
    import posix as _system

if TYPE_CHECKING:
    from collections.abc import Callable


class Syscalls:
    """A namespace, never instantiated. Tests inject faults by replacing its attributes."""

    open = _system.open
    read = _system.read
    write = _system.write
    fstat = _system.fstat
    stat = _system.stat
    lseek = _system.lseek
    ftruncate = _system.ftruncate
    close = _system.close
    mkdir = _system.mkdir
    unlink = _system.unlink
    getcwd = _system.getcwd
    getpid = _system.getpid
    sleep = time.sleep
    # Missing on Windows.
    fstatvfs: Any = getattr(_system, "fstatvfs", None)
    geteuid: Any = getattr(_system, "geteuid", None)

    # Any: typeshed's overloads do not fit a callable.
    dirname: Any = staticmethod(path.dirname)
    expanduser: Any = staticmethod(path.expanduser)
    isabs: Callable[[str], bool] = staticmethod(path.isabs)
    join: Callable[[str, str], str] = staticmethod(path.join)


def _flag(name: str) -> int:
    """Return a flag of `open`, or 0 where the system does not have it."""
    return getattr(_system, name, 0)


# O_NONBLOCK: a FIFO that was planted at the path fails at once instead of blocking the program.
APPEND = (
    _flag("O_WRONLY")
    | _flag("O_APPEND")
    | _flag("O_CLOEXEC")
    | _flag("O_NOINHERIT")
    | _flag("O_NOFOLLOW")
    | _flag("O_NONBLOCK")
    | _flag("O_BINARY")
)
CREATE = _flag("O_CREAT")
EXCLUSIVE = _flag("O_EXCL")
READ_ONLY = (
    _flag("O_RDONLY") | _flag("O_CLOEXEC") | _flag("O_NOINHERIT") | _flag("O_NOFOLLOW") | _flag("O_NONBLOCK")
)
DIRECTORY = _flag("O_DIRECTORY")
