"""The input and the output of a conversion: a log, and a file that is replaced only by a whole new one."""

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
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_LOGGER = logging.getLogger("hilt_autolog")

Input = str | os.PathLike[str] | Log
"""What can be converted: a source for `hilt_autolog.read`, or a log that it has returned."""


@contextmanager
def open_input(input_file: Input) -> Iterator[Log]:
    """Return a context manager of the log to convert.

    Args:
        input_file: a log, whose `problems` the caller reads; or a source, and then each problem is a warning
            of the logger `hilt_autolog` after the conversion.
    """
    if isinstance(input_file, Log):
        yield input_file
        return
    log = read(input_file)
    yield log
    for problem in log.problems:
        _LOGGER.warning("%s:%d: %s", *problem)


@contextmanager
def replace_file(output: str | os.PathLike[str], log: Log) -> Iterator[Path]:
    """Provide the path of a new file beside `output`, and replace `output` by it at the end.

    After an exception the new file is removed, and `output` stays as it was. The new file can be read by this
    user only, like a log.

    Raises:
        ConversionError: `output` is one of the files of `log`, or not a file.
        FileNotFoundError: its directory does not exist.
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
        # The error of a full disk names no file, that of a read-only directory names the temporary file.
        if error.errno in _DISK_FULL or str(error.filename).endswith(_PART):
            error.filename, error.filename2 = os.fspath(output), None
        raise
    finally:
        if name is not None:
            with suppress(FileNotFoundError):
                os.unlink(name)
