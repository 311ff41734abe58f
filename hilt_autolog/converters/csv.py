"""Convert a log to CSV (RFC 4180), for spreadsheets and people."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from hilt_autolog.reading.columns import COLUMNS, normalize

from .files import Input, open_input, replace_file
from .flat import Cell, escape_formula, flatten, to_cell, value_at

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from _typeshed import SupportsWrite

    from hilt_autolog.contracts.types import JsonMapping
    from hilt_autolog.reading.reader import Log


METADATA = ("provenance", "privacy", "integrity", "extensions")
"""The fields of an event that `include_metadata` adds."""


def convert_to_csv(
    input_file: Input,
    output_file: str | os.PathLike[str],
    columns: Sequence[str] | None = None,
    readable: bool = True,
    include_metadata: bool = False,
) -> int:
    """Write the events of a log, ordered by time, as CSV with a heading, in UTF-8 without a BOM.

    Args:
        input_file: a file, a directory, a glob, "-", or an opened log; see `hilt_autolog.read`.
        output_file: the file to write. It is replaced when the new one is complete.
        columns: the columns in their order: names of the fifteen of HILT (`hilt_autolog.reading.columns`), or
            paths of keys, such as `metrics.tokens.total`.
        readable: without `columns`: the fifteen, whose messages are cut to 500 characters. If not readable:
            everything, a column for each path of keys that any event has, in order of appearance.
        include_metadata: add a column for each path below provenance, privacy, integrity and extensions.

    Returns:
        How many events were written. Bad lines are skipped and reported: see `converters.files.open_input`.

    Raises:
        FileNotFoundError: there is no such log, or no such directory to write to.
        ValueError: a column is unknown; the message lists the known ones.
        ConversionError: the output is one of the files that are read.
    """
    names = check_column_paths(columns)
    with (
        open_input(input_file) as log,
        replace_file(output_file, log) as path,
        path.open("w", encoding="utf-8", newline="") as stream,
    ):
        return write(log, stream, names, readable=readable, include_metadata=include_metadata)


def write(
    log: Log,
    stream: SupportsWrite[str],
    columns: Sequence[str] | None = None,
    *,
    readable: bool = True,
    include_metadata: bool = False,
) -> int:
    r"""Write the same to a stream that leaves `\r\n` as it is, and return how many events were written."""
    names = list(columns or (COLUMNS if readable else _paths(log)))
    if include_metadata:
        names += [path for path in _paths(log, METADATA) if path not in names]
    writer = csv.writer(stream)
    writer.writerow(map(escape_formula, names))
    count = 0
    for event in map(normalize, log):
        writer.writerow([escape_formula(_cell(event, name)) for name in names])
        count += 1
    return count


def check_column_paths(columns: Iterable[str] | None) -> tuple[str, ...] | None:
    """Return the requested columns.

    Raises:
        ValueError: one is neither a HILT column nor a path that begins with a field of an event.
    """
    if columns is None:
        return None
    from hilt_autolog.event import Event  # loads pydantic, which a call without columns does not need

    names, fields = tuple(columns), tuple(Event.model_fields)
    unknown = [name for name in names if name not in COLUMNS and name.partition(".")[0] not in fields]
    if unknown or not names:
        from hilt_autolog.suggestions import did_you_mean

        hint = did_you_mean(unknown, [*COLUMNS, *fields])
        raise ValueError(
            f"unknown columns: {', '.join(unknown) or 'none is named'}{hint}; known: {', '.join(COLUMNS)};"
            f" and any path of keys that begins with {', '.join(fields)}, such as metrics.tokens.total"
        )
    return names


def _cell(event: JsonMapping, name: str) -> Cell:
    return to_cell(COLUMNS[name](event) if name in COLUMNS else value_at(event, name))


def _paths(log: Log, fields: Sequence[str] = ()) -> list[str]:
    """Return every path that an event has, below these fields or all, in order of appearance."""
    paths: dict[str, None] = {}
    for event in map(normalize, log):
        part = {field: event[field] for field in fields if field in event} if fields else event
        paths.update(dict.fromkeys(path for path, _ in flatten(part)))
    return list(paths)
