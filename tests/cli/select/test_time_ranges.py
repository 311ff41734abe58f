"""What --since and --until understand."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilt_autolog.cli.select.sources import parse_time_range

NOW = datetime(2026, 3, 29, 15, 30, tzinfo=UTC)  # 17:30 in Paris, on the day when summer time begins there


@pytest.fixture(autouse=True)
def paris(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Paris")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("90s", "2026-03-29T15:28:30", None),
        ("30m", "2026-03-29T15:00:00", None),
        ("2h", "2026-03-29T13:30:00", None),
        ("2H", "2026-03-29T13:30:00", None),
        ("3d", "2026-03-26T15:30:00", None),
        ("1w", "2026-03-22T15:30:00", None),
        ("1h30m", "2026-03-29T14:00:00", None),
        ("0s", "2026-03-29T15:30:00", None),
        ("today", "2026-03-28T23:00:00", "2026-03-29T22:00:00"),  # a day of 23 hours
        ("yesterday", "2026-03-27T23:00:00", "2026-03-28T23:00:00"),
        ("2026-01-31", "2026-01-30T23:00:00", "2026-01-31T23:00:00"),
        ("2026-01-31T12:00", "2026-01-31T11:00:00", None),
        ("2026-01-31 12:00", "2026-01-31T11:00:00", None),
        ("2026-01-31T12:00Z", "2026-01-31T12:00:00", None),
        ("2026-01-31T12:00:01.5+05:30", "2026-01-31T06:30:01.500000", None),
        ("14:30", "2026-03-29T12:30:00", None),
        ("9:05", "2026-03-29T07:05:00", None),
        (" today ", "2026-03-28T23:00:00", "2026-03-29T22:00:00"),
    ],
)
def test_what_a_word_means(text, begin, end):
    expected = [datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in (begin, end or begin)]
    assert list(parse_time_range(text, NOW)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "2", "2 h", "-2h", "2y", "2026-13-01", "25:00", "99999999999d", "0001-01-01", "٣h"],
)
def test_what_is_no_time(text):
    with pytest.raises(
        ValueError, match="is no time: use 2h, 3d, 1h30m, today, yesterday, 2026-01-31, 14:30"
    ):
        parse_time_range(text, NOW)


@given(st.text())
def test_any_text_is_a_span_or_a_value_error(text):
    try:
        begin, end = parse_time_range(text, NOW)
    except ValueError:
        return
    assert begin <= end


def test_a_bad_time_is_an_error_of_usage(hilt):
    result = hilt("tail", "--since", "soon")
    assert (result.code, result.out) == (2, [])
    assert result.err[-1].startswith("hilt tail: error: argument --since: 'soon' is no time: use 2h,")
