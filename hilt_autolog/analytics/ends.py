"""The calls of a log, their ends above all, with what statistics want to know: by DuckDB, or line by line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from hilt_autolog.reading.columns import normalize
from hilt_autolog.reading.lines import events

from .duck import REFUSED, Counts, Database, is_installed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

    from hilt_autolog.reading.reader import Log

Event = dict[str, Any]

ANSWERS = ("completion", "embedding", "rerank")  # the actions that end a call well
PROMPT = "prompt"
LARGE = 16 * 2**20  # bytes; of less, loading DuckDB costs more than it saves

_SHAPE = (
    '{"event_id":"JSON","timestamp":"JSON","session_id":"JSON","actor":"JSON","action":"JSON","metrics":"JSON",'
    '"provenance":{"model":"JSON"},"extensions":{"model":"JSON","conversation":"JSON","error_type":"JSON",'
    '"reply_to":"JSON","latency_ms":"JSON"}}'
)
# A word that is looked for may stand in a text as well; what is not an end is told by its action later.
_CHUNK = 'contains(json, \'"action":"completion_chunk"\')'
_WORDS = " OR ".join(f"contains(json, '\"{word}\"')" for word in (*ANSWERS, "error_type", PROMPT))
# Prompts are the long lines. Of one as we spell it, only the id is read, unless nothing ends it.
_WORD = r'"[^"\\]*"'
_HEAD = (
    rf'^\{{"hilt_version":{_WORD},"event_id":"([^"\\]+)","timestamp":{_WORD},"session_id":{_WORD},'
    r'"actor":\{[^{}]*\},"action":"prompt"'
)
_ASKED = f"nullif(regexp_extract(json, '{_HEAD}', 1), '')"
_ESSENCE = f"to_json(from_json(json, '{_SHAPE}'))::VARCHAR"
_ENDS = (
    f"CREATE TEMP TABLE ends AS SELECT CASE WHEN {REFUSED} THEN file END AS refused, asked,"  # noqa: S608
    f" CASE WHEN refused IS NULL AND asked IS NULL THEN {_ESSENCE} END AS essence FROM"
    f" (SELECT *, {_ASKED} AS asked FROM lines WHERE {REFUSED} OR NOT {_CHUNK})"
    f" WHERE {REFUSED} OR asked IS NOT NULL OR {_WORDS}"
)
_OPEN = (
    "CREATE TEMP TABLE open AS SELECT asked FROM ends WHERE asked IS NOT NULL AND asked NOT IN"
    " (SELECT reply FROM (SELECT json_extract_string(essence, '$.extensions.reply_to') AS reply FROM ends)"
    " WHERE reply IS NOT NULL)"
)
_ADD_OPEN = (
    f"INSERT INTO ends SELECT NULL, NULL, {_ESSENCE} FROM"  # noqa: S608
    f" (SELECT json, {_ASKED} AS asked FROM lines) WHERE asked IN (SELECT asked FROM open)"
)
_LARGE_FILE = 2**18  # bytes on average; of smaller ones, opening each costs DuckDB more than reading it
_AT_ONCE = 2000  # rows that are fetched together


def ends_and_prompts(log: Log) -> Iterator[Event]:
    """Yield the events that end calls (answers, and errors that calls ended with), and the prompts.

    They come in no particular order, and prompts that have an end may be missing.
    An event may lack whatever statistics have no use for; what it has is as it stands in the log. The bad
    lines are among `log.problems` when all have been taken.
    """
    found = _by_duckdb(log) if _is_large(log) and is_installed() else _line_by_line(log)
    return (event for event in found if event.get("action") == PROMPT or is_end(event))


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
    return size >= LARGE and size >= len(log.sources) * min(_LARGE_FILE, LARGE)


def _line_by_line(log: Log) -> Iterator[Event]:
    for source in log.sources:
        for event, *_ in events(source, log.report):
            yield normalize(event)


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
    for statement in ("DROP TABLE IF EXISTS ends", "DROP TABLE IF EXISTS open", _ENDS, _OPEN):
        connection.execute(statement).fetchall()
    if connection.execute("SELECT 1 FROM open LIMIT 1").fetchall():
        connection.execute(_ADD_OPEN).fetchall()
    found = connection.execute(
        "SELECT refused, count(*) FROM ends WHERE refused IS NOT NULL GROUP BY refused"
    )
    return connection, Counts(dict(found.fetchall()))
