"""The folder of a log: made when it is missing, and trusted only if nobody else can plant files in it."""

from __future__ import annotations

import stat

from .syscalls import DIRECTORY, READ_ONLY, Syscalls


class UnsafePathError(Exception):
    """A place that must not be written to.

    Args:
        reason: The word under which drops are counted.
        words: What is wrong, for `hilt doctor`.
    """

    def __init__(self, reason: str, words: str) -> None:
        super().__init__(words)
        self.reason = reason


def make_directories(folder: str) -> None:
    """Makes a folder and those above it that are missing, all of them 0700.

    Raises:
        OSError: it cannot be made.
    """
    try:
        Syscalls.stat(folder)
    except FileNotFoundError:
        above = Syscalls.dirname(folder)
        if above == folder:
            raise
        make_directories(above)
        try:
            Syscalls.mkdir(folder, 0o700)
        except FileExistsError:  # another process was faster
            return


def open_trusted(folder: str) -> int | None:
    """Opens a folder in which a log may be created.

    It must be a real directory (no symbolic link) that belongs to us or to root, and that not everybody may
    write to. Root is trusted because it can do all of this anyway, and because systems hand out
    `/var/log/app` so. A group may write to it: that is the rule on systems where each user has a group of
    their own.

    Args:
        folder: An absolute path.

    Returns:
        A descriptor to open files relative to, so that nobody can exchange the folder after the check; `None`
        on Windows, which has neither these descriptors nor these permissions.

    Raises:
        Refused: it is not such a folder.
        OSError: it cannot be opened.
    """
    if not DIRECTORY:
        return None
    try:
        handle = Syscalls.open(folder, READ_ONLY | DIRECTORY)
    except NotADirectoryError:
        raise UnsafePathError("folder", f"not a real directory: {folder}") from None
    found = Syscalls.fstat(handle)
    if found.st_uid not in (Syscalls.geteuid(), 0):
        wrong = "belongs to another user"
    elif found.st_mode & stat.S_IWOTH:
        wrong = "everybody may write to it"
    else:
        return handle
    Syscalls.close(handle)
    raise UnsafePathError("folder", f"{wrong}: {folder}")
