"""hilt query: questions in SQL."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from hilt_autolog.cli.render import terminal
from tests.support.sample_log import CONVERSATION, write

BY_ACTION = (
    "SELECT action, count(*) AS n, sum(cost_usd) AS cost FROM events"
    " GROUP BY ALL ORDER BY n DESC, action LIMIT 2"
)


@pytest.fixture
def log(tmp_path):
    return write(tmp_path / "a.jsonl", CONVERSATION)


def test_an_answer_is_a_table(hilt, log):
    assert hilt("query", BY_ACTION, "a.jsonl") == (
        0,
        [
            "action            n     cost",
            "completion        2  0.00054",
            "completion_chunk  2",
        ],
        [],
    )


def test_an_answer_as_json_and_as_csv(hilt, log):
    first = "SELECT timestamp, text, tags, event FROM events ORDER BY timestamp LIMIT 1"
    (line,) = hilt("query", "--json", first, "a.jsonl").out
    time, text = "2026-01-31T12:00:01Z", "How is the weather in Paris?"
    assert json.loads(line) == {"timestamp": time, "text": text, "tags": None, "event": CONVERSATION[0]}
    result = hilt("query", "--csv", "SELECT '=1' AS a, -1 AS b, [1, 2] AS c, 1.50 AS d, NULL AS e", "a.jsonl")
    assert result.out == ["a,b,c,d,e", "'=1,-1,1;2,1.5,"]
    assert hilt("query", "--json", "SELECT 1.50 AS d, DATE '2026-01-31' AS t", "a.jsonl").out == [
        '{"d": 1.5, "t": "2026-01-31"}'
    ]


def test_json_says_what_json_can_say(hilt, log):
    odd = "'nan'::DOUBLE AS n, [1.5::DECIMAL(3,1), 'inf'::DOUBLE] AS l, {'at': TIME '12:00'} AS s"
    assert hilt("query", "--json", f"SELECT {odd}", "a.jsonl").out == [
        '{"n": null, "l": [1.5, null], "s": {"at": "12:00:00"}}'
    ]


def test_no_terminal_obeys_an_answer(hilt, log, monkeypatch):
    hidden = "chr(8238) || chr(155)"
    assert hilt("query", "--json", f"SELECT {hidden} AS a", "a.jsonl").out == ['{"a": "\\u202e\\u009b"}']
    assert hilt("query", f'SELECT 1 AS "\x1b[31m", {hidden} AS b', "a.jsonl").out == [
        "\\x1b[31m  b",
        "       1  \\u202e\\x9b",
    ]
    arguments = ("query", "--csv", f"SELECT {hidden} AS a", "a.jsonl")
    assert hilt(*arguments).out == ["a", "\u202e\x9b"]
    monkeypatch.setattr(terminal, "is_terminal", lambda stream: True)
    assert hilt(*arguments).out == ["a", "\\u202e\\x9b"]


def test_nothing_is_an_answer_too(hilt, log):
    assert hilt("query", "SELECT action FROM events WHERE false", "a.jsonl") == (0, ["action"], [])
    assert hilt("query", "--json", "FROM events WHERE false", "a.jsonl") == (0, [], [])


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT costs FROM events", 'Referenced column "costs" not found'),
        ("SELECT * FROM event", "Table with name event does not exist"),
        ("SELEC", 'syntax error at or near "SELEC"'),
        ("DROP VIEW events", "a question is one statement that reads"),
        ("COPY events TO 'b.csv'", "a question is one statement that reads"),
        ("SELECT CAST(action AS INTEGER) FROM events", "Could not convert string"),
        ("", "a question is one statement that reads"),
    ],
)
def test_a_question_that_is_not_understood(hilt, log, sql, words):
    result = hilt("query", sql, "a.jsonl")
    assert (result.code, result.out, len(result.err)) == (2, [], 1)
    assert words in result.err[0]


def test_the_known_columns_are_listed(hilt, log):
    (words,) = hilt("query", "SELECT costs FROM events", "a.jsonl").err
    assert words.endswith("score, tags, file, event")


def test_files_are_out_of_reach(hilt, log, tmp_path):
    (tmp_path / "secret.csv").write_text("a\n1\n")
    result = hilt("query", "SELECT * FROM 'secret.csv'", "a.jsonl")
    assert (result.code, result.out) == (3, [])


def test_what_cannot_be_read_is_reported(hilt, log):
    log.write_bytes(log.read_bytes() + b'{"torn')
    result = hilt("query", "SELECT count(*) AS n FROM events", "a.jsonl")
    assert result == (0, ["n", "8"], ["hilt: a.jsonl:9: torn: the file ends within this line"])


def test_without_duckdb_it_says_what_to_install(hilt, log, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    result = hilt("query", "SELECT 1", "a.jsonl")
    assert result[::2] == (
        3,
        ['hilt: this needs DuckDB, which is not installed: pip install "hilt-autolog[analytics]"'],
    )


@pytest.mark.parametrize(("signal_number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_signal_ends_it_and_leaves_no_copies(log, tmp_path, signal_number, code):
    endless = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range = 7"
    script = "import sys; from hilt_autolog.cli import main; sys.exit(main())"
    copies = tmp_path / "copies"
    copies.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", script, "query", endless, str(log)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(copies)},
    )
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.5)
        process.send_signal(signal_number)
        _, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (process.returncode, err, os.listdir(copies)) == (code, "", [])
