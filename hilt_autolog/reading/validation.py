"""Validate a line of a log against the event format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from hilt_autolog.event import Event

from .columns import COLUMNS, event_from_row, is_row

if TYPE_CHECKING:
    from hilt_autolog.contracts.types import JsonMapping


def validate_event(line: JsonMapping, *, is_table: bool = False) -> Event | str:
    """Return the event that a line holds, whole or as a row of columns, or what is wrong with it.

    Args:
        line: the JSON object of a line.
        is_table: the log is known to hold rows, so that a line of nothing but columns is one.
    """
    is_row_line = is_row(line) or (is_table and line.keys() <= COLUMNS.keys())
    try:
        return Event.from_dict(event_from_row(line) if is_row_line else dict(line))
    except ValidationError as error:
        return f"no HILT event: {format_errors(error)}"


def format_errors(error: ValidationError) -> str:
    """Return the errors of a validation in one line: `field: message; field: message`."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, item['loc'])) or 'event'}: {item['msg']}" for item in errors)
