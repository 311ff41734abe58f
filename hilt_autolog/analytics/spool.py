"""Copies of what DuckDB cannot read by itself, line by line: compressed logs, pipes, rows of columns.

DuckDB reads nothing from a pipe, all or nothing of a damaged .gz, and does not tell that a .zst is
damaged. The reader of this package knows better, so what is not a plain file passes through it, and so does
a log of rows (told by its first line), which become events.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import orjson

from hilt_autolog.io.lines import LONGEST_LINE, event_or_reason, events
from hilt_autolog.io.rows import is_row, told

if TYPE_CHECKING:
    from hilt_autolog.io.lines import Source
    from hilt_autolog.io.reader import Log

_MAGIC = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")  # gzip, zstd
_GLOB = frozenset("*?[")


def is_plain(source: Source) -> bool:
    """Return whether a source is a file that DuckDB reads as it is, and whose name it takes for no glob."""
    if source.content is not None or _GLOB.intersection(source.name) or source.name != _shown(source.name):
        return False
    try:
        with source.open() as file:
            first = file.readline(LONGEST_LINE)
            line = None if first.startswith(_MAGIC) else event_or_reason(first)
            return not (first.startswith(_MAGIC) or (isinstance(line, dict) and is_row(line)))
    except OSError:  # the reader tells why
        return False


def _shown(name: str) -> str:
    """Return a file's name as UTF-8 can say it; others have bytes that are no text."""
    return name.encode(errors="replace").decode()


class Spool:
    """A folder of copies, removed with this object.

    Attributes:
        folder: Its path; nobody else may look into it.
        names: The source's name by the path of its copy, as UTF-8 can say it.
    """

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="hilt-")
        self.folder = self._folder.name
        self.names: dict[str, str] = {}

    def add(self, source: Source, log: Log) -> str:
        """Copy the wanted events of a log's source and return the path of the copy."""
        path = Path(self.folder, f"{len(self.names)}.jsonl")
        takes = log.wanted or (lambda _: True)
        with path.open("wb") as file:
            found = (told(event) for event, *_ in events(source, log.note))
            file.writelines(orjson.dumps(event) + b"\n" for event in found if takes(event))
        self.names[str(path)] = _shown(source.name)
        return str(path)

    def remove(self) -> None:
        """Remove the copies."""
        self._folder.cleanup()
        self.names.clear()
