"""The columns of the view `events`: what of an event stands in a flat, typed table."""

from __future__ import annotations

import json
from typing import Any, NamedTuple


class Column(NamedTuple):
    """A column of the view.

    Attributes:
        name: As SQL knows it.
        kind: Its SQL type. What cannot be cast to it is NULL, and still stands in `event`.
        paths: Where in an event it is found; the first of them that is there.
        meaning: What it says, in a line.
    """

    name: str
    kind: str
    paths: tuple[str, ...]
    meaning: str


COLUMNS = (
    Column("event_id", "VARCHAR", ("event_id",), "the event; sorts by time"),
    Column("timestamp", "TIMESTAMPTZ", ("timestamp",), "when it was written"),
    Column("session_id", "VARCHAR", ("session_id",), "the conversation's id"),
    Column("conversation", "VARCHAR", ("extensions.conversation",), "the conversation as it was named"),
    Column("actor_type", "VARCHAR", ("actor.type",), "human, agent, tool or system"),
    Column("actor_id", "VARCHAR", ("actor.id",), "who, by name"),
    Column("action", "VARCHAR", ("action",), "prompt, completion, tool_call, ..."),
    Column("text", "VARCHAR", ("content.text",), "what was said"),
    Column("provider", "VARCHAR", ("provenance.provider",), "openai, anthropic, google, ..."),
    Column("operation", "VARCHAR", ("provenance.operation",), "which API, e.g. chat.completions"),
    Column("model", "VARCHAR", ("extensions.model", "provenance.model"), "who answered, or was asked"),
    Column("tokens_prompt", "BIGINT", ("metrics.tokens.prompt",), "read by the model, cached or not"),
    Column("tokens_completion", "BIGINT", ("metrics.tokens.completion",), "produced, reasoning included"),
    Column("tokens_total", "BIGINT", ("metrics.tokens.total",), "their sum, or the provider's own"),
    Column("tokens_cached", "BIGINT", ("metrics.tokens.cached",), "of the prompt's, read from a cache"),
    Column("tokens_reasoning", "BIGINT", ("metrics.tokens.reasoning",), "of the completion's, thoughts"),
    Column("cost_usd", "DOUBLE", ("metrics.cost_usd",), "US dollars; NULL where the price is not known"),
    Column("latency_ms", "DOUBLE", ("metrics.latency_ms", "extensions.latency_ms"), "from request to end"),
    Column("ttft_ms", "DOUBLE", ("metrics.ttft_ms",), "from request to first delta"),
    Column("status_code", "BIGINT", ("extensions.status_code",), "of HTTP"),
    Column("finish_reason", "VARCHAR", ("extensions.finish_reason",), "as the provider spells it"),
    Column("error_type", "VARCHAR", ("extensions.error_type",), "the exception's class, if it failed"),
    Column("error_code", "VARCHAR", ("extensions.error_code",), "the provider's, or rate_limit, ..."),
    Column("reply_to", "VARCHAR", ("extensions.reply_to",), "the event that it answers"),
    Column("tool", "VARCHAR", ("extensions.tool",), "the tool that is called, or has answered"),
    Column("tool_call_id", "VARCHAR", ("extensions.tool_call_id",), "which call of it"),
    Column("score", "DOUBLE", ("extensions.score", "extensions.relevance_score"), "of a document, ..."),
    Column("tags", "JSON", ("extensions.tags",), "the words that the program gave its events"),
)  # fmt: skip
"""What is found in an event by its paths; the view has FILE and EVENT besides."""

FILE = Column("file", "VARCHAR", (), "the log that the event stands in")
EVENT = Column("event", "JSON", (), "the whole event, with whatever has no column")
NAMES = tuple(column.name for column in (*COLUMNS, FILE, EVENT))


def json_structure() -> str:
    """Return what DuckDB's `from_json` shall take out of an event, as JSON."""
    tree: dict[str, Any] = {}
    for column in COLUMNS:
        kind = "VARCHAR" if column.kind == "TIMESTAMPTZ" else column.kind
        for path in column.paths:
            *parts, leaf = path.split(".")
            inner = tree
            for part in parts:
                inner = inner.setdefault(part, {})
            inner[leaf] = kind
    return json.dumps(tree)


def select_list(found: str) -> str:
    """Return the list of columns for a SELECT, out of a value named `found` that has the shape."""
    return ", ".join(f'{_expression(found, column)} AS "{column.name}"' for column in COLUMNS)


def _expression(found: str, column: Column) -> str:
    places = [found + "".join(f'."{part}"' for part in path.split(".")) for path in column.paths]
    value = places[0] if len(places) == 1 else f"coalesce({', '.join(places)})"
    return f"try_cast({value} AS TIMESTAMPTZ)" if column.kind == "TIMESTAMPTZ" else value
