"""Single values -> what JSON can say: text, numbers, and text for what has no JSON form."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from hashlib import sha256
from math import isfinite, isnan
from pathlib import PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from types import BuiltinFunctionType, FunctionType
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hilt_autolog.io.records import name

if TYPE_CHECKING:
    from collections.abc import Callable


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
