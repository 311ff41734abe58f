"""Whatever is in a file: both engines count the same, and say the same of what they cannot read."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilt_autolog import read
from hilt_autolog.analytics import duck, ends
from hilt_autolog.analytics.call_stats import combine, summarize
from hilt_autolog.converters.parquet import convert_to_parquet
from hilt_autolog.reading import lines
from tests.support.call_logs import answer, failure, write

GOOD = [answer(1), answer(2), failure(3, reply_to="another"), answer(4)]
LINE = json.dumps(answer(5)).encode()
TORN = LINE[: len(LINE) // 2]

DIRT = {
    "nothing": b"",
    "torn tail": TORN,
    "torn line": TORN + b"\n",
    "glued lines": TORN + LINE + b"\n",
    "two in a line": LINE + LINE + b"\n",
    "blank lines": b"\n  \n\r\n",
    "NUL block": b"\x00" * 4096 + b"\n",
    "NUL tail": b"\x00" * 4096,
    "NUL in a text": LINE.replace(b"answer", b"ans\x00er") + b"\n",
    "invalid UTF-8": LINE.replace(b"answer", b"ans\xffer") + b"\n",
    "UTF-16": json.dumps(answer(5)).encode("utf-16") + b"\n",
    "Latin-1": LINE.replace(b"answer", "é".encode("latin-1")) + b"\n",
    "other JSON": b'42\n[]\nnull\n"text"\ntrue\n',
    "other objects": b'{}\n{"a": 1}\n',
    "no JSON": b"hello\n<html>\n{'a': 1}\n",
    "lone surrogate": LINE.replace(b"answer", b"\\ud800") + b"\n",
    "Windows line ends": LINE + b"\r\n",
    "spaces around": b"  " + LINE + b"  \n",
    "control spaces around": b"\x0b" + LINE + b"\x0c\n",
    "a BOM within": b"\xef\xbb\xbf" + LINE + b"\n",
    "duplicate keys": b'{"event_id":"other",' + LINE[1:] + b"\n",
    "a long line": json.dumps(answer(5, content={"text": "x" * 20_000_000})).encode() + b"\n",
    "keys that come late": json.dumps(answer(5, metrics={"new": {"deep": [1]}}, more={"a": 1})).encode()
    + b"\n",
}


def by(engine: str, path) -> tuple:
    """Return what an engine counts, and what it could not read."""
    log = read(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ends, "LARGE", 0)
        patch.setattr(ends, "is_installed", lambda: engine == "DuckDB")
        rows = summarize(log)
    models = [(row.label, {model: tally.as_json() for model, tally in row.models.items()}) for row in rows]
    return models, combine(row.total for row in rows).as_json(), sorted(log.problems)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("dirt", DIRT)
def test_both_engines_count_and_report_the_same(tmp_path, dirt, first):
    good = [json.dumps(event).encode() + b"\n" for event in GOOD]
    if first and not DIRT[dirt].endswith(b"\n"):
        pytest.skip("only a tail lacks its line end")
    path = write(tmp_path / "a.hilt.jsonl", *([DIRT[dirt], *good] if first else [*good, DIRT[dirt]]))
    counted = by("DuckDB", path)
    assert counted == by("line by line", path)
    assert counted[1]["calls"] >= len(GOOD)


@pytest.mark.parametrize("dirt", DIRT)
def test_parquet_has_every_event_and_reports_the_rest(tmp_path, dirt):
    path = write(tmp_path / "a.hilt.jsonl", *GOOD, DIRT[dirt])
    expected = read(path)
    events = list(expected)
    log = read(path)
    assert convert_to_parquet(log, tmp_path / "a.parquet") == len(events)
    assert sorted(log.problems) == sorted(expected.problems)


LENIENT = {
    "nested deeper than 200": b'{"x":' + b"[" * 300 + b"]" * 300 + b"}\n",
    "no number": b'{"x":NaN}\n',
    "a comma too many": b'{"x":1,}\n',
}


@pytest.mark.parametrize("line", LENIENT)
def test_duckdb_takes_lines_that_the_reader_reports(tmp_path, line):
    """They hold no call that it could misread; what it counts is the same."""
    path = write(tmp_path / "a.hilt.jsonl", *GOOD, LENIENT[line])
    assert by("DuckDB", path)[:2] == by("line by line", path)[:2]
    assert [len(by(engine, path)[2]) for engine in ("DuckDB", "line by line")] == [0, 1]


def test_many_small_files_are_no_work_for_duckdb(tmp_path, monkeypatch):
    monkeypatch.setattr(ends, "LARGE", 10_000)
    monkeypatch.setattr(ends, "Database", None)
    for number in range(30):
        write(tmp_path / f"{number}.hilt.jsonl", answer(number))
    assert combine(row.total for row in summarize(read(tmp_path))).calls == 30
    write(tmp_path / "large.hilt.jsonl", answer(30, content={"text": "x" * 400_000}))
    with pytest.raises(TypeError, match="not callable"):
        summarize(read(tmp_path))


def test_bad_lines_are_found_by_file_and_number(tmp_path):
    write(tmp_path / "a.hilt.jsonl", GOOD[0], TORN + b"\n", b"\n", GOOD[1], TORN + LINE + b"\n")
    write(tmp_path / "b.hilt.jsonl", *GOOD)
    write(tmp_path / "c.hilt.jsonl", b"[]\n", GOOD[2], TORN)
    *_, problems = by("DuckDB", tmp_path)
    locations = [(file.rpartition("/")[2], line) for file, line, _ in problems]
    assert locations == [("a.hilt.jsonl", 2), ("a.hilt.jsonl", 5), ("c.hilt.jsonl", 1), ("c.hilt.jsonl", 3)]


def test_a_byte_order_mark_hides_no_event(tmp_path):
    path = write(tmp_path / "a.hilt.jsonl", b"\xef\xbb\xbf", *GOOD)
    assert by("DuckDB", path) == by("line by line", path)
    assert by("DuckDB", path)[1]["calls"] == len(GOOD)


def test_a_line_longer_than_any_event_is_reported_and_skipped(tmp_path, monkeypatch):
    for module, name in ((lines, "LONGEST_LINE"), (duck, "LONGEST_LINE"), (duck, "_USUAL_LINE")):
        monkeypatch.setattr(module, name, 2**20)
    path = write(tmp_path / "a.hilt.jsonl", GOOD[0], b'{"x":"' + b"y" * 2**26 + b'"}\n', GOOD[1], TORN)
    _, total, problems = by("DuckDB", path)
    assert total["calls"] == 2
    assert problems == [
        (str(path), 2, "longer than 1 MiB"),
        (str(path), 4, "torn: the file ends within this line"),
    ]


@pytest.mark.parametrize("kept", [0.3, 0.9, 1])
@pytest.mark.parametrize("compress", [gzip.compress, lines._zstd().compress])
def test_compressed_logs_are_read_as_far_as_they_go(tmp_path, kept, compress):
    whole = compress("".join(json.dumps(answer(n % 60)) + "\n" for n in range(2000)).encode())
    (tmp_path / "a.hilt.jsonl.gz").write_bytes(whole[: int(len(whole) * kept)])
    write(tmp_path / "b.hilt.jsonl", *GOOD)
    counted = by("DuckDB", tmp_path)
    assert counted == by("line by line", tmp_path)
    assert (counted[1]["calls"] == 2004) is (kept == 1)
    assert len(counted[2]) == (0 if kept == 1 else 1)
    log = read(tmp_path)
    (row,) = log.sql("SELECT count(*), count(DISTINCT file) FROM events").fetchall()
    assert row[0] == counted[1]["calls"]
    assert len(log.problems) == len(counted[2])


def test_files_of_any_name(tmp_path):
    names = [
        "it's.hilt.jsonl",
        "a[1].hilt.jsonl",
        "a1.hilt.jsonl",
        "b*.hilt.jsonl",
        "b?.hilt.jsonl",
        "é ü.jsonl",
    ]
    for number, name in enumerate(names):
        write(tmp_path / "x=1" / name, answer(number), TORN + b"\n")
    log = read(*(tmp_path / "x=1" / name for name in names))
    rows = log.sql("SELECT file FROM events ORDER BY event_id").fetchall()
    assert [file.rpartition("/")[2] for (file,) in rows] == names
    assert len(log.problems) == len(names)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_file_whose_name_is_no_text(tmp_path):
    write(tmp_path / os.fsdecode(b"\xff.hilt.jsonl"), *GOOD, TORN)
    log = read(tmp_path)
    assert log.sql("SELECT count(*) FROM events").fetchall() == [(4,)]
    assert [problem.line for problem in log.problems] == [5]


def test_a_folder_of_many_files(tmp_path):
    for number in range(300):
        write(tmp_path / f"{number}.hilt.jsonl", answer(number % 60), *([TORN] if number % 100 == 0 else []))
    assert by("DuckDB", tmp_path) == by("line by line", tmp_path)
    assert by("DuckDB", tmp_path)[1]["calls"] == 300


def test_a_file_that_disappears_before_reading_is_reported(tmp_path):
    path = write(tmp_path / "a.hilt.jsonl", *GOOD)
    write(tmp_path / "b.hilt.jsonl", *GOOD)
    log = read(tmp_path)
    path.unlink()
    assert log.sql("SELECT count(*) FROM events").fetchall() == [(4,)]
    assert [(problem.file, problem.line) for problem in log.problems] == [(str(path), 1)]


def test_standard_input(monkeypatch):
    stdin = io.TextIOWrapper(io.BytesIO(b"".join(orjson.dumps(event) + b"\n" for event in GOOD) + TORN))
    monkeypatch.setattr(sys, "stdin", stdin)
    log = read("-")
    assert log.sql("SELECT count(*), any_value(file) FROM events").fetchall() == [(4, "-")]
    assert log.problems == [("-", 5, "torn: the file ends within this line")]


WORDS = ("completion", "system", "m", "2026-01-31", "2026-01-31T12:00:00+14:00")
NUMBERS = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
KEY = st.sampled_from(["model", "tokens", "prompt", "x"])
ODD = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=8) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=3),
    max_leaves=6,
)
KEYS = (
    "action",
    "timestamp",
    "session_id",
    "actor",
    "metrics",
    "provenance",
    "extensions",
    "content",
    "event_id",
)
EVENTS = st.dictionaries(st.sampled_from(KEYS), ODD, max_size=4).map(lambda odd: answer(1) | odd)
LINES = st.lists(
    EVENTS.map(lambda event: orjson.dumps(event) + b"\n")
    | st.sampled_from([dirt for name, dirt in DIRT.items() if name != "a long line"])
    | st.binary(max_size=30),
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(LINES)
def test_both_engines_agree_on_anything(tmp_path_factory, log_lines):
    path = write(tmp_path_factory.mktemp("any") / "a.hilt.jsonl", *log_lines)
    assert by("DuckDB", path) == by("line by line", path)
