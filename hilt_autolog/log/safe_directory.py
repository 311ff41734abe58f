"""The directory of a log: created when missing, and trusted only if other users cannot plant files in it."""

from __future__ import annotations

import stat

from .syscalls import DIRECTORY, READ_ONLY, Syscalls


class UnsafePathError(Exception):
    """A path that must not be written to.

    Args:
        reason: one word, by which dropped events are counted.
        description: what is wrong, for `hilt doctor`.
    """

    def __init__(self, reason: str, description: str) -> None:
        super().__init__(description)
        self.reason = reason


def make_directories(directory: str) -> None:
    """Create a directory and its missing parents, each with mode 0700.

    Raises:
        OSError: it cannot be created.
    """
    try:
        Syscalls.stat(directory)
    except FileNotFoundError:
        parent = Syscalls.dirname(directory)
        if parent == directory:
            raise
        make_directories(parent)
        try:
            Syscalls.mkdir(directory, 0o700)
        except FileExistsError:  # another process was faster
            return


def open_trusted(directory: str) -> int | None:
    """Open a directory in which a log may be created.

    It must be a real directory (no symbolic link) that belongs to this user or to root, and must not be
    writable by everybody. Root is trusted because it can write anywhere anyway, and because systems provide
    `/var/log/app` that way. It may be writable by a group: that is the default on systems where each user has
    a group of their own.

    Args:
        directory: an absolute path.

    Returns:
        A descriptor to open files relative to, so that nobody can replace the directory after the check;
        `None` on Windows, which has neither such descriptors nor these permissions.

    Raises:
        UnsafePathError: it is not a trusted directory.
        OSError: it cannot be opened.
    """
    if not DIRECTORY:
        return None
    try:
        descriptor = Syscalls.open(directory, READ_ONLY | DIRECTORY)
    except NotADirectoryError:
        raise UnsafePathError("folder", f"not a real directory: {directory}") from None
    state = Syscalls.fstat(descriptor)
    if state.st_uid not in (Syscalls.geteuid(), 0):
        defect = "belongs to another user"
    elif state.st_mode & stat.S_IWOTH:
        defect = "everybody may write to it"
    else:
        return descriptor
    Syscalls.close(descriptor)
    raise UnsafePathError("folder", f"{defect}: {directory}")
