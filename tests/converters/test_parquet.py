"""Logs as Parquet."""

from __future__ import annotations

import json
import os
import sys

import duckdb
import pyarrow.parquet as pq
import pytest

from hilt_autolog import ConversionError, read
from hilt_autolog.analytics.columns import NAMES
from hilt_autolog.converters.parquet import COMPRESSIONS, convert_to_parquet


def event(number):
    return {
        "event_id": f"{number:04}",
        "action": "prompt",
        "content": {"text": f"text {number}"},
        "odd": {"n": number},
    }


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "a.hilt.jsonl"
    path.write_text("".join(json.dumps(event(number)) + "\n" for number in range(3)))
    return path


def test_every_event_whole_and_in_columns(log, tmp_path):
    assert convert_to_parquet(log, tmp_path / "a.parquet") == 3
    table = pq.read_table(tmp_path / "a.parquet")
    assert tuple(table.column_names) == NAMES
    assert table["text"].to_pylist() == ["text 0", "text 1", "text 2"]
    assert [json.loads(text) for text in table["event"].to_pylist()] == [event(number) for number in range(3)]
    assert set(table["file"].to_pylist()) == {str(log)}


def test_the_schema_is_the_same_whatever_the_events_say(log, tmp_path):
    convert_to_parquet(log, tmp_path / "a.parquet")
    log.write_text("")
    assert convert_to_parquet(log, tmp_path / "b.parquet") == 0
    log.write_text('{"event_id": 1, "metrics": "x", "extensions": {"tags": 7}}\n')
    convert_to_parquet(log, tmp_path / "c.parquet")
    first, *others = (pq.read_schema(tmp_path / name) for name in ("a.parquet", "b.parquet", "c.parquet"))
    assert others == [first, first]


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_compressions(log, tmp_path, compression):
    convert_to_parquet(log, tmp_path / "a.parquet", compression=compression)
    column = pq.read_metadata(tmp_path / "a.parquet").row_group(0).column(0)
    assert column.compression.lower() == COMPRESSIONS[compression]


def test_an_unknown_compression(log, tmp_path):
    with pytest.raises(ValueError, match="unknown compression 'lzo'; there are snappy, zstd, gzip, none"):
        convert_to_parquet(log, tmp_path / "a.parquet", compression="lzo")
    assert os.listdir(tmp_path) == ["a.hilt.jsonl"]


def test_names_with_quotes(log, tmp_path):
    convert_to_parquet(log, tmp_path / "it's.parquet")
    assert duckdb.sql(f"SELECT count(*) FROM read_parquet('{tmp_path}/it''s.parquet')").fetchall() == [(3,)]


def test_bad_lines_are_reported_with_file_and_number(log, tmp_path):
    log.write_bytes(b'{"torn\n' + log.read_bytes() + b'\n{"event_id":"x","t')
    opened = read(log)
    assert convert_to_parquet(opened, tmp_path / "a.parquet") == 3
    assert [(problem.file, problem.line) for problem in opened.problems] == [(str(log), 1), (str(log), 6)]


def test_without_duckdb_the_error_says_what_to_install(log, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    (tmp_path / "a.parquet").write_text("precious")
    with pytest.raises(ConversionError, match=r'pip install "hilt-autolog\[analytics\]"'):
        convert_to_parquet(log, tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").read_text() == "precious"
    assert sorted(os.listdir(tmp_path)) == ["a.hilt.jsonl", "a.parquet"]


def test_the_log_is_never_written_over(log):
    with pytest.raises(ConversionError, match="is what is to be converted"):
        convert_to_parquet(log, log)


@pytest.mark.parametrize("name", ["a'b", "a[b]", "*", "?", "a{b,c}"])
def test_any_name_may_be_written_to(log, tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    assert convert_to_parquet(log, folder / f"{name}.parquet") == 3
    assert os.listdir(folder) == [f"{name}.parquet"]


def test_a_failed_duckdb_write_is_our_error_and_leaves_nothing(log, tmp_path):
    with pytest.raises(ConversionError, match="cannot encode"):
        convert_to_parquet(log, tmp_path / os.fsdecode(b"b\xff.parquet"))
    assert os.listdir(tmp_path) == ["a.hilt.jsonl"]
