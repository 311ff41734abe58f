"""Convert a log to Parquet: a compressed file with typed columns, for queries."""

from __future__ import annotations

from glob import escape
from typing import TYPE_CHECKING

from hilt_autolog.analytics.duck import Counts, Database, import_duckdb, sql_string
from hilt_autolog.errors import ConversionError

from .files import Input, open_input, replace_file

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from duckdb import DuckDBPyConnection

COMPRESSIONS = {"snappy": "snappy", "zstd": "zstd", "gzip": "gzip", "none": "uncompressed"}
"""The compressions by name, with their names in DuckDB."""

_GROUP_SIZE = 4_096  # events that each core buffers; larger groups take more memory, and more time


def convert_to_parquet(
    input_file: Input, output_file: str | os.PathLike[str], compression: str = "snappy"
) -> int:
    """Write the events of a log as one Parquet file with the columns of the view `events`.

    The schema is always the same. `event` holds each whole event, as JSON. Several cores write groups of
    events in any order: order by `timestamp` when reading.

    Args:
        input_file: a file, a directory, a glob, "-", or an opened log; see `hilt_autolog.read`.
        output_file: the file to write. It is replaced when the new one is complete.
        compression: `snappy`, as in HILT; `zstd` (smaller, slower), `gzip` or `none`.

    Returns:
        How many events were written. Bad lines are skipped and reported: see `converters.files.open_input`.

    Raises:
        FileNotFoundError: there is no such log, or no such directory to write to.
        ValueError: the compression is unknown.
        ConversionError: DuckDB is not installed (the extra `analytics`), or cannot write the output; or the
            output is one of the files that are read.
    """
    if compression not in COMPRESSIONS:
        raise ValueError(f"unknown compression {compression!r}; there are {', '.join(COMPRESSIONS)}")
    with open_input(input_file) as log, replace_file(output_file, log) as path:
        database = Database(log, may_write=True)
        try:
            return database.run(lambda connection: _copy(connection, path, compression))
        except import_duckdb().Error as error:  # e.g. the disk is full
            raise ConversionError(f"{output_file}: {error}") from error
        finally:
            database.close()


def _copy(connection: DuckDBPyConnection, path: Path, compression: str) -> tuple[int, Counts]:
    target = sql_string(str(path))
    connection.execute("SET preserve_insertion_order = false").fetchall()
    connection.execute(
        f"COPY events TO {target} (FORMAT parquet, COMPRESSION {COMPRESSIONS[compression]},"
        f" ROW_GROUP_SIZE {_GROUP_SIZE}, USE_TMP_FILE false)"
    ).fetchall()
    source = sql_string(escape(str(path)))  # read_parquet takes a glob
    count = f"SELECT file, count(*) FROM read_parquet({source}) GROUP BY file"  # noqa: S608  constants and quoted paths
    accepted = dict(connection.execute(count).fetchall())
    return sum(accepted.values()), Counts(accepted, is_accepted=True)
