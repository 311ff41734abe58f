"""Events as rows of cells."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from hilt_autolog.io.columns import row

if TYPE_CHECKING:
    from collections.abc import Mapping

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
