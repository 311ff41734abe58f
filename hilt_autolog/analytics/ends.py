"""Find the prompts of a log and the ends of its calls, for statistics: by DuckDB, or line by line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from hilt_autolog.reading.columns import normalize
from hilt_autolog.reading.lines import events

from .duck import REFUSED, Counts, Database, is_installed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

    from hilt_autolog.contracts.types import JsonMapping, JsonObject

    from .spool import EventLog

ANSWERS = ("completion", "embedding", "rerank")  # the actions of calls that succeeded
PROMPT = "prompt"
LARGE = 16 * 2**20  # bytes; for smaller logs, loading DuckDB takes longer than it saves

_STRUCTURE = (
    '{"event_id":"JSON","timestamp":"JSON","session_id":"JSON","actor":"JSON","action":"JSON","metrics":"JSON",'
    '"provenance":{"model":"JSON"},"extensions":{"model":"JSON","conversation":"JSON","error_type":"JSON",'
    '"reply_to":"JSON","latency_ms":"JSON"}}'
)
# These words may occur in a text as well; `ends_and_prompts` then filters events by their action.
_IS_CHUNK = 'contains(json, \'"action":"completion_chunk"\')'
_HAS_WORD = " OR ".join(f"contains(json, '\"{word}\"')" for word in (*ANSWERS, "error_type", PROMPT))
# Prompts are the longest lines. If the keys are in the order that we write, only the id of a prompt is read;
# the rest is read if no event ends it.
_STRING = r'"[^"\\]*"'
_PROMPT_START = (
    rf'^\{{"hilt_version":{_STRING},"event_id":"([^"\\]+)","timestamp":{_STRING},"session_id":{_STRING},'
    r'"actor":\{[^{}]*\},"action":"prompt"'
)
_PROMPT_ID = f"nullif(regexp_extract(json, '{_PROMPT_START}', 1), '')"
_REDUCED = f"to_json(from_json(json, '{_STRUCTURE}'))::VARCHAR"
_CREATE_ENDS = (
    f"CREATE TEMP TABLE ends AS SELECT CASE WHEN {REFUSED} THEN file END AS refused_in, prompt_id,"  # noqa: S608  constants and quoted paths
    f" CASE WHEN refused_in IS NULL AND prompt_id IS NULL THEN {_REDUCED} END AS reduced FROM"
    f" (SELECT *, {_PROMPT_ID} AS prompt_id FROM lines WHERE {REFUSED} OR NOT {_IS_CHUNK})"
    f" WHERE {REFUSED} OR prompt_id IS NOT NULL OR {_HAS_WORD}"
)
_CREATE_OPEN_PROMPTS = (
    "CREATE TEMP TABLE open_prompts AS SELECT prompt_id FROM ends WHERE prompt_id IS NOT NULL AND prompt_id"
    " NOT IN (SELECT reply FROM"
    " (SELECT json_extract_string(reduced, '$.extensions.reply_to') AS reply FROM ends)"
    " WHERE reply IS NOT NULL)"
)
_ADD_OPEN_PROMPTS = (
    f"INSERT INTO ends SELECT NULL, NULL, {_REDUCED} FROM"  # noqa: S608  constants and quoted paths
    f" (SELECT json, {_PROMPT_ID} AS prompt_id FROM lines)"
    " WHERE prompt_id IN (SELECT prompt_id FROM open_prompts)"
)
_LARGE_FILE = 2**18  # bytes on average; DuckDB takes longer to open a smaller file than to read it
_AT_ONCE = 2000  # rows that are fetched together


def ends_and_prompts(log: EventLog) -> Iterator[JsonObject]:
    """Yield the events that end calls (answers, and errors that calls ended with), and the prompts.

    They come in no particular order, and prompts that have an end may be missing. An event may lack the keys
    that statistics do not need; those that it has are as in the log. The bad lines are among `log.problems`
    once this iterator is exhausted.
    """
    candidates = _by_duckdb(log) if _is_large(log) and is_installed() else _line_by_line(log)
    return (event for event in candidates if event.get("action") == PROMPT or is_end(event))


def is_end(event: JsonMapping) -> bool:
    """Return whether an event ends a call."""
    if event.get("action") in ANSWERS:
        return True
    extensions = event.get("extensions")
    has_failed = isinstance(extensions, dict) and extensions.get("error_type") is not None
    return event.get("action") == "system" and has_failed


def _is_large(log: EventLog) -> bool:
    size = 0
    for source in log.sources:
        try:
            size += Path(source.name).stat().st_size if source.content is None else len(source.content)
        except OSError:  # reported when it is read
            continue
    return size >= LARGE and size >= len(log.sources) * min(_LARGE_FILE, LARGE)


def _line_by_line(log: EventLog) -> Iterator[JsonObject]:
    for source in log.sources:
        for event, *_ in events(source, log.report):
            yield normalize(event)


def _by_duckdb(log: EventLog) -> Iterator[JsonObject]:
    database = Database(log)
    try:
        connection = database.run(_create_tables)
        result = connection.execute("SELECT reduced FROM ends WHERE reduced IS NOT NULL")
        while rows := result.fetchmany(_AT_ONCE):
            for (reduced,) in rows:
                yield orjson.loads(reduced)
    finally:
        database.close()


def _create_tables(connection: DuckDBPyConnection) -> tuple[DuckDBPyConnection, Counts]:
    drops = ("DROP TABLE IF EXISTS ends", "DROP TABLE IF EXISTS open_prompts")
    for statement in (*drops, _CREATE_ENDS, _CREATE_OPEN_PROMPTS):
        connection.execute(statement).fetchall()
    if connection.execute("SELECT 1 FROM open_prompts LIMIT 1").fetchall():
        connection.execute(_ADD_OPEN_PROMPTS).fetchall()
    result = connection.execute(
        "SELECT refused_in, count(*) FROM ends WHERE refused_in IS NOT NULL GROUP BY refused_in"
    )
    return connection, Counts(dict(result.fetchall()))
