"""Convert any object to JSON's own types, without running any code of its class.

The values are arguments of SDK calls: sentinels, models, locks, half-read generators, objects whose methods
raise. They are read with the methods of base classes and from raw storage only: no attribute is looked up on
them, no `__repr__`, `__eq__`, `__hash__`, `__iter__` or property is called, no iterator is advanced.
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

    from hilt_autolog.contracts.types import JsonObject


MAX_DEPTH = 32
MAX_NODES = 20_000
OMITTED = "<...>"
CYCLE = "<cycle>"


def to_json_value(value: object) -> Any:
    """Convert any object to `dict`, `list`, `str`, `int`, `float`, `bool` and `None`, and never raise.

    Strings are kept whole. Values that JSON has no form for become text: lone surrogates as backslash
    escapes, non-finite floats as `NaN`, `Infinity`, `-Infinity`, integers beyond 64 bits as their digits,
    dates, UUIDs, paths and decimals in their usual form, bytes as `{"bytes": n, "sha256": hex}`, sets as
    lists, enums by value, classes and functions by name, any other object as `<module.TypeName>`. Records
    (dataclasses, attrs classes, pydantic models) become their public fields.

    Args:
        value: anything. It is not altered, and no code of its class runs.

    Returns:
        A new structure, with `<...>` in place of values below `MAX_DEPTH` levels or after `MAX_NODES` nodes,
        and `<cycle>` in place of a container that is inside itself.
    """
    try:
        return _Conversion().convert(value)
    except Exception:  # no stack or memory left, not even for the name of the outermost value
        return OMITTED


class _Conversion:
    """The state of one conversion: the number of nodes left, and the ids of the enclosing containers."""

    def __init__(self) -> None:
        self.nodes_left = MAX_NODES
        self.path: list[int] = []

    def convert(self, value: Any) -> Any:
        self.nodes_left -= 1
        if self.nodes_left < 0:
            return OMITTED
        kind = type(value)
        try:
            if kind is str:
                return valid_text(value)
            if kind is bool or value is None:
                return value
            if kind is dict or kind is list:
                return self._container(value, kind)
            return self._other(value, kind)
        except Exception:  # changed by another thread meanwhile, no memory, no stack
            return valid_text(class_name(kind))

    def _other(self, value: Any, kind: type) -> Any:
        # issubclass() consults the second class's metaclass only; isinstance() reads the object's __class__.
        if issubclass(kind, Enum):
            return self.convert(instance_dict(value).get("_value_", class_name(kind)))
        for base, convert in BASES:
            if issubclass(kind, base):
                return convert(value)
        if issubclass(kind, type):
            return valid_text(f"<class {class_name(value)[1:]}")
        if to_text := EXACT.get(id(kind)):
            return valid_text(to_text(value))
        return self._container(value, kind)

    def _container(self, value: Any, kind: type) -> Any:
        if issubclass(kind, dict):
            return self._inside(value, self._mapping, [*dict.items(value)])
        for base in (list, tuple, set, frozenset, deque):
            if issubclass(kind, base):
                return self._inside(value, self._sequence, [*base.__iter__(value)])
        pairs = record_fields(value)
        if pairs is None:
            return valid_text(class_name(kind))
        return self._inside(value, self._mapping, pairs)

    def _inside(self, value: object, build: Callable[[Iterable[Any]], object], content: list[Any]) -> object:
        if id(value) in self.path:
            return CYCLE
        if len(self.path) >= MAX_DEPTH:
            return OMITTED
        self.path.append(id(value))
        try:
            return build(content)
        finally:
            self.path.pop()

    def _sequence(self, items: Iterable[object]) -> list[object]:
        values = []
        for item in items:
            values.append(self.convert(item))
            if self.nodes_left < 0:
                break
        return values

    def _mapping(self, pairs: Iterable[tuple[object, object]]) -> JsonObject:
        values: JsonObject = {}
        for key, item in pairs:
            if self.nodes_left <= 0:
                values[OMITTED] = OMITTED
                break
            text = valid_text(key) if type(key) is str else self._key_text(key)
            while text in values:  # 1 and "1", or two objects of one class: both are kept
                text = f"{text}#{len(values)}"
            values[text] = self.convert(item)
        return values

    def _key_text(self, key: object) -> str:
        value = self.convert(key)
        return value if type(value) is str else orjson.dumps(value).decode()


# A metaclass may redefine these names, so they are read with the descriptors of `type` itself.
_module_of = type.__dict__["__module__"].__get__
_qualname_of = type.__dict__["__qualname__"].__get__
_mro_of = type.__dict__["__mro__"].__get__
_namespace_of = type.__dict__["__dict__"].__get__

# Attributes of a class whose instances are records: of dataclasses, attrs, pydantic 2, pydantic 1.
_RECORD_ATTRIBUTES = (
    "__dataclass_fields__",
    "__attrs_attrs__",
    "__pydantic_decorators__",
    "__validators__",
)


def class_name(kind: type) -> str:
    """Return the name of a class as `<module.QualName>`, without private modules: `<openai.NotGiven>`."""
    module = _module_of(kind)
    parts = module.split(".") if type(module) is str else []
    public = [part for part in parts if not part.startswith("_")] or parts
    return f"<{'.'.join([*public, _qualname_of(kind)])}>"


def instance_dict(value: object) -> dict[Any, Any]:
    """Return a copy of an instance's dictionary; empty if it has none, or a property hides it."""
    for base in _mro_of(type(value)):
        getter = _namespace_of(base).get("__dict__")
        if type(getter) is GetSetDescriptorType:
            return dict(dict.items(getter.__get__(value)))
    return {}


def record_fields(value: object) -> list[tuple[object, object]] | None:
    """Return the public fields of a record: from its dictionary, its slots, and a pydantic model's extras.

    Args:
        value: any object.

    Returns:
        Pairs in no particular order, without names that start with `_`; `None` if the object's class is not a
        dataclass, an attrs class or a pydantic model.
    """
    namespaces = [_namespace_of(base) for base in _mro_of(type(value))]
    if not any(name in namespace for namespace in namespaces for name in _RECORD_ATTRIBUTES):
        return None
    fields = {**dict(_slots(value)), **instance_dict(value)}
    extra = fields.get("__pydantic_extra__")
    pairs = [*fields.items(), *(extra.items() if type(extra) is dict else ())]
    return [(key, item) for key, item in pairs if not (type(key) is str and key.startswith("_"))]


def _slots(value: object) -> Iterator[tuple[str, Any]]:
    for base in reversed(_mro_of(type(value))):
        for slot, getter in _namespace_of(base).items():
            if type(getter) is MemberDescriptorType:
                try:
                    yield slot, getter.__get__(value)
                except AttributeError:  # never assigned
                    continue


def valid_text(value: str) -> str:
    r"""Return the same text, with a lone surrogate, which UTF-8 cannot encode, as characters: `\udXXX`."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode(errors="backslashreplace").decode()
    return value


def integer(value: int) -> int | str:
    """Return an integer; its digits as text beyond 64 bits, where readers round or reject numbers."""
    value = int.__pos__(value)  # an exact int, also of a subclass
    if -(2**63) <= value < 2**64:
        return value
    try:
        return str(value)
    except ValueError:  # more digits than the interpreter converts to base ten
        return hex(value)


def floating_point(value: float) -> float | str:
    """Return a number; `NaN`, `Infinity` and `-Infinity` as text."""
    value = float.__pos__(value)
    if isfinite(value):
        return value
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"


def digest(value: bytes) -> JsonObject:
    """Return the length and the hash of bytes, which replace the data in a line."""
    return {"bytes": len(value), "sha256": sha256(value).hexdigest()}


def iso_time(value: datetime | time) -> str:
    """Return ISO 8601; if the program's code computes the offset, the wall clock and the zone's type."""
    zone = value.tzinfo
    if zone is None or type(zone) is timezone or type(zone) is ZoneInfo:
        return value.isoformat()
    return value.replace(tzinfo=None).isoformat() + class_name(type(zone))


def _function(value: Any) -> str:
    return f"<function {value.__module__}.{value.__qualname__}>"


# Converted with the base class's own methods, even if a subclass overrides them.
BASES: tuple[tuple[type, Callable[[Any], object]], ...] = (
    (str, lambda value: valid_text(str.__str__(value))),
    (int, integer),
    (float, floating_point),
    (bytes, lambda value: digest(bytes.__getitem__(value, slice(None)))),
    (bytearray, lambda value: digest(bytes(bytearray.copy(value)))),
    (memoryview, lambda value: digest(memoryview.tobytes(value))),
)

# Exactly these types, because a subclass may override the methods that are called. Keyed by id(type), because
# a lookup by the type itself calls a metaclass's __hash__.
EXACT: dict[int, Callable[[Any], str]] = {
    **{id(kind): iso_time for kind in (datetime, time)},
    **{id(kind): str for kind in (date, timedelta, Decimal, UUID, complex)},
    **{id(kind): str for kind in (PosixPath, WindowsPath, PurePosixPath, PureWindowsPath)},
    **{id(kind): _function for kind in (FunctionType, BuiltinFunctionType)},
}
