"""Anything at all -> what JSON can say, without running a line of anybody's code.

Values arrive here that a program handed to its SDK: sentinels, models, locks, half-read generators, objects
whose every method raises. They are read by base classes and raw storage only: no attribute of theirs is
looked up, no `__repr__`, `__eq__`, `__hash__`, `__iter__` or property is called, no iterator is moved.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import TYPE_CHECKING, Any

import orjson

from hilt_autolog.io.records import fields, name, own
from hilt_autolog.io.scalars import BASES, EXACT, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DEPTH = 32
NODES = 20_000
MORE = "<...>"
CYCLE = "<cycle>"


def plain(value: Any) -> Any:
    """Turns any object into `dict`, `list`, `str`, `int`, `float`, `bool` and `None`, and never raises.

    Strings are kept whole. What JSON cannot say becomes text: lone surrogates as backslash escapes,
    non-finite floats as `NaN`, `Infinity`, `-Infinity`, integers beyond 64 bits as their digits, dates,
    UUIDs, paths and decimals as usual, bytes as `{"bytes": n, "sha256": hex}`, sets as lists, enums by value,
    classes and functions by name, any other object as `<module.TypeName>`. Records (dataclasses, attrs
    classes, pydantic models) become their public fields.

    Args:
        value: Anything. It is not altered, and no code of its class runs.

    Returns:
        A new structure. `<...>` stands for what is below `DEPTH` levels or comes after `NODES` nodes,
        `<cycle>` for a container inside itself.
    """
    try:
        return _Walk().value(value)
    except Exception:  # no stack or no memory left, not even to name the outermost value
        return MORE


class _Walk:
    """One conversion: how many nodes are left, and the identities of the containers that we are inside of."""

    def __init__(self) -> None:
        self.left = NODES
        self.path: list[int] = []

    def value(self, value: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            return MORE
        kind = type(value)
        try:
            if kind is str:
                return text(value)
            if kind is bool or value is None:
                return value
            if kind is dict or kind is list:
                return self._container(value, kind)
            return self._other(value, kind)
        except (
            Exception
        ):  # altered by another thread meanwhile, no memory, no stack: name what cannot be read
            return text(name(kind))

    def _other(self, value: Any, kind: type) -> Any:
        # issubclass() asks only the second class's metaclass; isinstance() would ask the object's __class__.
        if issubclass(kind, Enum):
            return self.value(own(value).get("_value_", name(kind)))
        for base, read in BASES:
            if issubclass(kind, base):
                return read(value)
        if issubclass(kind, type):
            return text(f"<class {name(value)[1:]}")
        if exact := EXACT.get(id(kind)):
            return text(exact(value))
        return self._container(value, kind)

    def _container(self, value: Any, kind: type) -> Any:
        if issubclass(kind, dict):
            return self._inside(value, self._mapping, [*dict.items(value)])
        for base in (list, tuple, set, frozenset, deque):
            if issubclass(kind, base):
                return self._inside(value, self._sequence, [*base.__iter__(value)])
        pairs = fields(value)
        return text(name(kind)) if pairs is None else self._inside(value, self._mapping, pairs)

    def _inside(self, value: Any, build: Callable[[Iterable[Any]], Any], content: list[Any]) -> Any:
        if id(value) in self.path:
            return CYCLE
        if len(self.path) >= DEPTH:
            return MORE
        self.path.append(id(value))
        try:
            return build(content)
        finally:
            self.path.pop()

    def _sequence(self, items: Iterable[Any]) -> list[Any]:
        out = []
        for item in items:
            out.append(self.value(item))
            if self.left < 0:
                break
        return out

    def _mapping(self, pairs: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key, item in pairs:
            if self.left <= 0:
                out[MORE] = MORE
                break
            label = text(key) if type(key) is str else self._label(key)
            while label in out:  # 1 and "1", or two objects of one class: both are kept
                label = f"{label}#{len(out)}"
            out[label] = self.value(item)
        return out

    def _label(self, key: Any) -> str:
        label = self.value(key)
        return label if type(label) is str else orjson.dumps(label).decode()
