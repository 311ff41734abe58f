"""The torture list: what people really pass to SDKs, and what nobody should."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import hashlib
import io
import math
import pathlib
import re
import sys
import threading
import types
import uuid
import weakref
import zoneinfo
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from fractions import Fraction

import openai
import orjson
import pydantic
import pytest
from pydantic import v1

from hilt_autolog.log.json_values import MAX_DEPTH, MAX_NODES, to_json_value

HERE = f"{__name__}.test_"


class Touched(BaseException):
    """User code ran. Not an Exception, so that nothing swallows it."""


def touched(*_args, **_kwargs):
    raise Touched


NAMES = """
    repr str format bytes iter next len bool eq hash contains index getattr getattribute getitem missing
    reduce_ex reduce deepcopy copy dir float int complex fspath call enter json length_hint
    instancecheck buffer
"""
METHODS = "items keys values get copy model_dump model_dump_json dict json encode decode isoformat utcoffset"
HOSTILE = dict.fromkeys([*(f"__{name}__" for name in NAMES.split()), *METHODS.split()], touched)


class HostileMeta(type):
    __getattribute__ = __hash__ = __eq__ = __repr__ = __instancecheck__ = __subclasscheck__ = __iter__ = (
        touched
    )


def hostile(*bases, **body):
    return type("Hostile", bases, {**HOSTILE, "__class__": property(touched), **body})


class Colour(enum.Enum):
    RED = "red"


class Role(enum.StrEnum):
    USER = "user"


class Bits(enum.IntFlag):
    A = 1
    B = 2


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    role: str
    parts: list = []
    _secret: str = "hidden"

    @property
    def computed(self):
        raise Touched

    @pydantic.model_serializer
    def serialised(self):
        raise Touched


class Old(v1.BaseModel):
    role: str


@dataclasses.dataclass
class Data:
    role: str
    _private: str = "hidden"

    __repr__ = __eq__ = __getattribute__ = touched
    __hash__ = touched


@dataclasses.dataclass(slots=True)
class Slotted:
    role: str
    unset: str = dataclasses.field(init=False)


Pair = namedtuple("Pair", "left right")  # noqa: PYI024 (the untyped kind is the one under test)


class Ordinary:
    def __init__(self):
        self.api_key = "sk-secret"


class Huge:
    def __repr__(self):
        return "x" * 50_000_000


class Zone(dt.tzinfo):
    utcoffset = tzname = dst = touched


def generator():
    yield from range(3)


class Attributes:
    """What attrs makes of a class, as far as a reader of it can see."""

    __attrs_attrs__ = ()

    def __init__(self):
        self.role = "user"


MOMENT = dt.datetime(2026, 11, 22, 13, 0, 0, 5, tzinfo=dt.UTC)
BYTES = {"bytes": 3, "sha256": hashlib.sha256(b"abc").hexdigest()}
TORTURE = {
    "sentinel": (openai.NOT_GIVEN, "<openai.NotGiven>"),
    "omit": (openai.Omit(), "<openai.Omit>"),
    "ellipsis": (..., "<builtins.ellipsis>"),
    "not implemented": (NotImplemented, "<builtins.NotImplementedType>"),
    "pydantic class": (Model, f"<class {__name__}.Model>"),
    "pydantic instance": (Model(role="user", parts=[1], more=2), {"role": "user", "parts": [1], "more": 2}),
    "pydantic 1 instance": (Old(role="user"), {"role": "user"}),
    "dataclass": (Data("user"), {"role": "user"}),
    "dataclass with slots": (Slotted("user"), {"role": "user"}),
    "attrs": (Attributes(), {"role": "user"}),
    "other object": (Ordinary(), f"<{__name__}.Ordinary>"),
    "50 MB repr": (Huge(), f"<{__name__}.Huge>"),
    "bytes": (b"abc", BYTES),
    "bytearray": (bytearray(b"abc"), BYTES),
    "memoryview": (memoryview(b"aXbXcX")[::2], BYTES),
    "bytes subclass": (hostile(bytes)(b"abc"), BYTES),
    "nan": (math.nan, "NaN"),
    "infinity": (math.inf, "Infinity"),
    "minus infinity": (-math.inf, "-Infinity"),
    "float subclass": (hostile(float)(1.5), 1.5),
    "big int": (2**64 - 1, 2**64 - 1),
    "bigger int": (2**64, str(2**64)),
    "huge negative": (-(10**30), str(-(10**30))),
    "too many digits": (16**5000, "0x1" + "0" * 5000),
    "int subclass": (hostile(int)(7), 7),
    "bool": (True, True),
    "complex": (1 + 2j, "(1+2j)"),
    "decimal": (decimal.Decimal("1.10"), "1.10"),
    "fraction": (Fraction(1, 3), "<fractions.Fraction>"),
    "surrogate": ("a\ud800b", "a\\ud800b"),
    "str subclass": (hostile(str)("text"), "text"),
    "long text": ("é" * 1_000_000, "é" * 1_000_000),
    "datetime": (MOMENT, "2026-11-22T13:00:00.000005+00:00"),
    "datetime with zone": (
        dt.datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo("UTC")),
        "2026-07-01T00:00:00+00:00",
    ),
    "datetime with foreign zone": (
        MOMENT.replace(tzinfo=Zone()),
        f"2026-11-22T13:00:00.000005<{__name__}.Zone>",
    ),
    "date": (dt.date(2026, 11, 22), "2026-11-22"),
    "time": (dt.time(1, 2), "01:02:00"),
    "timedelta": (dt.timedelta(days=1), "1 day, 0:00:00"),
    "uuid": (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    "path": (pathlib.PurePosixPath("a/b"), "a/b"),
    "real path": (pathlib.Path("a\udc80"), "a\\udc80"),
    "enum": (Colour.RED, "red"),
    "str enum": (Role.USER, "user"),
    "flag": (Bits.A | Bits.B, 3),
    "class": (int, "<class builtins.int>"),
    "function": (touched, f"<function {__name__}.touched>"),
    "builtin function": (len, "<function builtins.len>"),
    "lambda": (lambda: 1, f"<function {__name__}.<lambda>>"),
    "module": (sys, "<builtins.module>"),
    "lock": (threading.RLock(), "<_thread.RLock>"),
    "file": (io.StringIO("abc"), "<_io.StringIO>"),
    "pattern": (re.compile("a"), "<re.Pattern>"),
    "exception": (ValueError("secret"), "<builtins.ValueError>"),
    "tuple": ((1, (2,)), [1, [2]]),
    "named tuple": (Pair(1, 2), [1, 2]),
    "set": ({1}, [1]),
    "frozenset": (frozenset({"a"}), ["a"]),
    "deque": (deque([1, 2]), [1, 2]),
    "ordered dict": (OrderedDict(a=1), {"a": 1}),
    "default dict": (defaultdict(touched, a=1), {"a": 1}),
    "counter": (Counter("aab"), {"a": 2, "b": 1}),
    "dict subclass": (hostile(dict)(a=1), {"a": 1}),
    "list subclass": (hostile(list)([1, 2]), [1, 2]),
    "tuple subclass": (hostile(tuple)((1, 2)), [1, 2]),
    "set subclass": (hostile(set)({1}), [1]),
    "mapping proxy": (types.MappingProxyType(hostile(dict)(a=1)), "<builtins.mappingproxy>"),
    "namespace": (types.SimpleNamespace(a=1), "<types.SimpleNamespace>"),
    "weak reference": (weakref.proxy(Colour), "<weakref.CallableProxyType>"),
    "hostile object": (hostile()(), f"<{__name__}.Hostile>"),
    "hostile class": (HostileMeta("Evil", (), {"__module__": "m"}), "<class m.Evil>"),
    "object of a hostile class": (HostileMeta("Evil", (), {"__module__": "m"})(), "<m.Evil>"),
    "class without a module": (type("X", (), {"__module__": None})(), "<X>"),
    "keys of all kinds": (
        {1: "a", "1": "b", None: "c", False: "d", 2.5: "e", (1, 2): "f", math.nan: "g", Colour.RED: "h"},
        {"1": "a", "1#1": "b", "null": "c", "false": "d", "2.5": "e", "[1,2]": "f", "NaN": "g", "red": "h"},
    ),
    "bytes as key": ({b"abc": 1}, {orjson.dumps(BYTES).decode(): 1}),
    "objects as keys": ({object(): 1, object(): 2}, {"<builtins.object>": 1, "<builtins.object>#1": 2}),
}


@pytest.mark.parametrize(("value", "expected"), TORTURE.values(), ids=TORTURE)
def test_torture(value, expected):
    assert to_json_value([value]) == [expected]
    orjson.dumps(to_json_value(value))


@pytest.mark.parametrize(
    "make", [generator, lambda: iter([0, 1, 2]), lambda: map(int, "012"), lambda: io.StringIO("0\n1")]
)
def test_what_can_be_read_once_is_not_read(make):
    value = make()
    assert to_json_value(value).startswith("<")
    assert [int(item) for item in value][:2] == [0, 1]


def test_a_property_named_dict_is_not_called():
    kind = dataclasses.make_dataclass("Tricky", ["a"], namespace={"__dict__": property(touched)})
    assert to_json_value(kind(1)) == {}


def test_cycles_end_where_they_close():
    items = [1]
    table = {"items": items}
    items.append(table)
    assert to_json_value(items) == [1, {"items": "<cycle>"}]


def test_the_same_object_twice_is_no_cycle():
    shared = [1]
    assert to_json_value([shared, shared]) == [[1], [1]]


def test_depth_is_limited():
    deep: object = "bottom"
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert str(to_json_value(deep)).count("[") == MAX_DEPTH
    assert "bottom" in str(to_json_value(deep))
    assert to_json_value([deep]) == eval("[" * MAX_DEPTH + "'<...>'" + "]" * MAX_DEPTH)


def test_nodes_are_limited_and_the_rest_is_one_marker():
    values = to_json_value(["x"] * (MAX_NODES + 10))
    assert len(values) == MAX_NODES
    assert values[-2:] == ["x", "<...>"]


def test_nodes_are_limited_in_mappings():
    values = to_json_value({str(number): 0 for number in range(MAX_NODES + 10)})
    assert list(values.items())[-2:] == [(str(MAX_NODES - 2), 0), ("<...>", "<...>")]


def test_a_billion_laughs_do_not_take_long():
    laughs = ["ha"] * 10
    for _ in range(30):
        laughs = [laughs] * 10
    assert len(orjson.dumps(to_json_value(laughs))) < 200_000


def test_without_stack_there_is_still_an_answer():
    def fall():
        try:
            return fall()
        except RecursionError:
            return to_json_value({"a": [1]})

    assert isinstance(fall(), dict | str)


def test_a_dict_that_changes_under_our_hands_does_no_harm():
    table: dict[object, object] = {number: [number] for number in range(100)}
    going = threading.Event()

    def churn():
        while not going.is_set():
            table[object()] = 1
            table.pop(next(reversed(table)))

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(300):
            assert len(to_json_value(table)) >= 100
    finally:
        going.set()
        thread.join()
