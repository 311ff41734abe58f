"""The fifteen columns of HILT: an event as one flat row, for tables, sheets and people.

An event is full of detail that a table has no room for; these columns are those that every HILT tool knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


LONGEST_MESSAGE = 500  # characters of `message`; a longer text ends in "..."

Event = dict[str, Any]
Row = dict[str, Any]


def check_columns(columns: Iterable[str] | None) -> tuple[str, ...]:
    """Return the columns that are asked for, in that order; all of them, if None.

    Raises:
        ValueError: a column is unknown; the text names it and lists the known ones.
    """
    chosen = tuple(COLUMNS) if columns is None else tuple(columns)
    unknown = [name for name in chosen if name not in COLUMNS]
    if unknown:
        from difflib import get_close_matches

        meant = [match for name in unknown for match in get_close_matches(str(name), COLUMNS, n=1)]
        hint = f" (did you mean {', '.join(meant)}?)" if meant else ""
        raise ValueError(
            f"unknown columns: {', '.join(map(str, unknown))}{hint}; known: {', '.join(COLUMNS)}"
        )
    return chosen


def row_from_event(event: Mapping[str, Any], columns: Iterable[str] = ()) -> Row:
    """Return an event as a row of the given columns, or of all.

    Args:
        event: An event as it stands in a log; any part of it may be missing, or be of a wrong kind.
        columns: Names out of `COLUMNS`.

    Returns:
        Texts and numbers by column; `None` where the event says nothing.
    """
    return {name: COLUMNS[name](event) for name in columns or COLUMNS}


def _of(event: Mapping[str, Any], *path: str) -> Any:
    """Return what stands at a path of keys, or None."""
    value: Any = event
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def _at(*path: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda event: _of(event, *path)


def _first(*paths: tuple[str, ...]) -> Callable[[Mapping[str, Any]], Any]:
    return lambda event: next((found for path in paths if (found := _of(event, *path)) is not None), None)


def _alias(event: Mapping[str, Any]) -> str | None:
    """Return a name short enough to read: the conversation's own if the program gave one, else of its id."""
    session, plain = event.get("session_id"), _of(event, "extensions", "conversation")
    if isinstance(plain, str):
        return plain
    if not isinstance(session, str):
        return None
    return f"Conv.{session[5:13]}" if session.startswith("conv_") else session[:12]


def _speaker(event: Mapping[str, Any]) -> str | None:
    kind, identity = _of(event, "actor", "type"), _of(event, "actor", "id")
    return None if kind is None and identity is None else f"{kind}: {identity}"


def _message(event: Mapping[str, Any]) -> str | None:
    """Return the text on one line, cut where a cell would burst."""
    text = _of(event, "content", "text")
    if not isinstance(text, str):
        return None
    line = " ".join(text[: 4 * LONGEST_MESSAGE].split())
    is_cut = len(line) > LONGEST_MESSAGE or len(text) > 4 * LONGEST_MESSAGE
    return f"{line[: LONGEST_MESSAGE - 3]}..." if is_cut else line


COLUMNS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "timestamp": _at("timestamp"),
    "conversation_id": _at("session_id"),
    "event_id": _at("event_id"),
    "reply_to": _at("extensions", "reply_to"),
    "status_code": _at("extensions", "status_code"),
    "session": _alias,
    "speaker": _speaker,
    "action": _at("action"),
    "message": _message,
    "tokens_in": _at("metrics", "tokens", "prompt"),
    "tokens_out": _at("metrics", "tokens", "completion"),
    "cost_usd": _at("metrics", "cost_usd"),
    "latency_ms": _first(("metrics", "latency_ms"), ("extensions", "latency_ms")),
    "model": _first(("extensions", "model"), ("provenance", "model")),
    "relevance_score": _first(("extensions", "score"), ("extensions", "relevance_score")),
}
"""Each column, in HILT's order, and what reads it out of an event."""


UNKNOWN = "unknown"  # stands for a conversation and a speaker that no column tells
BEGINNING = "1970-01-01T00:00:00.000000Z"  # stands for a time that no column tells


def is_row(line: Mapping[str, Any]) -> bool:
    """Whether a line of a log is a row of columns: it has no other key, and one that only HILT has."""
    return line.keys() <= COLUMNS.keys() and ("speaker" in line or "conversation_id" in line)


def normalize(line: Event) -> Event:
    """Return the event that a line of a log tells of: itself, or what a row of columns stands for."""
    return event_from_row(line) if "actor" not in line and is_row(line) else line


def event_from_row(row: Mapping[str, Any]) -> Event:
    """Return the event that a row tells of, as it would stand in a log.

    Args:
        row: Values by column. An empty text is an absent value, and text that is a number a number, as
            hilt-python and sheets write them.

    Returns:
        An event in which what no column told is absent. Where an event must say something, it says
        `unknown` (the conversation, the speaker), `system` (its type, the action) or 1970 (the time).
    """
    values = {name: value for name, value in row.items() if value is not None and value != ""}
    event: Event = {"event_id": values["event_id"]} if "event_id" in values else {}
    event["timestamp"] = values.get("timestamp", BEGINNING)
    event["session_id"] = str(values.get("conversation_id", values.get("session", UNKNOWN)))
    event["actor"] = _actor(str(values.get("speaker", f"system: {UNKNOWN}")))
    event["action"] = values.get("action", "system")
    parts = {
        "content": _content(values),
        "metrics": _metrics(values),
        "extensions": _extensions(values),
    }
    return event | {name: part for name, part in parts.items() if part}


def _actor(speaker: str) -> dict[str, str]:
    kind, _, identity = speaker.partition(":")
    return {"type": kind.strip(), "id": identity.removeprefix(" ")}


def _content(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"text": str(values["message"])} if "message" in values else {}


def _metrics(values: Mapping[str, Any]) -> dict[str, Any]:
    metrics = {name: _number(values[name]) for name in ("latency_ms", "cost_usd") if name in values}
    columns = {"prompt": "tokens_in", "completion": "tokens_out"}
    tokens = {kind: _number(values[name]) for kind, name in columns.items() if name in values}
    return metrics | ({"tokens": tokens} if tokens else {})


def _extensions(values: Mapping[str, Any]) -> dict[str, Any]:
    keys = {
        "reply_to": "reply_to",
        "status_code": "status_code",
        "model": "model",
        "score": "relevance_score",
    }
    extensions = {key: values[name] for key, name in keys.items() if name in values}
    for key in extensions.keys() & {"status_code", "score"}:
        extensions[key] = _number(extensions[key])
    if _is_plain_name(values):
        extensions["conversation"] = values["session"]
    return extensions


def _is_plain_name(values: Mapping[str, Any]) -> bool:
    """Whether the short name of a conversation is one that the program gave, and not cut from its id."""
    if "session" not in values or "conversation_id" not in values:
        return False
    return bool(values["session"] != COLUMNS["session"]({"session_id": values["conversation_id"]}))


def _number(value: Any) -> Any:
    """Return the number that a cell holds; whatever else it holds is left for validation to judge."""
    try:
        number = float(value) if isinstance(value, str) else value
    except ValueError:
        return value
    return int(number) if isinstance(number, float) and number.is_integer() else number
