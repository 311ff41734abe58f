"""Figures: how they are summed up over events, and how they read."""

from __future__ import annotations

import pytest

from hilt_autolog.format import (
    CallTotals,
    byte_size,
    cell_dollars,
    count,
    dollars,
    duration,
    event_cost,
    finite_number,
    section,
    short_count,
    total_tokens,
)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0.00"),
        (0.0000004, "<$0.000001"),
        (0.000012, "$0.000012"),
        (0.0031, "$0.003100"),
        (0.0312, "$0.0312"),
        (0.99994, "$0.9999"),
        (1, "$1.00"),
        (12345.678, "$12,345.68"),
    ],
)
def test_dollars_have_as_many_digits_as_they_need(amount, text):
    assert dollars(amount) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0.00"), (0.0000001, "<1e-6"), (0.000012, "0.000012"), (0.0312, "0.0312"), (1234.5, "1,234.50")],
)
def test_a_column_of_dollars_fits_eight_characters(amount, text):
    assert cell_dollars(amount) == text
    assert len(text) <= 8


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0 ms"),
        (119.4, "119 ms"),
        (1200, "1.2 s"),
        (125_000, "2 min 05 s"),
        (12_000_000, "3 h 20 min"),
        (999.6, "1.0 s"),
        (59_960, "1 min 00 s"),
        (119_999, "2 min 00 s"),
        (3_599_999, "1 h 00 min"),
    ],
)
def test_durations_in_the_unit_that_suits_them(ms, text):
    assert duration(ms) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (2e9, "2.0 GB"),
        (5e12, "5000.0 GB"),
    ],
)
def test_byte_sizes(number, text):
    assert byte_size(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (941, "941"), (12_300, "12.3k"), (999_949, "999.9k"), (999_950, "1.0M"), (4.6e12, "4600.0G")],
)
def test_short_counts(number, text):
    assert short_count(number) == text


def test_counts_of_things():
    assert [count(number, "call") for number in (0, 1, 1234)] == ["0 calls", "1 call", "1,234 calls"]


@pytest.mark.parametrize("value", [None, "1", True, float("inf"), float("nan"), 10**400, {}])
def test_other_values_are_no_numbers(value):
    assert finite_number(value) is None
    assert total_tokens({"metrics": {"tokens": {"total": value}}}) is None


@pytest.mark.parametrize(
    ("cost", "number"), [(0.5, 0.5), ("0.5", 0.5), ("much", None), (None, None), ([], None)]
)
def test_a_cost_may_be_a_string(cost, number):
    assert event_cost({"metrics": {"cost_usd": cost}}) == number


@pytest.mark.parametrize("metrics", [None, [], {"tokens": 3}, {"tokens": {"prompt": "3"}}])
def test_tokens_that_are_missing_or_odd(metrics):
    assert total_tokens({"metrics": metrics}) is None
    assert section({"metrics": metrics}, "metrics") == (metrics if isinstance(metrics, dict) else {})


def test_totals():
    totals = CallTotals()
    assert (totals.calls, totals.errors, totals.tokens, totals.cost) == (0, 0, None, None)
    for event in (
        {"action": "prompt"},
        {"action": "prompt", "provenance": {"operation": "retrieval"}},  # runs no model
        {"action": "completion", "metrics": {"tokens": {"prompt": 3, "completion": 4}, "cost_usd": 0.5}},
        {"action": "completion_chunk", "metrics": {"tokens": {"total": 100}}},
        {"action": "embedding", "metrics": {"tokens": {"total": 10}}},
        {"action": "system", "extensions": {"error_type": "E"}, "metrics": {"cost_usd": "0.25"}},
        {"action": "system", "content": {"text": "session opened"}},
    ):
        totals.add(event)
    assert (totals.calls, totals.errors, totals.tokens, totals.cost) == (2, 1, 17, 0.75)
