"""The fifteen columns of HILT: convert an event to a flat row, for tables and sheets, and a row to an event.

An event holds more than fits into a table; these columns are those that all HILT tools have in common.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hilt_autolog.contracts.types import JsonMapping, JsonObject


LONGEST_MESSAGE = 500  # characters of `message`; a longer text is cut and ends in "..."


def check_columns(columns: Iterable[str] | None) -> tuple[str, ...]:
    """Return the requested columns in their order; all of them, if None.

    Raises:
        ValueError: a column is unknown; the message names it and lists the known ones.
    """
    names = tuple(COLUMNS) if columns is None else tuple(columns)
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        from hilt_autolog.suggestions import did_you_mean

        hint = did_you_mean(map(str, unknown), COLUMNS)
        raise ValueError(
            f"unknown columns: {', '.join(map(str, unknown))}{hint}; known: {', '.join(COLUMNS)}"
        )
    return names


def row_from_event(event: JsonMapping, columns: Iterable[str] = ()) -> JsonObject:
    """Return an event as a row of the given columns, or of all.

    Args:
        event: an event from a log; any part of it may be missing, or of a wrong type.
        columns: names from `COLUMNS`.

    Returns:
        Texts and numbers by column; `None` where the event has no value.
    """
    return {name: COLUMNS[name](event) for name in columns or COLUMNS}


def _value_at(event: JsonMapping, *path: str) -> Any:
    """Return the value at a path of keys, or None."""
    value: object = event
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def _getter(*path: str) -> Callable[[JsonMapping], object]:
    return lambda event: _value_at(event, *path)


def _first_of(*paths: tuple[str, ...]) -> Callable[[JsonMapping], object]:
    def first(event: JsonMapping) -> object:
        values = (_value_at(event, *path) for path in paths)
        return next((value for value in values if value is not None), None)

    return first


def _short_name(event: JsonMapping) -> str | None:
    """Return a readable name of the conversation: the one the program gave it, else a part of its id."""
    session_id, name = event.get("session_id"), _value_at(event, "extensions", "conversation")
    if isinstance(name, str):
        return name
    if not isinstance(session_id, str):
        return None
    return f"Conv.{session_id[5:13]}" if session_id.startswith("conv_") else session_id[:12]


def _speaker(event: JsonMapping) -> str | None:
    kind, name = _value_at(event, "actor", "type"), _value_at(event, "actor", "id")
    return None if kind is None and name is None else f"{kind}: {name}"


def _message(event: JsonMapping) -> str | None:
    """Return the text on one line, cut to the length that a cell may have."""
    text = _value_at(event, "content", "text")
    if not isinstance(text, str):
        return None
    line = " ".join(text[: 4 * LONGEST_MESSAGE].split())
    is_cut = len(line) > LONGEST_MESSAGE or len(text) > 4 * LONGEST_MESSAGE
    return f"{line[: LONGEST_MESSAGE - 3]}..." if is_cut else line


COLUMNS: dict[str, Callable[[JsonMapping], object]] = {
    "timestamp": _getter("timestamp"),
    "conversation_id": _getter("session_id"),
    "event_id": _getter("event_id"),
    "reply_to": _getter("extensions", "reply_to"),
    "status_code": _getter("extensions", "status_code"),
    "session": _short_name,
    "speaker": _speaker,
    "action": _getter("action"),
    "message": _message,
    "tokens_in": _getter("metrics", "tokens", "prompt"),
    "tokens_out": _getter("metrics", "tokens", "completion"),
    "cost_usd": _getter("metrics", "cost_usd"),
    "latency_ms": _first_of(("metrics", "latency_ms"), ("extensions", "latency_ms")),
    "model": _first_of(("extensions", "model"), ("provenance", "model")),
    "relevance_score": _first_of(("extensions", "score"), ("extensions", "relevance_score")),
}
"""Each column, in HILT's order, and the function that reads it from an event."""


UNKNOWN = "unknown"  # stands for an absent conversation or speaker; in statistics also for a time or model
UNKNOWN_TIME = "1970-01-01T00:00:00.000000Z"  # the time of a row that has none


def is_row(line: JsonMapping) -> bool:
    """Return whether a line of a log is a row: all keys are columns, and one of them is HILT's alone."""
    return line.keys() <= COLUMNS.keys() and ("speaker" in line or "conversation_id" in line)


def normalize(line: JsonObject) -> JsonObject:
    """Return a line of a log as an event: the line itself, or the event that a row represents."""
    return event_from_row(line) if "actor" not in line and is_row(line) else line


def event_from_row(row: JsonMapping) -> JsonObject:
    """Return the event that a row represents, as a log would hold it.

    Args:
        row: values by column. An empty text is an absent value, and a text that is a number is that number,
            as hilt-python and sheets write them.

    Returns:
        An event without what no column has. Fields that an event must have are filled with `unknown` (the
        conversation, the speaker), `system` (the speaker's type, the action) and 1970 (the time).
    """
    cells = {name: value for name, value in row.items() if value is not None and value != ""}
    event: JsonObject = {"event_id": cells["event_id"]} if "event_id" in cells else {}
    event["timestamp"] = cells.get("timestamp", UNKNOWN_TIME)
    event["session_id"] = str(cells.get("conversation_id", cells.get("session", UNKNOWN)))
    event["actor"] = _actor(str(cells.get("speaker", f"system: {UNKNOWN}")))
    event["action"] = cells.get("action", "system")
    parts = {"content": _content(cells), "metrics": _metrics(cells), "extensions": _extensions(cells)}
    return event | {name: part for name, part in parts.items() if part}


def _actor(speaker: str) -> dict[str, str]:
    kind, _, name = speaker.partition(":")
    return {"type": kind.strip(), "id": name.removeprefix(" ")}


def _content(cells: JsonMapping) -> JsonObject:
    return {"text": str(cells["message"])} if "message" in cells else {}


def _metrics(cells: JsonMapping) -> JsonObject:
    metrics = {name: _number(cells[name]) for name in ("latency_ms", "cost_usd") if name in cells}
    columns = {"prompt": "tokens_in", "completion": "tokens_out"}
    tokens = {kind: _number(cells[name]) for kind, name in columns.items() if name in cells}
    return metrics | ({"tokens": tokens} if tokens else {})


def _extensions(cells: JsonMapping) -> JsonObject:
    columns = {
        "reply_to": "reply_to",
        "status_code": "status_code",
        "model": "model",
        "score": "relevance_score",
    }
    extensions = {key: cells[name] for key, name in columns.items() if name in cells}
    for key in extensions.keys() & {"status_code", "score"}:
        extensions[key] = _number(extensions[key])
    if _has_own_name(cells):
        extensions["conversation"] = cells["session"]
    return extensions


def _has_own_name(cells: JsonMapping) -> bool:
    """Return whether the conversation's short name was given by the program, and is not cut from its id."""
    if "session" not in cells or "conversation_id" not in cells:
        return False
    return bool(cells["session"] != COLUMNS["session"]({"session_id": cells["conversation_id"]}))


def _number(value: object) -> object:
    """Return the number in a cell; any other value as it is, for validation to reject."""
    try:
        number = float(value) if isinstance(value, str) else value
    except ValueError:
        return value
    return int(number) if isinstance(number, float) and number.is_integer() else number
