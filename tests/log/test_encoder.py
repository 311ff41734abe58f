from __future__ import annotations

import enum
import json
import math

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hilt_autolog.log.encoder import encode_line

patient = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])

plain_text = st.text(st.characters(exclude_categories=("Cs",)))
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | plain_text,
    lambda inner: st.lists(inner) | st.dictionaries(plain_text, inner),
    max_leaves=30,
)
odd_values = st.recursive(
    st.floats() | st.text(st.characters()) | st.integers() | st.binary() | st.none() | st.just(object()),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text() | st.integers() | st.none(), inner) | st.sets(st.text())
    ),
    max_leaves=30,
)


def decoded(event):
    """The event as a JSON reader gets it back; fails unless it is one line for everybody."""
    data = encode_line(event)
    assert data.endswith(b"\n")
    assert len(data.splitlines()) == 1
    assert len(data.decode().splitlines()) == 1
    return json.loads(data, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


@patient
@given(st.dictionaries(plain_text, json_values))
def test_plain_json_comes_back_as_it_was(event):
    assert decoded(event) == event


@patient
@given(st.dictionaries(st.text(), odd_values))
def test_anything_else_is_one_line_of_valid_json(event):
    assert type(decoded(event)) is dict


def test_the_line_is_compact_utf8():
    assert encode_line({"text": "Größe", "n": 1}) == '{"text":"Größe","n":1}\n'.encode()


@pytest.mark.parametrize(
    "hidden",
    [chr(point) for point in (0x7F, *range(0x80, 0xA0), *range(0x200B, 0x2010), 0x2028, 0x2029)]
    + [chr(point) for point in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF)],
    ids=lambda char: f"U+{ord(char):04X}",
)
def test_control_characters_and_line_separators_are_escaped(hidden):
    data = encode_line({f"k{hidden}": f"é{hidden}“”{hidden}"})
    assert hidden.encode() not in data
    assert data.count(b"\\u%04x" % ord(hidden)) == 3
    assert json.loads(data) == {f"k{hidden}": f"é{hidden}“”{hidden}"}


@pytest.mark.parametrize(
    "kept", ["\xa0", "“”…", "\u2010", "\u2030", "\u2065", "\u206a", "漢字", "\ufefe", "😀"]
)
def test_characters_beside_them_stay_as_they_are(kept):
    assert kept.encode() in encode_line({"text": kept})


@pytest.mark.parametrize("control", ["\n", "\r", "\x00", "\x1b[2J", "\x0b", "\x0c", "\x1c"])
def test_control_characters_are_escaped(control):
    assert decoded({"text": control}) == {"text": control}


@pytest.mark.parametrize(
    ("number", "text"), [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity")]
)
def test_a_number_that_json_does_not_have_is_not_null(number, text):
    assert decoded({"a": [{"b": number}], "c": None}) == {"a": [{"b": text}], "c": None}


def test_an_enum_whose_value_raises_does_not_reach_orjson():
    # orjson 3.13 crashes the process on it; this test would not fail but die.
    class Hostile(enum.Enum):
        ONE = 1

        @property
        def value(self):
            raise RuntimeError

    assert decoded({"a": Hostile.ONE}) == {"a": 1}


def test_depth_and_cycles_end_in_markers():
    deep = here = {}
    for _ in range(1000):
        here["in"] = {}
        here = here["in"]
    event = {"deep": deep}
    event["self"] = event
    values = decoded(event)
    assert values["self"] == "<cycle>"
    assert b"<...>" in encode_line(event)


def test_plain_json_is_not_cut():
    deep = here = []
    for _ in range(100):
        here.append([])
        here = here[0]
    event = {"ids": list(range(50_000)), "deep": deep, "null": "null"}
    assert decoded(event) == event


@pytest.mark.parametrize("event", [["a"], "a", None, object, {1: 2}.items()])
def test_what_is_not_an_object_is_kept_under_a_key(event):
    assert list(decoded(event)) == ["event"]


def test_a_dict_subclass_is_read_past_its_overrides():
    class Hostile(dict):
        def _raise(self, *_):
            raise RuntimeError

        keys = items = values = __getitem__ = __len__ = __iter__ = _raise

    assert decoded(Hostile(a=1)) == {"a": 1}


def test_encoding_leaves_the_event_alone():
    event = {1: {2, 3}, "x": float("nan")}
    encode_line(event)
    assert list(event) == [1, "x"]
    assert event[1] == {2, 3}


def test_the_fast_way_is_orjsons():
    event = {"a": [1, 2.5, True, None, "é", {"b": []}]}
    assert encode_line(event) == orjson.dumps(event) + b"\n"
