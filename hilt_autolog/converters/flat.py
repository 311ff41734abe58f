"""Flatten an event to a row with a column for each path of keys, such as `metrics.tokens.total`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hilt_autolog.contracts.types import JsonMapping

Cell = str | int | float | None

_SEPARATOR = ";"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for a formula


def flatten(event: JsonMapping, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield each path of keys of an event and its value: anything but an object that has keys itself."""
    for key, value in event.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            yield from flatten(value, f"{path}.")
        else:
            yield path, value


def value_at(event: JsonMapping, path: str) -> object:
    """Return the value at a path of keys, which may be a whole object; None, if there is none."""
    if path in event:
        return event[path]
    key, _, rest = path.partition(".")
    while rest:  # a key may contain dots itself
        inner = event.get(key)
        if isinstance(inner, dict) and (value := value_at(inner, rest)) is not None:
            return value
        more, _, rest = rest.partition(".")
        key = f"{key}.{more}"
    return None


def to_cell(value: object) -> Cell:
    """Return a value as a cell of a table.

    Numbers and texts stay as they are; a list of them is joined by ";", unless one of them contains a ";";
    everything else becomes JSON.
    """
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, bool)):
        return value
    if isinstance(value, list) and value and all(_is_simple(item) for item in value):
        return _SEPARATOR.join(map(json_or_text, value))
    return json_or_text(value)


def escape_formula(value: Cell) -> Cell:
    """Return a cell that no spreadsheet executes: with an apostrophe before a text that may be a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


def _is_simple(item: object) -> bool:
    if isinstance(item, str):
        return _SEPARATOR not in item
    return item is None or isinstance(item, int | float)


def json_or_text(value: object) -> str:
    """Return a text as it is, any other value as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
