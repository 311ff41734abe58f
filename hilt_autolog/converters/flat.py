"""An event as one flat row: a column for each path of keys, such as `metrics.tokens.total`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

Cell = str | int | float | None

_SEPARATOR = ";"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for one


def flatten(event: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each path of keys of an event and what stands there: anything but an object that has keys."""
    for key, value in event.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            yield from flatten(value, f"{path}.")
        else:
            yield path, value


def value_at(event: dict[str, Any], path: str) -> Any:
    """Return what stands at a path of keys, a whole object perhaps; None, if nothing does."""
    if path in event:
        return event[path]
    head, _, rest = path.partition(".")
    while rest:  # a key may have dots itself
        inner = event.get(head)
        if isinstance(inner, dict) and (found := value_at(inner, rest)) is not None:
            return found
        more, _, rest = rest.partition(".")
        head = f"{head}.{more}"
    return None


def to_cell(value: Any) -> Cell:
    """Return a value as a cell of a table can hold it.

    Numbers and texts stay what they are; a list of them is joined by ";", unless one of them has a ";" in
    it; all else is JSON.
    """
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, bool)):
        return value
    if isinstance(value, list) and value and all(_is_simple(item) for item in value):
        return _SEPARATOR.join(map(_text, value))
    return _text(value)


def escape_formula(value: Cell) -> Cell:
    """Return a cell that no spreadsheet runs: an apostrophe before a text that could be a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _is_simple(item: Any) -> bool:
    if isinstance(item, str):
        return _SEPARATOR not in item
    return item is None or isinstance(item, int | float)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
