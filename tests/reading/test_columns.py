"""The fifteen HILT columns of an event."""

from __future__ import annotations

import pytest

from hilt_autolog.reading.columns import COLUMNS, check_columns, row_from_event

COMPLETION = {
    "event_id": "0193",
    "timestamp": "2026-01-31T12:00:00.000000Z",
    "session_id": "conv_0123456789ab",
    "actor": {"type": "agent", "id": "gpt-4o-mini"},
    "action": "completion",
    "content": {"text": "two\n  lines"},
    "metrics": {"latency_ms": 119, "tokens": {"prompt": 12, "completion": 21, "total": 33}, "cost_usd": 0.5},
    "extensions": {"reply_to": "0192", "status_code": 200, "model": "gpt-4o-mini-2024", "score": 0.75},
}


def test_an_event_as_a_row():
    assert row_from_event(COMPLETION) == {
        "timestamp": "2026-01-31T12:00:00.000000Z",
        "conversation_id": "conv_0123456789ab",
        "event_id": "0193",
        "reply_to": "0192",
        "status_code": 200,
        "session": "Conv.01234567",
        "speaker": "agent: gpt-4o-mini",
        "action": "completion",
        "message": "two lines",
        "tokens_in": 12,
        "tokens_out": 21,
        "cost_usd": 0.5,
        "latency_ms": 119,
        "model": "gpt-4o-mini-2024",
        "relevance_score": 0.75,
    }


def test_only_the_columns_asked_for_in_their_order():
    assert list(row_from_event(COMPLETION, ("model", "action"))) == ["model", "action"]


@pytest.mark.parametrize("event", [{}, {"actor": "x", "content": [], "metrics": None, "extensions": 3}])
def test_what_an_event_does_not_say_is_none(event):
    assert set(row_from_event(event).values()) == {None}


@pytest.mark.parametrize(
    ("event", "alias"),
    [
        ({"session_id": "conv_0123456789ab", "extensions": {"conversation": "ticket-42"}}, "ticket-42"),
        ({"session_id": "process_01234567"}, "process_0123"),
    ],
)
def test_the_short_name_of_a_conversation(event, alias):
    assert row_from_event(event, ("session",)) == {"session": alias}


@pytest.mark.parametrize(
    ("length", "shown"), [(500, "x" * 500), (501, "x" * 497 + "..."), (10**6, "x" * 497 + "...")]
)
def test_a_long_message_is_cut(length, shown):
    assert row_from_event({"content": {"text": "x" * length}}, ("message",)) == {"message": shown}


def test_all_columns_if_none_is_named():
    assert check_columns(None) == tuple(COLUMNS)
    assert check_columns(["model", "action"]) == ("model", "action")


def test_an_unknown_column_is_reported_with_the_known_ones():
    with pytest.raises(
        ValueError, match=r"unknown columns: cost \(did you mean cost_usd\?\); known: timestamp, "
    ):
        check_columns(["cost", "model"])
