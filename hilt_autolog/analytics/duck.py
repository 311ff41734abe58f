"""Read the files of a log by DuckDB: their lines as they are, and the view `events` with typed columns.

DuckDB reads plain files itself, on all cores. It silently skips a line that is not JSON, so the skipped lines
are counted, located and reported as the reader reports them.
"""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from hilt_autolog.errors import ConversionError
from hilt_autolog.reading.lines import LONGEST_LINE

from . import columns
from .spool import Spool, is_plain, refused_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from duckdb import DuckDBPyConnection

    from hilt_autolog.reading.lines import ReadProblem, Source

    from .spool import EventLog

Result = TypeVar("Result")


class Counts(NamedTuple):
    """How many lines of each file DuckDB has refused; or accepted, where that is cheaper to count.

    Attributes:
        lines: the counts, by the file's path.
        is_accepted: whether they are of accepted lines.
    """

    lines: Mapping[str, int]
    is_accepted: bool = False

    def problems(self, source: Source, path: str) -> list[ReadProblem] | None:
        """Return the refused lines of a file; None, if the reader would have accepted one of them."""
        count = self.lines.get(path, 0)
        if self.is_accepted:
            return refused_lines(source, lambda bad, lines: lines - bad == count)
        return refused_lines(source, lambda bad, _: bad == count) if count else []


REFUSED = "json IS NULL OR NOT starts_with(json, '{')"  # of `lines`: not JSON, or not an object
_COUNT_REFUSED = f"SELECT file, count(*) FROM lines WHERE {REFUSED} GROUP BY file"  # noqa: S608  constants and quoted paths
_USUAL_LINE = 16 * 2**20  # the first limit in bytes; DuckDB allocates several such buffers for each core
# In errors about a longer line, and (before DuckDB 2) about a line that goes on after its object.
_LINE_ERRORS = ("maximum_object_size", "Malformed JSON")
_CONFIG = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
_PAUSE = 0.1  # seconds between two reports of a query's progress
_NO_LINES = "SELECT NULL::JSON AS json, NULL::VARCHAR AS filename WHERE false"


def is_installed() -> bool:
    """Return whether DuckDB is installed."""
    return find_spec("duckdb") is not None


def import_duckdb() -> Any:
    """Return the module of DuckDB.

    Raises:
        ConversionError: it is not installed; the message says how to install it.
    """
    try:
        import duckdb
    except ImportError:
        raise ConversionError(
            'this needs DuckDB, which is not installed: pip install "hilt-autolog[analytics]"'
        ) from None
    return duckdb


class Database:
    """A connection to DuckDB with two views of a log: `lines` (json, file) and `events` (see `columns`).

    Times are in UTC. Queries can read nothing but the files of the log, and write nothing, unless
    `may_write`.

    Args:
        log: the log.
        may_write: whether queries may write files.

    Attributes:
        connection: the connection; it exists during and after `run`.

    Raises:
        ConversionError: DuckDB is not installed.
    """

    def __init__(self, log: EventLog, *, may_write: bool = False) -> None:
        self._duckdb = import_duckdb()
        self._log = log
        self._may_write = may_write
        self._spool = Spool()
        self._attempts = [partial(self._open, longest=size) for size in (_USUAL_LINE, LONGEST_LINE)]
        self._attempts.append(partial(self._open, longest=LONGEST_LINE, copy_all=True))
        self._direct: dict[str, Source] = {}
        self.connection: DuckDBPyConnection

    def run(self, operation: Callable[[DuckDBPyConnection], tuple[Result, Counts]]) -> Result:
        """Return the result of an operation, which is called again where the log must be read in another way.

        Args:
            operation: returns its result, and how many lines of which file were refused.

        Raises:
            duckdb.Error: the operation fails.
        """
        for attempt in self._attempts:
            attempt()
            try:
                result, counts = self._run_in_thread(operation)
            except self._duckdb.Error as error:
                if attempt is self._attempts[-1] or not self._is_about_lines(error):
                    raise
                continue
            if self._report_refused(counts):
                return result
        raise ConversionError("DuckDB refuses lines that this package has written")

    def _run_in_thread(self, operation: Callable[[DuckDBPyConnection], Result]) -> Result:
        """Return the operation's result; the main thread is left free, as DuckDB does not react to Ctrl-C."""
        from concurrent.futures import ThreadPoolExecutor, wait  # loads logging

        with ThreadPoolExecutor(1, "hilt-duckdb") as pool:
            future = pool.submit(operation, self.connection)
            try:
                if (on_progress := self._log.on_progress) is not None:
                    while wait([future], _PAUSE).not_done:
                        on_progress(max(self.connection.query_progress(), 0) / 100)
                return future.result()
            except BaseException:
                self.connection.interrupt()
                raise

    def close(self) -> None:
        """Close the connection and remove its copies of files."""
        self.connection.close()
        self.remove_copies()

    def remove_copies(self) -> None:
        """Remove the copies of files; after that, only tables that were created here can be read."""
        self._spool.remove()

    def _is_about_lines(self, error: Exception) -> bool:
        """Return whether the next attempt, which reads the lines in another way, may succeed."""
        return isinstance(error, self._duckdb.IOException) or any(text in str(error) for text in _LINE_ERRORS)

    def _report_refused(self, counts: Counts) -> bool:
        """Report the refused lines; return False if the reader would have accepted one of them."""
        for path, source in self._direct.items():
            if (problems := counts.problems(source, path)) is None:
                return False
            for problem in problems:
                self._log.report(problem)
        return all(path in self._direct or counts.is_accepted for path in counts.lines)

    def _open(self, longest: int, *, copy_all: bool = False) -> None:
        """Connect, and create the views.

        Args:
            longest: the size in bytes that a line may have.
            copy_all: read all files from copies, which hold only lines that the reader accepts.
        """
        self._spool.remove()
        self._spool, self._direct, paths = Spool(), {}, []
        for source in self._log.sources:
            if not copy_all and self._log.event_filter is None and is_plain(source):
                self._direct[source.name] = source
                paths.append(source.name)
            else:
                paths.append(self._spool.add(source, self._log))
        self.connection = connection = self._duckdb.connect(config=_CONFIG)
        self._set("TimeZone", "UTC")
        self._set("temp_directory", self._spool.directory)
        if self._log.on_progress is not None:
            self._set("enable_progress_bar_print", "false")
            self._set("enable_progress_bar", "true")
        for view in (self._lines_view(paths, longest), _EVENTS):
            connection.execute(view).fetchall()
        if not self._may_write:
            connection.execute(f"SET allowed_paths = {_list([*self._direct, *self._spool.names])}").fetchall()
            self._set("enable_external_access", "false")
            self._set("lock_configuration", "true")

    def _set(self, name: str, value: str) -> None:
        self.connection.execute(f"SET {name} = {sql_string(value)}").fetchall()

    def _lines_view(self, paths: list[str], longest: int) -> str:
        select = (
            f"SELECT json, filename FROM read_ndjson_objects({_list(paths)}, filename = true,"  # noqa: S608  constants and quoted paths
            f" maximum_object_size = {longest}, ignore_errors = true, compression = 'uncompressed',"
            " hive_partitioning = false)"
        )
        pairs = [f"({sql_string(path)}, {sql_string(name)})" for path, name in self._spool.names.items()]
        names = ", ".join(pairs)
        joined = f"LEFT JOIN (VALUES {names}) AS copied(path, name) ON path = filename" if names else ""
        file = "coalesce(name, filename)" if names else "filename"
        return (
            f"CREATE VIEW lines AS SELECT json, {file} AS file FROM ({select if paths else _NO_LINES})"  # noqa: S608  constants and quoted paths
            f" {joined}"
        )


_EVENTS = (
    f"CREATE VIEW events AS SELECT {columns.select_list('value')}, file, event FROM"  # noqa: S608  constants and quoted paths
    f" (SELECT from_json(json, '{columns.json_structure()}') AS value, file, json AS event FROM lines"
    f" WHERE NOT ({REFUSED}))"
)


def count_refused(connection: DuckDBPyConnection) -> Counts:
    """Return how many lines of which file were refused, by reading the log once more."""
    return Counts(dict(connection.execute(_COUNT_REFUSED).fetchall()))


def sql_string(value: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def _list(values: list[str]) -> str:
    return f"[{', '.join(map(sql_string, values))}]"
