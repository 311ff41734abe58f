"""Events as rows of cells, and rows as events again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from hilt_autolog.io.columns import row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hilt_autolog.sinks.target import Target

LONGEST_CELL = 50_000  # characters; the API refuses more
_INVISIBLE = dict.fromkeys((*range(9), *range(11, 32), 127))  # the API may refuse those, too

Cell = str | int | float | bool


def cells(event: Mapping[str, Any], target: Target) -> dict[str, Cell] | None:
    """Return the cells of an event by column, "" where it says nothing.

    None if the event gets no row: a line of the log about itself, a chunk that is not asked for, or an event
    that has nothing in any of the columns (a blank row would end the table for the API).
    """
    actor = event.get("actor")
    if isinstance(actor, dict) and actor.get("type") == "system" and actor.get("id") == "hilt-autolog":
        return None
    if event.get("action") == "completion_chunk" and not target.chunks:
        return None
    found = {name: cell(value) for name, value in row(event, target.columns).items()}
    return found if any(value != "" for value in found.values()) else None


def cell(value: Any) -> Cell:
    """Return a value as a cell: numbers as they are, None as "", a text as long as a cell can be."""
    if value is None:
        return ""
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value).translate(_INVISIBLE)[:LONGEST_CELL]


def event_of(header: Sequence[str], line: Sequence[Any]) -> dict[str, Any]:
    """Return what a row tells of an event; what its cells do not tell is absent."""
    told = {name: value for name, value in zip(header, line, strict=False) if value not in ("", None)}
    kind, _, identity = str(told.get("speaker", "")).partition(": ")
    event: dict[str, Any] = {"hilt_version": "1.0.0"}
    event |= _texts(told, {"event_id": "event_id", "timestamp": "timestamp", "conversation_id": "session_id"})
    if kind:
        event["actor"] = {"type": kind, "id": identity}
    event |= _texts(told, {"action": "action"})
    if "message" in told:
        event["content"] = {"text": str(told["message"])}
    tokens = _numbers(told, {"tokens_in": "prompt", "tokens_out": "completion"})
    metrics = _numbers(told, {"latency_ms": "latency_ms", "cost_usd": "cost_usd"})
    metrics |= {"tokens": tokens} if tokens else {}
    extensions = _texts(told, {"reply_to": "reply_to", "model": "model"})
    extensions |= _numbers(told, {"status_code": "status_code", "relevance_score": "score"})
    return event | {
        name: part for name, part in (("metrics", metrics), ("extensions", extensions)) if part
    }


def _texts(told: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {to: str(told[name]) for name, to in names.items() if name in told}


def _numbers(told: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return numbers, also where an older tool has written them as text."""
    found = {to: _number(told[name]) for name, to in names.items() if name in told}
    return {to: number for to, number in found.items() if number is not None}


def _number(value: Any) -> int | float | None:
    if isinstance(value, int | float):
        return value
    for kind in (int, float):
        try:
            number = kind(str(value))
        except ValueError:
            continue
        return number if math.isfinite(number) else None
    return None
