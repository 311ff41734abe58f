"""Anything at all -> what JSON can say, without running a line of anybody's code.

Values arrive here that a program handed to its SDK: sentinels, models, locks, half-read generators, objects
whose every method raises. They are read by base classes and raw storage only: no attribute of theirs is
looked up, no `__repr__`, `__eq__`, `__hash__`, `__iter__` or property is called, no iterator is moved.
"""

from __future__ import annotations

from collections import deque
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from hashlib import sha256
from math import isfinite, isnan
from pathlib import PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from types import BuiltinFunctionType, FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


MAX_DEPTH = 32
MAX_NODES = 20_000
MORE = "<...>"
CYCLE = "<cycle>"


def to_json_value(value: Any) -> Any:
    """Turns any object into `dict`, `list`, `str`, `int`, `float`, `bool` and `None`, and never raises.

    Strings are kept whole. What JSON cannot say becomes text: lone surrogates as backslash escapes,
    non-finite floats as `NaN`, `Infinity`, `-Infinity`, integers beyond 64 bits as their digits, dates,
    UUIDs, paths and decimals as usual, bytes as `{"bytes": n, "sha256": hex}`, sets as lists, enums by value,
    classes and functions by name, any other object as `<module.TypeName>`. Records (dataclasses, attrs
    classes, pydantic models) become their public fields.

    Args:
        value: Anything. It is not altered, and no code of its class runs.

    Returns:
        A new structure. `<...>` stands for what is below `MAX_DEPTH` levels or comes after `MAX_NODES` nodes,
        `<cycle>` for a container inside itself.
    """
    try:
        return _Walk().value(value)
    except Exception:  # no stack or no memory left, not even to name the outermost value
        return MORE


class _Walk:
    """One conversion: how many nodes are left, and the identities of the containers that we are inside of."""

    def __init__(self) -> None:
        self.left = MAX_NODES
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
        if len(self.path) >= MAX_DEPTH:
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


# A metaclass may redefine these names, so they are read with the descriptors of `type` itself.
_module_of = type.__dict__["__module__"].__get__
_qualname_of = type.__dict__["__qualname__"].__get__
_mro_of = type.__dict__["__mro__"].__get__
_namespace_of = type.__dict__["__dict__"].__get__

# What marks a class whose instances are records: dataclasses, attrs, pydantic 2, pydantic 1.
_MARKS = ("__dataclass_fields__", "__attrs_attrs__", "__pydantic_decorators__", "__validators__")


def name(kind: type) -> str:
    """The name of a class as `<module.QualName>`, private modules left out: `<openai.NotGiven>`."""
    module = _module_of(kind)
    parts = module.split(".") if type(module) is str else []
    public = [part for part in parts if not part.startswith("_")] or parts
    return f"<{'.'.join([*public, _qualname_of(kind)])}>"


def own(value: Any) -> dict[Any, Any]:
    """A copy of the instance dictionary; empty if there is none, or the class put a property before it."""
    for base in _mro_of(type(value)):
        getter = _namespace_of(base).get("__dict__")
        if type(getter) is GetSetDescriptorType:
            return dict(dict.items(getter.__get__(value)))
    return {}


def fields(value: Any) -> list[tuple[Any, Any]] | None:
    """The public fields of a record: from its dictionary, its slots, and a pydantic model's extras.

    Args:
        value: Any object.

    Returns:
        Pairs in no particular order, names that start with `_` left out; `None` if the object's class is not
        a dataclass, an attrs class or a pydantic model.
    """
    namespaces = [_namespace_of(base) for base in _mro_of(type(value))]
    if not any(mark in namespace for namespace in namespaces for mark in _MARKS):
        return None
    found = {**dict(_slots(value)), **own(value)}
    extra = found.get("__pydantic_extra__")
    pairs = [*found.items(), *(extra.items() if type(extra) is dict else ())]
    return [(key, item) for key, item in pairs if not (type(key) is str and key.startswith("_"))]


def _slots(value: Any) -> Iterator[tuple[str, Any]]:
    for base in reversed(_mro_of(type(value))):
        for slot, getter in _namespace_of(base).items():
            if type(getter) is MemberDescriptorType:
                try:
                    yield slot, getter.__get__(value)
                except AttributeError:  # never filled
                    continue


def text(value: str) -> str:
    r"""The same text; a lone surrogate, which UTF-8 has no bytes for, as the six characters `\udXXX`."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode(errors="backslashreplace").decode()
    return value


def whole(value: int) -> int | str:
    """An integer; its digits as text beyond 64 bits, where readers round or refuse numbers."""
    value = int.__pos__(value)  # an exact int, also of a subclass
    if -(2**63) <= value < 2**64:
        return value
    try:
        return str(value)
    except ValueError:  # more digits than the interpreter is willing to write in base ten
        return hex(value)


def real(value: float) -> float | str:
    """A number; `NaN`, `Infinity` and `-Infinity` as text."""
    value = float.__pos__(value)
    if isfinite(value):
        return value
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"


def digest(value: bytes) -> dict[str, Any]:
    """How many bytes, and which: inline data does not stand in a line."""
    return {"bytes": len(value), "sha256": sha256(value).hexdigest()}


def moment(value: datetime | time) -> str:
    """ISO 8601; the wall clock and the zone's type name where the offset is somebody's code."""
    zone = value.tzinfo
    if zone is None or type(zone) is timezone or type(zone) is ZoneInfo:
        return value.isoformat()
    return value.replace(tzinfo=None).isoformat() + name(type(zone))


def _function(value: Any) -> str:
    return f"<function {value.__module__}.{value.__qualname__}>"


# Read by the base class's own code, so a subclass may override what it likes.
BASES: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (str, lambda value: text(str.__str__(value))),
    (int, whole),
    (float, real),
    (bytes, lambda value: digest(bytes.__getitem__(value, slice(None)))),
    (bytearray, lambda value: digest(bytes(bytearray.copy(value)))),
    (memoryview, lambda value: digest(memoryview.tobytes(value))),
)

# Exactly these types: of a subclass, we would call what it overrides. Keyed by id(type), because a lookup by
# the type itself calls a metaclass's __hash__.
EXACT: dict[int, Callable[[Any], str]] = {
    **{id(kind): moment for kind in (datetime, time)},
    **{id(kind): str for kind in (date, timedelta, Decimal, UUID, complex)},
    **{id(kind): str for kind in (PosixPath, WindowsPath, PurePosixPath, PureWindowsPath)},
    **{id(kind): _function for kind in (FunctionType, BuiltinFunctionType)},
}
