"""The line that hilt-run ends with: what is counted, from where on, and how it is written."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import orjson
import pytest

from hilt_autolog.launcher import run_summary
from hilt_autolog.launcher.run_summary import RunTotals, add_up, read_run_list, summary

if TYPE_CHECKING:
    from pathlib import Path


def event(action: str, metrics: dict | None = None, **extensions: object) -> bytes:
    return orjson.dumps({"action": action, "metrics": metrics or {}, "extensions": extensions}) + b"\n"


def answer(**tokens: int) -> bytes:
    return event("completion", {"tokens": tokens})


def closed(**summary_line: object) -> bytes:
    actor = {"type": "system", "id": "hilt-autolog"}
    return orjson.dumps({"action": "system", "actor": actor, "extensions": summary_line}) + b"\n"


PROMPT = event("prompt")
SEARCH = orjson.dumps({"action": "prompt", "provenance": {"operation": "retrieval"}}) + b"\n"


@pytest.fixture
def log(tmp_path):
    """Write a log and return where its lines begin."""

    def write(*lines: bytes, name: str = "app.jsonl") -> dict[Path, int]:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(b"".join(lines))
        return {path: 0}

    return write


@pytest.fixture
def summary_line(tmp_path, monkeypatch):
    """Return the summing line for a list of these logs."""
    monkeypatch.chdir(tmp_path)

    def line(*opened: dict[Path, int]) -> str:
        file = tmp_path / "run_logs"
        file.write_bytes(
            b"".join(b"%d\t%s\n" % (at, bytes(path)) for one in opened for path, at in one.items())
        )
        return summary(file)

    return line


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], RunTotals(0, None, None, 0)),
        ([PROMPT], RunTotals(1, None, None, 0)),
        (
            [event("embedding", {"tokens": {"prompt": 5, "total": 5}, "cost_usd": 0.25})],
            RunTotals(1, 5, 0.25, 0),
        ),
        ([PROMPT, answer(prompt=3, completion=4)], RunTotals(1, 7, None, 0)),
        ([PROMPT, answer(prompt=3, completion=4, total=9)], RunTotals(1, 9, None, 0)),
        ([PROMPT, answer(completion=4, reasoning=2)], RunTotals(1, 4, None, 0)),
        ([PROMPT, event("completion", {"tokens": {}, "cost_usd": 0})], RunTotals(1, None, 0, 0)),
        ([event("completion", {"cost_usd": 0.5}), event("completion")], RunTotals(0, None, 0.5, 0)),
        ([PROMPT, event("system", error_type="APIError")], RunTotals(1, None, None, 1)),
        ([SEARCH], RunTotals(0, None, None, 0)),
        (
            [closed(written=4, dropped=2, failed=0), closed(written=1, dropped=0)],
            RunTotals(0, None, None, 0, 2),
        ),
        ([closed(written=4, dropped="2"), closed(dropped=2)], RunTotals(0, None, None, 0)),
        ([event("system", {"tokens": {"total": 9}, "cost_usd": 1}, error_type="E")], RunTotals(0, 9, 1, 1)),
        ([event("system", text="session opened")], RunTotals(0, None, None, 0)),
        ([event("tool_call", {"tokens": {"total": 9}}), event("feedback")], RunTotals(0, None, None, 0)),
        ([b'{"action":"completion_chunk", not read at all\n', PROMPT], RunTotals(1, None, None, 0)),
        ([b'{"action":"pro', b"\n", b"42\n", b'{"metrics":3}\n', PROMPT], RunTotals(1, None, None, 0)),
    ],
)
def test_what_is_counted(lines, expected, log):
    assert add_up(log(*lines)) == expected


def test_only_what_came_after_the_log_was_opened_counts(log, summary_line):
    earlier = answer(total=1000) + PROMPT
    (path,) = log(earlier, PROMPT, PROMPT)
    assert summary_line({path: len(earlier)}) == "hilt: 2 calls -> app.jsonl"
    later, first = {path: len(earlier) + len(PROMPT)}, {path: len(earlier)}
    assert summary_line(later, first) == summary_line(first, later) == "hilt: 2 calls -> app.jsonl"
    assert summary_line({path: 0}) == "hilt: 3 calls, 1,000 tokens -> app.jsonl"


@pytest.mark.parametrize(
    ("cost", "written"),
    [
        (0, "$0.00"),
        (0.0000004, "<$0.000001"),
        (0.00004, "$0.000040"),
        (0.0031, "$0.003100"),
        (0.0312, "$0.0312"),
        (0.99994, "$0.9999"),
        (1, "$1.00"),
        (12345.678, "$12,345.68"),
    ],
)
def test_how_money_is_written(cost, written, log, summary_line):
    assert (
        summary_line(log(PROMPT, event("completion", {"cost_usd": cost})))
        == f"hilt: 1 call, {written} -> app.jsonl"
    )


def test_how_numbers_are_written(log, summary_line):
    assert summary_line(log(PROMPT, answer(total=1))) == "hilt: 1 call, 1 token -> app.jsonl"
    failure = event("system", error_type="E")
    many = log(*[PROMPT] * 1001, *[answer(total=1)] * 1204, *[failure] * 2)
    assert summary_line(many) == "hilt: 1,001 calls, 1,204 tokens, 2 errors -> app.jsonl"


def test_where_the_log_lies(log, summary_line, tmp_path, monkeypatch):
    one, two = log(PROMPT, name="logs/one.jsonl"), log(PROMPT, name="logs/two.jsonl")
    deep = log(PROMPT, name="logs/deep/three.jsonl")
    assert summary_line(one) == "hilt: 1 call -> logs/one.jsonl"
    assert summary_line(one, two) == "hilt: 2 calls -> 2 files in logs/"
    assert summary_line(one, two, deep) == "hilt: 3 calls -> 3 files in logs/"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert summary_line(one) == f"hilt: 1 call -> {tmp_path}/logs/one.jsonl"
    assert summary_line(one, two) == f"hilt: 2 calls -> 2 files in {tmp_path}/logs/"


def test_an_empty_summary_file_is_reported(summary_line):
    assert summary_line() == "hilt: nothing recorded (`hilt doctor` says why)"


def test_odd_entries_and_missing_logs_are_skipped(log, tmp_path):
    (path,) = log(PROMPT, name="odd\tname \udcff.jsonl")
    file = tmp_path / "run_logs"
    file.write_bytes(
        b"\n".join([b"", b"no tab", b"x\t/x", b"-1\t" + bytes(path), b"3\t/gone", b"7\t" + bytes(path)])
    )
    assert read_run_list(file) == {path: 7}


def test_a_new_summary_file_is_private_and_unique(tmp_path, monkeypatch):
    path = run_summary.create_run_list({})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert run_summary.create_run_list({"HILT_RUN_LOGS": str(path)}) is None
    path.unlink()
    fresh = run_summary.create_run_list({"HILT_RUN_LOGS": str(path)})
    fresh.unlink()
    assert fresh != path


def test_without_a_directory_there_is_no_summary_file(monkeypatch):
    def refuse(**_):
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    assert run_summary.create_run_list({}) is None


def test_drops_are_reported(log, summary_line):
    line = summary_line(log(PROMPT, closed(written=3, dropped=2)))
    assert line == "hilt: 1 call, 2 events lost (`hilt doctor` says why) -> app.jsonl"
