"""The statistics of calls, by either engine."""

from __future__ import annotations

import pytest

from hilt_autolog import read
from hilt_autolog.analytics.call_stats import CallStats, combine, summarize
from tests.support.call_logs import answer, failure, write

pytestmark = pytest.mark.usefixtures("engine")


def figures(path, *names, by="daily", **how):
    """Return these figures of each line, by its label."""
    return {
        row.label: tuple(row.total.as_json()[name] for name in names)
        for row in summarize(read(path), by, **how)
    }


def test_all_figures_of_a_day(tmp_path):
    tokens = {"prompt": 100, "completion": 50, "cached": 30, "reasoning": 20}
    metrics = {"latency_ms": 2000, "ttft_ms": 300, "tokens": tokens, "cost_usd": 0.5}
    log = write(
        tmp_path / "a.jsonl", answer(1), answer(2, metrics=metrics), answer(3, metrics={}), failure(4)
    )
    (row,) = summarize(read(log))
    assert row.total.as_json() == {
        "calls": 4,
        "failures": 1,
        "calls_without_end": 0,
        "error_rate": 0.25,
        "tokens_prompt": 110,
        "tokens_completion": 55,
        "tokens_cached": 30,
        "tokens_reasoning": 20,
        "cost_usd": 0.75,
        "calls_without_price": 1,
        "latency_p50_ms": 100,
        "latency_p95_ms": 2000,
        "latency_p99_ms": 2000,
        "ttft_p50_ms": 300,
        "ttft_p95_ms": 300,
    }
    assert list(row.models) == ["m"]


def test_an_unknown_cost_is_not_zero(tmp_path):
    log = write(tmp_path / "a.jsonl", answer(1, metrics={}))
    assert figures(log, "cost_usd", "calls_without_price") == {"2026-01-31": (None, 1)}
    assert figures(write(log, answer(1, metrics={"cost_usd": 0})), "cost_usd") == {"2026-01-31": (0,)}


def test_only_what_ends_a_call_is_a_call(tmp_path):
    others = ("completion_chunk", "tool_call", "tool_result", "retrieval", "feedback", "system")
    log = write(tmp_path / "a.jsonl", *(answer(1, action=action) for action in others))
    assert figures(log, "calls") == {}
    more = write(tmp_path / "b.jsonl", *(answer(n, action=a) for n, a in enumerate(("embedding", "rerank"))))
    assert figures(more, "calls") == {"2026-01-31": (2,)}


def prompt(number, **more):
    """Return the request of a call."""
    return answer(number, event_id=f"prompt-{number}", action="prompt", metrics={}, extensions={}) | more


def test_a_prompt_without_an_end_is_counted_apart(tmp_path):
    spaced = write(tmp_path / "a.jsonl", prompt(1), answer(1), prompt(2), prompt(3), failure(3))
    tight = tmp_path / "b.jsonl"
    tight.write_bytes(spaced.read_bytes().replace(b'": ', b'":').replace(b', "', b',"'))
    for log in (spaced, tight):
        assert figures(log, "calls", "failures", "calls_without_end") == {"2026-01-31": (2, 1, 1)}
    later = {"event_filter": lambda event: event["timestamp"] > "2026-01-31T12:01:30"}
    assert figures(tight, "calls", "calls_without_end", **later) == {"2026-01-31": (1, 1)}


def test_a_prompt_is_ended_by_what_is_not_wanted(tmp_path):
    log = write(tmp_path / "a.jsonl", prompt(1), answer(1, timestamp="2026-02-01T00:00:01Z"))
    assert figures(log, "calls_without_end", event_filter=lambda event: event["timestamp"] < "2026-02") == {}


def test_an_answer_without_reply_to_ends_an_open_prompt(tmp_path):
    nameless = answer(1, extensions={"model": "m"})
    log = write(tmp_path / "a.jsonl", prompt(1), nameless, prompt(2), prompt(3, session_id="conv_2"))
    assert figures(log, "calls", "calls_without_end", by="session") == {"conv_1": (1, 1), "conv_2": (0, 1)}


def test_a_prompt_quoted_in_an_answer_hides_no_call(tmp_path):
    extensions = {"message": {"action": "prompt"}, "model": "m", "reply_to": "prompt-1"}
    tight = write(tmp_path / "a.jsonl", answer(1, extensions=extensions))
    tight.write_bytes(tight.read_bytes().replace(b'": ', b'":').replace(b', "', b',"'))
    assert figures(tight, "calls") == {"2026-01-31": (1,)}


def test_a_failure_that_was_paid_for_is_in_the_sums(tmp_path):
    paid = {"tokens": {"prompt": 10, "completion": 5}, "cost_usd": 0.5, "latency_ms": 9}
    log = write(tmp_path / "a.jsonl", failure(1) | {"metrics": paid}, failure(2), answer(3))
    assert figures(log, "calls", "tokens_prompt", "cost_usd", "calls_without_price", "latency_p50_ms") == {
        "2026-01-31": (3, 20, 0.75, 0, 300)
    }


def test_costs_and_times_as_hilt_python_writes_them(tmp_path):
    theirs = {"tokens": {"prompt": 3}, "cost_usd": "0.001000", "cost_usd_display": "0,001000 USD"}
    log = write(tmp_path / "a.jsonl", answer(1, metrics=theirs, extensions={"latency_ms": 12}))
    assert figures(log, "cost_usd", "latency_p50_ms") == {"2026-01-31": (0.001, 12)}


def test_rows_of_columns_are_calls_too(tmp_path):
    rows = [
        {"timestamp": "2026-01-31 12:00:00", "event_id": "a", "reply_to": "", "speaker": "human: u"}
        | {"conversation_id": "c", "action": "prompt", "message": "hello", "tokens_in": "", "model": ""},
        {"timestamp": "2026-01-31 12:00:01", "event_id": "b", "reply_to": "a", "speaker": "agent: m"}
        | {"conversation_id": "c", "action": "completion", "message": "hi", "tokens_in": 3}
        | {"cost_usd": "0.5", "model": "m", "latency_ms": 12},
    ]
    log = write(tmp_path / "a.jsonl", *rows)
    assert figures(log, "calls", "calls_without_end", "tokens_prompt", "cost_usd", by="model") == {
        "m": (1, 0, 3, 0.5)
    }


def test_words_in_a_text_end_no_call(tmp_path):
    content = {"text": '"completion" "error_type" "action":"completion_chunk"'}
    log = write(tmp_path / "a.jsonl", answer(1, action="prompt", content=content), answer(2, content=content))
    assert figures(log, "calls") == {"2026-01-31": (1,)}


@pytest.mark.parametrize("first", [0, 1])
def test_a_partial_or_unparsed_answer_is_one_failed_call(tmp_path, first):
    partial = answer(1, extensions={"model": "m", "reply_to": "prompt-1", "partial": True, "ended": "error"})
    both = [partial, failure(1)]
    log = write(tmp_path / "a.jsonl", both[first], both[1 - first], answer(2))
    assert figures(log, "calls", "failures", "tokens_prompt") == {"2026-01-31": (2, 1, 20)}


def test_days_weeks_and_months(tmp_path):
    times = ("2026-01-31T23:30:00Z", "2026-02-01T00:30:00.5Z", "2026-02-02T02:30:00+02:00", "never")
    log = write(tmp_path / "a.jsonl", *(answer(n, timestamp=time) for n, time in enumerate(times)))
    days = {"2026-01-31": (1,), "2026-02-01": (1,), "2026-02-02": (1,), "unknown": (1,)}
    assert figures(log, "calls") == days
    assert figures(log, "calls", by="weekly") == {"2026-01-26": (2,), "2026-02-02": (1,), "unknown": (1,)}
    assert figures(log, "calls", by="monthly") == {"2026-01": (1,), "2026-02": (2,), "unknown": (1,)}


def test_days_begin_where_the_time_zone_says(tmp_path):
    log = write(tmp_path / "a.jsonl", answer(1, timestamp="2026-01-31T23:30:00Z"))
    assert figures(log, "calls", timezone="Europe/Paris") == {"2026-02-01": (1,)}
    assert figures(log, "calls", timezone="America/New_York") == {"2026-01-31": (1,)}
    with pytest.raises(ValueError, match="unknown time zone 'Mars'; use UTC, local, or a name"):
        summarize(read(log), timezone="Mars")


def test_conversations_and_models(tmp_path):
    extensions = {"reply_to": "x", "error_type": "E"}
    log = write(
        tmp_path / "a.jsonl",
        answer(1),
        answer(2, session_id="conv_2", extensions={"model": "other"}),
        answer(3, session_id=7, extensions={}),
        answer(6, extensions={"conversation": "ticket-42", "model": "m"}),
        answer(4, action="system", extensions=extensions, provenance={"model": "other"}),
        answer(5, action="system", extensions=extensions, actor={"type": "system", "id": "openai"}),
    )
    assert figures(log, "calls", by="session") == {
        "conv_1": (3,),
        "conv_2": (1,),
        "ticket-42": (1,),
        "unknown": (1,),
    }
    assert figures(log, "calls", "failures", by="model") == {"m": (3, 0), "other": (2, 1), "unknown": (1, 1)}
    with pytest.raises(
        ValueError, match="unknown statistics 'hourly'; there are daily, weekly, monthly, session"
    ):
        summarize(read(log), "hourly")


def test_each_model_of_a_day_apart(tmp_path):
    log = write(tmp_path / "a.jsonl", answer(1), answer(2), answer(3, extensions={"model": "a"}))
    (row,) = summarize(read(log))
    assert {model: tally.calls for model, tally in row.models.items()} == {"a": 1, "m": 2}
    assert list(row.models) == ["a", "m"]


def test_only_what_is_wanted(tmp_path):
    log = write(tmp_path / "a.jsonl", answer(1), answer(2))
    assert figures(log, "calls", event_filter=lambda event: event["timestamp"] > "2026-01-31T12:01:30") == {
        "2026-01-31": (1,)
    }


@pytest.mark.parametrize("odd", ["12", True, None, [], {}, [12]])
def test_what_is_no_number_is_not_known(tmp_path, odd):
    metrics = {
        "latency_ms": odd,
        "ttft_ms": odd,
        "cost_usd": f"${odd}" if odd == "12" else odd,
        "tokens": {"prompt": odd, "completion": odd},
    }
    log = write(tmp_path / "a.jsonl", answer(1, metrics=metrics), answer(2, metrics=odd), answer(3))
    assert figures(log, "calls", "cost_usd", "latency_p50_ms", "tokens_prompt", "calls_without_price") == {
        "2026-01-31": (3, 0.25, 300, 10, 2)
    }


@pytest.mark.parametrize("part", ["metrics", "extensions", "provenance", "actor", "content", "session_id"])
@pytest.mark.parametrize("odd", ["text", 12, None, [], [1], {"unknown": {}}])
def test_parts_of_a_wrong_kind_lose_no_call(tmp_path, part, odd):
    log = write(tmp_path / "a.jsonl", answer(1, **{part: odd}), failure(2, model="m"))
    assert figures(log, "calls", "failures") == {"2026-01-31": (2, 1)}


def test_logs_without_calls_have_no_lines(tmp_path):
    for empty in (write(tmp_path / "a.jsonl"), write(tmp_path / "b.jsonl", b"\n\n"), tmp_path):
        assert summarize(read(empty)) == []
    assert combine([]).as_json()["error_rate"] is None


@pytest.mark.parametrize(
    ("count", "percent", "expected"), [(1, 50, 1), (2, 50, 1), (100, 50, 50), (100, 95, 95), (101, 99, 100)]
)
def test_percentiles_are_exact_by_nearest_rank(count, percent, expected):
    tally = CallStats()
    for number in range(count, 0, -1):
        tally.add_answer({"metrics": {"latency_ms": number}})
    assert tally.percentile("latency_ms", percent) == expected
    assert tally.percentile("ttft_ms", percent) is None
