"""What a conversion reads and writes: the log, and a file that is there when it is whole, or not at all."""

from __future__ import annotations

import errno
import logging
import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hilt_autolog.errors import ConversionError
from hilt_autolog.reading.reader import Log, read

if TYPE_CHECKING:
    from collections.abc import Iterator

_PART = ".part"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_LOGGER = logging.getLogger("hilt_autolog")

Input = str | os.PathLike[str] | Log
"""What is converted: whatever `hilt_autolog.read` takes, or a log that it has returned."""


@contextmanager
def open_log(given: Input) -> Iterator[Log]:
    """Give the log that is meant; of one opened here, say at the end what could not be read.

    Whoever hands in a log finds that in its `problems`; for anybody else each bad line is a warning of the
    logger `hilt_autolog`.
    """
    if isinstance(given, Log):
        yield given
        return
    log = read(given)
    yield log
    for problem in log.problems:
        _LOGGER.warning("%s:%d: %s", *problem)


@contextmanager
def replace_file(output: str | os.PathLike[str], log: Log) -> Iterator[Path]:
    """Give the path of a new file beside `output`, which takes its place when it has been written.

    If anything is raised meanwhile, the new file is removed, and what was there stays as it was. It can be
    read by this user only, as logs are.

    Raises:
        ConversionError: `output` is one of the files that are read, or no file.
        FileNotFoundError: its folder does not exist.
        OSError: it cannot be written, e.g. on a full disk; the error names `output`.
    """
    target = Path(os.path.realpath(output))
    if any(
        source.content is None and Path(os.path.realpath(source.name)) == target for source in log.sources
    ):
        raise ConversionError(f"{output} is what is to be converted: name another file to write")
    if target.exists() and not target.is_file():
        raise ConversionError(f"{output} is not a file that could be replaced")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"no such folder: {target.parent}")
    name = None
    try:
        descriptor, name = tempfile.mkstemp(_PART, f".{target.name[:100]}.", target.parent)
        os.close(descriptor)
        yield Path(name)
        os.replace(name, target)
    except OSError as error:
        # A full disk names no file, and a folder that cannot be written to one that nobody has heard of.
        if error.errno in _FULL or str(error.filename).endswith(_PART):
            error.filename, error.filename2 = os.fspath(output), None
        raise
    finally:
        if name is not None:
            with suppress(FileNotFoundError):
                os.unlink(name)
