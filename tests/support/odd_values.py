"""Values that programs pass where JSON is expected, and a few that nobody should."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import io
import pathlib
import threading
import types
import uuid
import weakref
from typing import NamedTuple

import openai
import pydantic


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Word(enum.StrEnum):
    YES = "yes"


class Model(pydantic.BaseModel):
    name: str = "a"


@dataclasses.dataclass
class Point:
    x: int = 1


class Pair(NamedTuple):
    left: int
    right: int


class Text(str):
    __slots__ = ()


class Number(int):
    pass


class Mapping(dict):
    pass


class Items(list):
    pass


class Hostile:
    """Whatever one does to it raises."""

    def _raise(self, *_):
        raise ZeroDivisionError("hostile")

    __repr__ = __str__ = __len__ = __iter__ = __eq__ = __bool__ = __getattr__ = _raise
    __hash__ = None  # type: ignore[assignment]  # as Python does where there is an __eq__


class HostileMapping(dict):
    def _raise(self, *_):
        raise ZeroDivisionError("hostile")

    __iter__ = items = keys = values = get = __len__ = __contains__ = __repr__ = _raise


class HostileText(str):
    __slots__ = ()

    def _raise(self, *_):
        raise ZeroDivisionError("hostile")

    __repr__ = __len__ = encode = startswith = __format__ = _raise


class Exiting:
    def __repr__(self):
        raise SystemExit(9)

    __str__ = __repr__


def cyclic_list():
    value = []
    value.append(value)
    return value


def cyclic_mapping():
    value = {}
    value["self"] = value
    return value


def deep(levels):
    value: object = "bottom"
    for _ in range(levels):
        value = [value]
    return value


def generated():
    yield "a"
    yield "b"


KEPT = [Point()]  # a weak reference needs something to refer to
VALUES = {
    "null": lambda: None,
    "true": lambda: True,
    "zero": lambda: 0,
    "minus zero": lambda: -0.0,
    "NaN": lambda: float("nan"),
    "infinity": lambda: float("inf"),
    "a huge number": lambda: 10**400,
    "over 64 bits": lambda: 2**64,
    "nothing": lambda: "",
    "NUL": lambda: "a\0b",
    "controls": lambda: "\x1b[31m\x7f\x9b\r\n\t",
    "line separators": lambda: "\u2028\u2029\x85",
    "directions": lambda: "\u202e\u2066\u200b\ufeff",
    "half a character": lambda: "\ud83d",
    "an emoji": lambda: "\U0001f600",
    "a long text": lambda: "x" * 1_000_000,
    "markup": lambda: "</script><!--",
    "bytes": lambda: b"\xff\x00",
    "a bytearray": lambda: bytearray(b"ab"),
    "a memoryview": lambda: memoryview(b"ab"),
    "a tuple": lambda: (1, "a"),
    "a set": lambda: {1},
    "a frozenset": lambda: frozenset((1,)),
    "a deque": lambda: collections.deque((1,)),
    "an ordered dict": lambda: collections.OrderedDict(a=1),
    "a default dict": lambda: collections.defaultdict(list, a=[1]),
    "a user dict": lambda: collections.UserDict(a=1),
    "a proxy": lambda: types.MappingProxyType({"a": 1}),
    "a range": lambda: range(3),
    "a generator": generated,
    "an iterator": lambda: iter(["a", "b"]),
    "an open file": lambda: io.BytesIO(b"abc"),
    "a path": lambda: pathlib.PurePosixPath("/a"),
    "a date": lambda: dt.date(2026, 1, 2),
    "a time": lambda: dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
    "a duration": lambda: dt.timedelta(1),
    "a decimal": lambda: decimal.Decimal("1.5"),
    "a fraction": lambda: fractions.Fraction(1, 3),
    "a complex number": lambda: 1 + 2j,
    "a UUID": lambda: uuid.UUID(int=1),
    "an enum": lambda: Colour.RED,
    "a number's enum": lambda: Level.LOW,
    "a text's enum": lambda: Word.YES,
    "a dataclass": Point,
    "a named tuple": lambda: Pair(1, 2),
    "a pydantic model": Model,
    "a pydantic class": lambda: Model,
    "a function": lambda: generated,
    "an object": object,
    "a class": lambda: Point,
    "a module": lambda: types,
    "a lock": threading.Lock,
    "an exception": lambda: ValueError("a"),
    "a weak reference": lambda: weakref.proxy(KEPT[0]),
    "not given": lambda: openai.NOT_GIVEN,
    "a text of its own": lambda: Text("a"),
    "a number of its own": lambda: Number(3),
    "a dict of its own": lambda: Mapping(a=1),
    "a list of its own": lambda: Items([1]),
    "keys that are no text": lambda: {1: "a", None: "b", 2.5: "c"},
    "keys that are pairs": lambda: {(1, 2): "a"},
    "a list in itself": cyclic_list,
    "a dict in itself": cyclic_mapping,
    "900 lists deep": lambda: deep(900),
    "3000 lists deep": lambda: deep(3000),
    "hostile": Hostile,
    "a hostile dict": lambda: HostileMapping(a=1),
    "a hostile text": lambda: HostileText("a"),
    "exits when shown": Exiting,
}
ONCE = ("a generator", "an iterator")  # what is left of them shows whether somebody has looked
