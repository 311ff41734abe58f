"""From a row of HILT columns back to an event."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilt_autolog.event import Event
from hilt_autolog.reading.columns import COLUMNS, event_from_row, is_row, row_from_event

WHOLE = {
    "event_id": "0193",
    "timestamp": "2026-01-31T12:00:00.000000Z",
    "session_id": "conv_0123456789ab",
    "actor": {"type": "agent", "id": "ft:gpt-4o: mini"},
    "action": "completion",
    "content": {"text": "two lines"},
    "metrics": {"latency_ms": 119, "cost_usd": 0.5, "tokens": {"prompt": 12, "completion": 21}},
    "extensions": {
        "reply_to": "0192",
        "status_code": 200,
        "model": "gpt-4o-mini-2024",
        "score": 0.75,
        "conversation": "ticket-42",
    },
}
EVENTS = st.fixed_dictionaries(
    {
        "event_id": st.just("1"),
        "timestamp": st.just(WHOLE["timestamp"]),
        "session_id": st.text(min_size=1),
        "actor": st.fixed_dictionaries({"type": st.just("tool"), "id": st.text(min_size=1)}),
        "action": st.just("retrieval"),
    },
    optional={
        "content": st.fixed_dictionaries({"text": st.text()}),
        "metrics": st.fixed_dictionaries(
            {},
            optional={
                "latency_ms": st.integers(0, 10**9),
                "cost_usd": st.floats(0, 1e6),
                "tokens": st.dictionaries(st.sampled_from(["prompt", "completion"]), st.integers(0, 10**9)),
            },
        ),
        "extensions": st.fixed_dictionaries(
            {},
            optional={
                "status_code": st.integers(100, 599),
                "model": st.text(min_size=1),
                "score": st.floats(-1, 1),
                "conversation": st.text(min_size=1),
            },
        ),
    },
)


def test_all_that_the_columns_hold_comes_back():
    assert event_from_row(row_from_event(WHOLE)) == WHOLE


@given(EVENTS)
def test_an_event_read_from_a_row_makes_that_row(event):
    first = {name: value for name, value in row_from_event(event).items() if value not in (None, "")}
    again = Event.from_dict(event_from_row(first)).to_dict()
    assert {name: value for name, value in row_from_event(again).items() if value is not None} == first


def test_fields_without_a_column_have_placeholders_and_no_guesses():
    assert event_from_row({"cost_usd": 0.5}) == {
        "timestamp": "1970-01-01T00:00:00.000000Z",
        "session_id": "unknown",
        "actor": {"type": "system", "id": "unknown"},
        "action": "system",
        "metrics": {"cost_usd": 0.5},
    }


@pytest.mark.parametrize("absent", [None, ""])
def test_an_empty_cell_is_an_absent_value(absent):
    assert event_from_row(dict.fromkeys(COLUMNS, absent)) == event_from_row({})


def test_text_that_is_a_number_is_one():
    event = event_from_row(
        {"tokens_in": "12", "latency_ms": "119.0", "cost_usd": "0.000065", "status_code": "200", "model": "4"}
    )
    assert event["metrics"] == {"latency_ms": 119, "cost_usd": 0.000065, "tokens": {"prompt": 12}}
    assert event["extensions"] == {"status_code": 200, "model": "4"}


@pytest.mark.parametrize(
    "row",
    [{"tokens_in": "many"}, {"cost_usd": "0,5"}, {"cost_usd": "nan"}, {"speaker": "Bob"}, {"action": "hum"}],
)
def test_what_a_column_cannot_mean_is_no_event(row):
    with pytest.raises(ValueError, match="validation error"):
        Event.from_dict(event_from_row(row))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"speaker": "human: ada"}, True),
        ({"conversation_id": "c", "cost_usd": 1}, True),
        ({"timestamp": "2026-01-31", "message": "anybody's log"}, False),
        ({"speaker": "human: ada", "level": "INFO"}, False),
        (WHOLE, False),
        ({}, False),
    ],
)
def test_a_row_is_known_by_what_only_hilt_has(line, expected):
    assert is_row(line) is expected
