"""From a flat row of HILT columns back to an event: what a table kept of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .columns import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping

Event = dict[str, Any]

UNKNOWN = "unknown"  # stands for a conversation and a speaker that no column tells
BEGINNING = "1970-01-01T00:00:00.000000Z"  # stands for a time that no column tells


def is_row(line: Mapping[str, Any]) -> bool:
    """Whether a line of a log is a row of columns: it has no other key, and one that only HILT has."""
    return line.keys() <= COLUMNS.keys() and ("speaker" in line or "conversation_id" in line)


def told(line: Event) -> Event:
    """Return the event that a line of a log tells of: itself, or what a row of columns stands for."""
    return event_of(line) if "actor" not in line and is_row(line) else line


def event_of(row: Mapping[str, Any]) -> Event:
    """Return the event that a row tells of, as it would stand in a log.

    Args:
        row: Values by column. An empty text is an absent value, and text that is a number a number, as
            hilt-python and sheets write them.

    Returns:
        An event in which what no column told is absent. Where an event must say something, it says
        `unknown` (the conversation, the speaker), `system` (its type, the action) or 1970 (the time).
    """
    told = {name: value for name, value in row.items() if value is not None and value != ""}
    event: Event = {"event_id": told["event_id"]} if "event_id" in told else {}
    event["timestamp"] = told.get("timestamp", BEGINNING)
    event["session_id"] = str(told.get("conversation_id", told.get("session", UNKNOWN)))
    event["actor"] = _actor(str(told.get("speaker", f"system: {UNKNOWN}")))
    event["action"] = told.get("action", "system")
    parts = {"content": _content(told), "metrics": _metrics(told), "extensions": _extensions(told)}
    return event | {name: part for name, part in parts.items() if part}


def _actor(speaker: str) -> dict[str, str]:
    kind, _, identity = speaker.partition(":")
    return {"type": kind.strip(), "id": identity.removeprefix(" ")}


def _content(told: Mapping[str, Any]) -> dict[str, Any]:
    return {"text": str(told["message"])} if "message" in told else {}


def _metrics(told: Mapping[str, Any]) -> dict[str, Any]:
    metrics = {name: _number(told[name]) for name in ("latency_ms", "cost_usd") if name in told}
    columns = {"prompt": "tokens_in", "completion": "tokens_out"}
    tokens = {kind: _number(told[name]) for kind, name in columns.items() if name in told}
    return metrics | ({"tokens": tokens} if tokens else {})


def _extensions(told: Mapping[str, Any]) -> dict[str, Any]:
    keys = {
        "reply_to": "reply_to",
        "status_code": "status_code",
        "model": "model",
        "score": "relevance_score",
    }
    extensions = {key: told[name] for key, name in keys.items() if name in told}
    for key in extensions.keys() & {"status_code", "score"}:
        extensions[key] = _number(extensions[key])
    if _is_plain_name(told):
        extensions["conversation"] = told["session"]
    return extensions


def _is_plain_name(told: Mapping[str, Any]) -> bool:
    """Whether the short name of a conversation is one that the program gave, and not cut from its id."""
    if "session" not in told or "conversation_id" not in told:
        return False
    return bool(told["session"] != COLUMNS["session"]({"session_id": told["conversation_id"]}))


def _number(value: Any) -> Any:
    """Return the number that a cell holds; whatever else it holds is left for validation to judge."""
    try:
        number = float(value) if isinstance(value, str) else value
    except ValueError:
        return value
    return int(number) if isinstance(number, float) and number.is_integer() else number
