"""A log as a data frame and as a table for SQL."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import duckdb
import pyarrow as pa
import pytest

from hilt_autolog import ConversionError, read
from hilt_autolog.analytics import frames
from hilt_autolog.analytics.columns import COLUMNS, NAMES
from tests.support.call_logs import answer, failure, write

EVENT = {
    "event_id": "0193",
    "timestamp": "2026-01-31T13:00:00.25+01:00",
    "session_id": "conv_1",
    "actor": {"type": "agent", "id": "gpt"},
    "action": "completion",
    "content": {"text": "Hello", "messages": []},
    "metrics": {
        "latency_ms": 119,
        "ttft_ms": 7,
        "cost_usd": 0.5,
        "tokens": {"prompt": 12, "completion": 21, "total": 33, "cached": 2, "reasoning": 3},
    },
    "provenance": {"provider": "openai", "operation": "chat.completions", "model": "gpt"},
    "extensions": {
        "model": "gpt-2026",
        "conversation": "ticket-42",
        "status_code": 200,
        "finish_reason": "stop",
        "error_type": "E",
        "error_code": "c",
        "reply_to": "0192",
        "tool": "weather",
        "tool_call_id": "call_1",
        "score": 0.75,
        "tags": ["a", "b"],
    },
    "unknown": {"to": "us"},
}
ROW = {
    "event_id": "0193",
    "timestamp": datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC),
    "session_id": "conv_1",
    "conversation": "ticket-42",
    "actor_type": "agent",
    "actor_id": "gpt",
    "action": "completion",
    "text": "Hello",
    "provider": "openai",
    "operation": "chat.completions",
    "model": "gpt-2026",
    "tokens_prompt": 12,
    "tokens_completion": 21,
    "tokens_total": 33,
    "tokens_cached": 2,
    "tokens_reasoning": 3,
    "cost_usd": 0.5,
    "latency_ms": 119.0,
    "ttft_ms": 7.0,
    "status_code": 200,
    "finish_reason": "stop",
    "error_type": "E",
    "error_code": "c",
    "reply_to": "0192",
    "tool": "weather",
    "tool_call_id": "call_1",
    "score": 0.75,
    "tags": '["a","b"]',
}


def test_every_column_says_what_the_event_says(tmp_path):
    path = write(tmp_path / "a.hilt.jsonl", EVENT)
    (row,) = read(path).to_arrow().to_pylist()
    assert ROW.keys() == {column.name for column in COLUMNS}
    assert {name: row[name] for name in ROW} == ROW
    assert row["file"] == str(path)
    assert '"unknown": {"to": "us"}' in row["event"]
    assert list(row) == list(NAMES)


def test_frames_are_sorted_by_time_and_typed_even_when_empty(tmp_path):
    write(tmp_path / "a.hilt.jsonl", answer(3), answer(1))
    write(tmp_path / "b.hilt.jsonl", answer(2))
    empty = write(tmp_path / "c.jsonl")
    for path, ids in ((tmp_path, ["event-1", "event-2", "event-3"]), (empty, [])):
        log = read(path)
        assert log.to_polars()["event_id"].to_list() == ids
        assert log.to_pandas()["event_id"].tolist() == ids
        table = log.to_arrow()
        assert table["event_id"].to_pylist() == ids
        assert table.schema.field("timestamp").type == pa.timestamp("us", tz="UTC")
        assert table.schema.field("tokens_prompt").type == pa.int64()


def test_a_value_that_fits_no_column_is_null(tmp_path):
    drift = {
        "action": ["x"],
        "metrics": {"latency_ms": "12", "tokens": [], "cost_usd": {}},
        "actor": "me",
        "timestamp": 7,
    }
    log = read(write(tmp_path / "a.hilt.jsonl", answer(1, **drift), {"a": 1}))
    result = log.sql(
        "SELECT action, latency_ms, tokens_prompt, cost_usd, actor_id, timestamp, event->>'actor' FROM events"
    )
    assert result.fetchall() == [('["x"]', 12.0, None, None, None, None, "me"), (None,) * 7]
    assert log.problems == []


def test_an_answer_is_a_relation_that_outlives_the_log(tmp_path):
    write(tmp_path / "a.hilt.jsonl", *(answer(n) for n in range(5)), failure(6), b'{"torn')
    log = read(tmp_path)
    relation = log.sql(
        "SELECT action, count(*) AS n, sum(cost_usd) AS cost FROM events GROUP BY action ORDER BY n"
    )
    del log
    (tmp_path / "a.hilt.jsonl").unlink()
    assert relation.fetchall() == [("system", 1, None), ("completion", 5, 1.25)]
    assert relation.filter("n > 1").project("action").fetchall() == [("completion",)]
    assert relation.pl()["n"].to_list() == [1, 5]


def test_days_are_those_of_utc(tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    log = read(write(tmp_path / "a.hilt.jsonl", answer(1, timestamp="2026-01-31T23:30:00Z")))
    assert log.sql("SELECT strftime(timestamp, '%d %H') FROM events").fetchall() == [("31 23",)]


@pytest.mark.parametrize(
    "sql",
    [
        "COPY events TO 'x.csv'",
        "CREATE TABLE x AS SELECT 1",
        "SELECT 1; SELECT 2",
        "",
        "INSTALL httpfs",
        "SET threads = 1",
    ],
)
def test_a_question_only_reads(tmp_path, sql):
    log = read(write(tmp_path / "a.hilt.jsonl", answer(1)))
    with pytest.raises(ValueError, match="one statement that reads"):
        log.sql(sql)


def test_a_question_reads_nothing_but_the_log(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    secret = write(tmp_path / "secret.json", {"a": 1})
    log = read(write(tmp_path / "a.hilt.jsonl", answer(1)))
    for other in (f"read_text('{secret}')", "'secret.json'", "glob('*')", "read_csv('http://127.0.0.1:9/x')"):
        with pytest.raises(duckdb.Error):
            log.sql(f"SELECT * FROM {other}")
    assert log.sql("SELECT count(*) FROM events").fetchall() == [(1,)]


def test_an_unknown_column_is_reported_with_the_known_ones(tmp_path):
    log = read(write(tmp_path / "a.hilt.jsonl", answer(1)))
    with pytest.raises(
        ValueError, match=r'(?s)"costs" not found.*The columns of events: event_id, .*, event$'
    ) as raised:
        log.sql("SELECT costs FROM events")
    assert ", ".join(NAMES) in str(raised.value)


def test_what_is_not_installed_is_named_with_what_installs_it(tmp_path, monkeypatch):
    log = read(write(tmp_path / "a.hilt.jsonl", answer(1)))
    monkeypatch.setattr(frames, "find_spec", lambda _: None)
    with pytest.raises(
        ConversionError, match="this needs polars, which is not installed: pip install polars"
    ):
        log.to_polars()
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "duckdb", None)
    for ask in (log.to_polars, log.to_pandas, log.to_arrow, lambda: log.sql("SELECT 1")):
        with pytest.raises(ConversionError, match=r'pip install "hilt-autolog\[analytics\]"'):
            ask()
