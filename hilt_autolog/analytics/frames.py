"""Query a log by SQL, and return it as a data frame."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

from hilt_autolog.errors import ConversionError

from .columns import NAMES
from .duck import Database, count_refused, import_duckdb

if TYPE_CHECKING:
    from collections.abc import Callable

    from duckdb import DuckDBPyConnection, DuckDBPyRelation

    from .spool import EventLog

Result = TypeVar("Result")

_ALL = "SELECT * FROM events ORDER BY timestamp, event_id"
_METHODS = {"polars": "pl", "pandas": "df", "pyarrow": "to_arrow_table"}


def to_frame(log: EventLog, library: str) -> Any:
    """Return the events of a log, oldest first, as a data frame with the columns of the view `events`.

    Args:
        log: the log.
        library: `polars`, `pandas` or `pyarrow`.

    Raises:
        ConversionError: DuckDB or the library is not installed.
    """
    if find_spec(library) is None:
        raise ConversionError(f"this needs {library}, which is not installed: pip install {library}")
    return query(log, _ALL, lambda relation: getattr(relation, _METHODS[library])())


def query_relation(log: EventLog, sql: str) -> DuckDBPyRelation:
    """Return the result of a query as a relation, which DuckDB holds; see `Log.sql`."""
    database = Database(log)

    def store(relation: DuckDBPyRelation) -> DuckDBPyRelation:
        relation.create("answer")
        return database.connection.table("answer")

    try:
        return database.run(
            lambda connection: (store(parse_query(connection, sql)), count_refused(connection))
        )
    finally:
        database.remove_copies()


def query(log: EventLog, sql: str, fetch: Callable[[DuckDBPyRelation], Result]) -> Result:
    """Return the result of `fetch`, called with the relation of a query, which cannot be used afterwards."""
    database = Database(log)
    try:
        return database.run(
            lambda connection: (fetch(parse_query(connection, sql)), count_refused(connection))
        )
    finally:
        database.close()


def parse_query(connection: DuckDBPyConnection, sql: str) -> DuckDBPyRelation:
    """Return the relation of a query that DuckDB has parsed and not run yet.

    Raises:
        ValueError: it is not one statement that reads, or it names an unknown column.
    """
    duckdb = import_duckdb()
    statements = connection.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise ValueError("a question is one statement that reads: SELECT, FROM, WITH, DESCRIBE or SUMMARIZE")
    try:
        return connection.sql(sql)
    except duckdb.BinderException as error:
        raise ValueError(f"{error}\n\nThe columns of events: {', '.join(NAMES)}") from None
