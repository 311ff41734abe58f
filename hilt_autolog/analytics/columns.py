"""The columns of the view `events`, a flat and typed table of a log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hilt_autolog.contracts.types import JsonObject


class Column(NamedTuple):
    """A column of the view.

    Attributes:
        name: its name in SQL.
        kind: its SQL type. A value that cannot be cast to it is NULL, but still in the column `event`.
        paths: the paths of keys in an event that its value is read from; the first that exists counts.
        meaning: its description, in a line.
    """

    name: str
    kind: str
    paths: tuple[str, ...]
    meaning: str


COLUMNS = (
    Column("event_id", "VARCHAR", ("event_id",), "the event; sorts by time"),
    Column("timestamp", "TIMESTAMPTZ", ("timestamp",), "when it was written"),
    Column("session_id", "VARCHAR", ("session_id",), "the conversation's id"),
    Column("conversation", "VARCHAR", ("extensions.conversation",), "the conversation's name"),
    Column("actor_type", "VARCHAR", ("actor.type",), "human, agent, tool or system"),
    Column("actor_id", "VARCHAR", ("actor.id",), "who, by name"),
    Column("action", "VARCHAR", ("action",), "prompt, completion, tool_call, ..."),
    Column("text", "VARCHAR", ("content.text",), "the text of the event"),
    Column("provider", "VARCHAR", ("provenance.provider",), "openai, anthropic, google, ..."),
    Column("operation", "VARCHAR", ("provenance.operation",), "which API, e.g. chat.completions"),
    Column("model", "VARCHAR", ("extensions.model", "provenance.model"), "that answered, else the requested"),
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
    Column("tags", "JSON", ("extensions.tags",), "the event's tags"),
)  # fmt: skip
"""The columns that are read from an event; the view also has FILE and EVENT."""

FILE = Column("file", "VARCHAR", (), "the log that contains the event")
EVENT = Column("event", "JSON", (), "the complete event, fields without a column included")
NAMES = tuple(column.name for column in (*COLUMNS, FILE, EVENT))


def json_structure() -> str:
    """Return the structure by which DuckDB's `from_json` reads an event, as JSON."""
    tree: JsonObject = {}
    for column in COLUMNS:
        kind = "VARCHAR" if column.kind == "TIMESTAMPTZ" else column.kind
        for path in column.paths:
            *keys, last = path.split(".")
            node = tree
            for key in keys:
                node = node.setdefault(key, {})
            node[last] = kind
    return json.dumps(tree)


def select_list(struct: str) -> str:
    """Return the columns of a SELECT, read from an SQL value named `struct` that has the structure."""
    return ", ".join(f'{_expression(struct, column)} AS "{column.name}"' for column in COLUMNS)


def _expression(struct: str, column: Column) -> str:
    values = [struct + "".join(f'."{key}"' for key in path.split(".")) for path in column.paths]
    value = values[0] if len(values) == 1 else f"coalesce({', '.join(values)})"
    return f"try_cast({value} AS TIMESTAMPTZ)" if column.kind == "TIMESTAMPTZ" else value
