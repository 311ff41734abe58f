"""Logs as CSV."""

from __future__ import annotations

import csv
import gzip
import json
import logging
import os
import stat

import pytest

from hilt_autolog import ConversionError, read
from hilt_autolog.converters.csv import convert_to_csv
from hilt_autolog.converters.flat import escape_formula, flatten, to_cell, value_at
from hilt_autolog.reading.columns import COLUMNS

EVENT = {
    "event_id": "1",
    "timestamp": "2026-01-31T12:00:00.000000Z",
    "session_id": "conv_0123456789ab",
    "actor": {"type": "agent", "id": "gpt"},
    "action": "completion",
    "content": {"text": 'two\nlines, and a "quote"'},
    "metrics": {"tokens": {"prompt": 12, "total": 33}, "cost_usd": 0.0000117},
    "extensions": {"reply_to": "0", "tags": ["a", "b"], "is_new": True},
}  # fmt: skip
PROMPT = {"event_id": "0", "timestamp": "2026-01-31T11:00:00Z", "action": "prompt", "content": {"text": "é"}}


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "a.hilt.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in (PROMPT, EVENT)))
    return path


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_the_fifteen_columns_of_hilt(log, tmp_path):
    assert convert_to_csv(log, tmp_path / "a.csv") == 2
    heading, prompt, completion = rows(tmp_path / "a.csv")
    assert heading == list(COLUMNS)
    assert dict(zip(heading, prompt, strict=True))["message"] == "é"
    cells = {name: value for name, value in zip(heading, completion, strict=True) if value}
    assert cells == {
        "timestamp": "2026-01-31T12:00:00.000000Z",
        "conversation_id": "conv_0123456789ab",
        "event_id": "1",
        "reply_to": "0",
        "session": "Conv.01234567",
        "speaker": "agent: gpt",
        "action": "completion",
        "message": 'two lines, and a "quote"',
        "tokens_in": "12",
        "cost_usd": "1.17e-05",
    }


def test_the_bytes_of_a_file(log, tmp_path):
    convert_to_csv(log, tmp_path / "a.csv", columns=["event_id", "content.text"])
    assert (tmp_path / "a.csv").read_bytes() == (
        b'event_id,content.text\r\n0,\xc3\xa9\r\n1,"two\nlines, and a ""quote"""\r\n'
    )


def test_columns_are_names_or_key_paths_in_the_requested_order(log, tmp_path):
    names = ["metrics.tokens.total", "speaker", "metrics.tokens", "extensions.tags", "extensions.never"]
    convert_to_csv(log, tmp_path / "a.csv", columns=names)
    assert rows(tmp_path / "a.csv") == [
        names,
        ["", "", "", "", ""],
        ["33", "agent: gpt", '{"prompt":12,"total":33}', "a;b", ""],
    ]


def test_everything_if_it_need_not_be_readable(log, tmp_path):
    convert_to_csv(log, tmp_path / "a.csv", readable=False)
    heading, prompt, completion = rows(tmp_path / "a.csv")
    paths = ["event_id", "timestamp", "action", "content.text", "session_id", "actor.type", "actor.id"]
    paths += ["metrics.tokens.prompt", "metrics.tokens.total", "metrics.cost_usd", "extensions.reply_to"]
    assert heading == [*paths, "extensions.tags", "extensions.is_new"]
    assert prompt[:5] == ["0", "2026-01-31T11:00:00Z", "prompt", "é", ""]
    assert completion[-2:] == ["a;b", "true"]


def test_metadata_beside_the_columns(log, tmp_path):
    convert_to_csv(log, tmp_path / "a.csv", columns=["event_id", "extensions.tags"], include_metadata=True)
    heading = ["event_id", "extensions.tags", "extensions.reply_to", "extensions.is_new"]
    assert rows(tmp_path / "a.csv")[0] == heading


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=IMPORTXML("http://x")'])
def test_a_text_that_a_spreadsheet_would_run_is_neutralised(log, tmp_path, text):
    log.write_text(json.dumps({"content": {"text": text}, "metrics": {"latency_ms": -1}, text: 1}) + "\n")
    convert_to_csv(log, tmp_path / "a.csv", readable=False)
    heading, row = rows(tmp_path / "a.csv")
    assert heading == ["content.text", "metrics.latency_ms", f"'{text}"]
    assert row == [f"'{text}", "-1", "1"]


@pytest.mark.parametrize("value", [-1, -0.5, None, "", "1-1", " =1", "a@b"])
def test_numbers_and_harmless_texts_stay(value):
    assert escape_formula(value) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (["a", 1, None], "a;1;null"),
        (["a;b"], '["a;b"]'),
        ([["a"]], '[["a"]]'),
        ([], "[]"),
        ({}, "{}"),
        ({"a": [1]}, '{"a":[1]}'),
        (1.5, 1.5),
        (None, None),
        (True, "true"),
    ],
)
def test_a_value_as_a_cell(value, text):
    assert to_cell(value) == text


def test_keys_with_dots_are_found():
    event = {"a.b": {"c.d": 1}, "a": {"b": {"e": 2}}, "f": {"g": {}}}
    assert dict(flatten(event)) == {"a.b.c.d": 1, "a.b.e": 2, "f.g": {}}
    assert [value_at(event, path) for path in ("a.b.c.d", "a.b.e", "f.g", "f.g.h", "a.x")] == [
        1,
        2,
        {},
        None,
        None,
    ]


# --- what can go wrong


@pytest.mark.parametrize("name", ["tokens", "metric.tokens", "", ".actor"])
def test_an_unknown_column_is_an_error_and_nothing_is_written(log, tmp_path, name):
    with pytest.raises(
        ValueError, match=r"unknown columns: .*known: timestamp, .*; and any path of keys that"
    ):
        convert_to_csv(log, tmp_path / "a.csv", columns=["event_id", name])
    assert os.listdir(tmp_path) == ["a.hilt.jsonl"]


def test_no_column_at_all_is_a_mistake(log, tmp_path):
    with pytest.raises(ValueError, match="unknown columns: none is named"):
        convert_to_csv(log, tmp_path / "a.csv", columns=[])


def test_bad_lines_are_skipped_and_reported(log, tmp_path, caplog):
    log.write_bytes(b'{"torn\n' + log.read_bytes() + b"\xff\xfe\n42\n")
    with caplog.at_level(logging.WARNING, "hilt_autolog"):
        assert convert_to_csv(str(log), tmp_path / "a.csv") == 2
    assert [record.getMessage().rpartition(".jsonl:")[2][:10] for record in caplog.records] == [
        "1: not JSO",
        "4: not UTF",
        "5: not an ",
    ]
    caplog.clear()
    opened = read(log)
    assert convert_to_csv(opened, tmp_path / "a.csv") == 2
    assert [problem.line for problem in opened.problems] == [1, 4, 5]
    assert caplog.records == []


def test_what_was_there_stays_if_anything_goes_wrong(log, tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text("precious")
    monkeypatch.setattr(csv, "writer", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        convert_to_csv(log, tmp_path / "a.csv")
    assert sorted(os.listdir(tmp_path)) == ["a.csv", "a.hilt.jsonl"]
    assert (tmp_path / "a.csv").read_text() == "precious"


def test_the_new_file_replaces_the_old_one_and_is_private(log, tmp_path):
    (tmp_path / "a.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("a.csv")
    convert_to_csv(log, tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "a.csv").read_text().startswith("timestamp,")
    assert stat.S_IMODE((tmp_path / "a.csv").stat().st_mode) == 0o600


def test_the_log_is_never_written_over(log, tmp_path):
    before = log.read_bytes()
    (tmp_path / "link").symlink_to(log)
    for output in (log, tmp_path / "link", tmp_path / ".." / tmp_path.name / log.name):
        with pytest.raises(ConversionError, match="is what is to be converted: name another file to write"):
            convert_to_csv(tmp_path, output)
    assert log.read_bytes() == before


def test_an_output_that_cannot_be_written(log, tmp_path):
    with pytest.raises(ConversionError, match="is not a file that could be replaced"):
        convert_to_csv(log, tmp_path)
    with pytest.raises(FileNotFoundError, match="no such folder: "):
        convert_to_csv(log, tmp_path / "no" / "a.csv")
    with pytest.raises(FileNotFoundError, match="no such log: "):
        convert_to_csv(tmp_path / "no.jsonl", tmp_path / "a.csv")
    assert os.listdir(tmp_path) == ["a.hilt.jsonl"]


def test_a_log_without_events_gives_the_heading(tmp_path):
    (tmp_path / "a.hilt.jsonl").touch()
    assert convert_to_csv(tmp_path, tmp_path / "a.csv") == 0
    assert rows(tmp_path / "a.csv") == [list(COLUMNS)]


def test_a_line_bomb_in_a_gzip_file_is_reported(tmp_path):
    tracemalloc = pytest.importorskip("tracemalloc")
    (tmp_path / "a.hilt.jsonl.gz").write_bytes(gzip.compress(b"x" * 300_000_000))
    log = read(tmp_path)
    tracemalloc.start()
    assert convert_to_csv(log, tmp_path / "a.csv") == 0
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [problem.reason for problem in log.problems] == ["longer than 64 MiB"]
    assert peak < 250_000_000
