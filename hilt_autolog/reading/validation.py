"""A line of a log as a validated event, or the reason why it is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from hilt_autolog.event import Event

from .columns import COLUMNS, event_from_row, is_row

if TYPE_CHECKING:
    from collections.abc import Mapping


def validate_event(line: Mapping[str, Any], *, is_table: bool = False) -> Event | str:
    """Return the event that a line holds, whole or as a row of columns, or what is wrong with it.

    Args:
        line: What a line of a log says.
        is_table: The log is known to hold rows, so that any column marks one.
    """
    rows = is_row(line) or (is_table and line.keys() <= COLUMNS.keys())
    try:
        return Event.from_dict(event_from_row(line) if rows else dict(line))
    except ValidationError as error:
        return f"no HILT event: {format_errors(error)}"


def format_errors(error: ValidationError) -> str:
    """Return what is wrong with an event in one line: the fields, and what is said of each."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'event'}: {fault['msg']}" for fault in faults)
