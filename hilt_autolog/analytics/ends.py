"""The ends of a log's calls, each with what statistics want to know: by DuckDB, or line by line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from hilt_autolog.io.lines import events

from .duck import REFUSED, Counts, Database, is_installed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

    from hilt_autolog.io.reader import Log

Event = dict[str, Any]

ANSWERS = ("completion", "embedding", "rerank")  # the actions that end a call well
LARGE = 16 * 2**20  # bytes; of less, loading DuckDB costs more than it saves

_SHAPE = (
    '{"timestamp":"JSON","session_id":"JSON","actor":"JSON","action":"JSON","metrics":"JSON",'
    '"provenance":{"model":"JSON"},"extensions":{"model":"JSON","conversation":"JSON","error_type":"JSON",'
    '"reply_to":"JSON","latency_ms":"JSON"}}'
)
# A word that is looked for may stand in a text as well; what is not an end is told by its action later.
_CHUNK = 'contains(json, \'"action":"completion_chunk"\')'
_WORDS = " OR ".join(f"contains(json, '\"{word}\"')" for word in (*ANSWERS, "error_type"))
_ENDS = (
    f"CREATE TEMP TABLE ends AS SELECT CASE WHEN {REFUSED} THEN file END AS refused,"  # noqa: S608
    f" CASE WHEN refused IS NULL THEN to_json(from_json(json, '{_SHAPE}'))::VARCHAR END AS essence"
    f" FROM lines WHERE {REFUSED} OR (NOT {_CHUNK} AND ({_WORDS}))"
)
_AT_ONCE = 2000  # rows that are fetched together


def ends(log: Log) -> Iterator[Event]:
    """Yield the events that end calls: answers, and errors that calls ended with; in no particular order.

    An event may lack whatever statistics have no use for; what it has is as it stands in the log. The bad
    lines are among `log.problems` when all have been taken.
    """
    found = _by_duckdb(log) if _is_large(log) and is_installed() else _line_by_line(log)
    return filter(is_end, found)


def is_end(event: Event) -> bool:
    """Return whether an event ends a call."""
    if event.get("action") in ANSWERS:
        return True
    extensions = event.get("extensions")
    failed = isinstance(extensions, dict) and extensions.get("error_type") is not None
    return event.get("action") == "system" and failed


def _is_large(log: Log) -> bool:
    size = 0
    for source in log.sources:
        try:
            size += Path(source.name).stat().st_size if source.content is None else len(source.content)
        except OSError:  # it is told when it is read
            continue
    return size >= LARGE


def _line_by_line(log: Log) -> Iterator[Event]:
    for source in log.sources:
        for event, *_ in events(source, log.note):
            yield event


def _by_duckdb(log: Log) -> Iterator[Event]:
    database = Database(log)
    try:
        connection = database.run(_made)
        found = connection.execute("SELECT essence FROM ends WHERE essence IS NOT NULL")
        while rows := found.fetchmany(_AT_ONCE):
            for (essence,) in rows:
                yield orjson.loads(essence)
    finally:
        database.close()


def _made(connection: DuckDBPyConnection) -> tuple[DuckDBPyConnection, Counts]:
    connection.execute("DROP TABLE IF EXISTS ends").fetchall()
    connection.execute(_ENDS).fetchall()
    found = connection.execute(
        "SELECT refused, count(*) FROM ends WHERE refused IS NOT NULL GROUP BY refused"
    )
    return connection, Counts(dict(found.fetchall()))
