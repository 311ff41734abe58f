"""hilt validate: every line against the format, and what events refer to."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.support.sample_log import AGENT, CONVERSATION, FAILURE, USER, event, lines, write


def test_a_log_of_ours_is_valid(hilt, tmp_path):
    write(tmp_path / "a.hilt.jsonl", [*CONVERSATION, *FAILURE])
    assert hilt("validate", ".") == (0, ["10 valid events, 0 invalid lines in 1 file"], [])


def test_each_invalid_line_is_named_with_its_reason(hilt, tmp_path):
    good = CONVERSATION[0]
    bad = [
        {**good, "event_id": "a", "action": "prompts"},
        {**good, "event_id": "b", "actor": {"type": "robot", "id": []}},
        {**good, "event_id": "c", "timestamp": "yesterday"},
        {**good, "event_id": "d", "metrics": {"latency_ms": -1, "tokens": {"total": "many"}}},
        {key: value for key, value in good.items() if key != "session_id"},
    ]
    (tmp_path / "a.jsonl").write_bytes(lines([*bad, good]) + b"[]\nx\n" + lines([good]) + b'{"torn')
    result = hilt("validate", "a.jsonl")
    assert result.code == 1
    assert [line.split(": ")[0] for line in result.out[:9]] == [
        f"a.jsonl:{n}" for n in (*range(1, 6), *range(7, 11))
    ]
    action, actor, time, metrics, session, *others = (
        line.partition(": error: ")[2] for line in result.out[:9]
    )
    assert action.startswith(
        "action: Input should be 'prompt', 'completion', 'completion_chunk', 'tool_call', "
    )
    assert actor.split("; ") == [
        "actor.type: Input should be 'human', 'agent', 'tool' or 'system'",
        "actor.id: Input should be a valid string",
    ]
    assert time == "timestamp: Value error, Invalid isoformat string: 'yesterday'"
    assert metrics.split("; ") == [
        "metrics.latency_ms: Input should be greater than or equal to 0",
        "metrics.tokens.total: Input should be a valid integer",
    ]
    assert session == "session_id: Field required"
    assert others == [
        "not an object",
        "not JSON: unexpected character, expected a JSON value: line 1 column 1 (char 0)",
        "event_id: event-1 is the id of an earlier event",
        "torn: the file ends within this line",
    ]
    assert result.out[9:] == [
        "",
        "file     lines  valid  invalid  warnings",
        "a.jsonl     10      1        9         1",
        "",
        "1 valid event, 9 invalid lines, 1 warning in 1 file",
    ]


def test_only_so_many_are_named(hilt, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b"[]\n" * 50)
    result = hilt("validate", "a.jsonl", "--max-errors", 2)
    assert result.out[:3] == [
        "a.jsonl:1: error: not an object",
        "a.jsonl:2: error: not an object",
        "and 48 more errors",
    ]
    assert result.out[-1] == "0 valid events, 50 invalid lines in 1 file"
    assert hilt("validate", "a.jsonl", "--max-errors", 0).out[0] == "and 50 more errors"


def test_warnings_are_counted_and_named_with_verbose(hilt, tmp_path):
    history = {"history": {"messages": 1, "after": "event-98"}}
    write(
        tmp_path / "a.hilt.jsonl",
        [
            event(1, "prompt", USER, "x", extensions=history),
            event(2, "completion", AGENT, "y", extensions={"reply_to": "event-99"}),
        ],
    )
    assert hilt("validate") == (3, [], hilt("validate").err)  # not here: in the folder of the settings
    assert hilt("validate", ".").out == ["2 valid events, 0 invalid lines, 3 warnings in 1 file"]
    result = hilt("validate", ".", "--verbose")
    assert result.code == 0
    assert result.out[:3] == [
        "a.hilt.jsonl:1: warning: history: no event has the id event-98",
        "a.hilt.jsonl:2: warning: reply_to: no event has the id event-99",
        "a.hilt.jsonl:1: warning: the prompt has no end: its call still runs, or its process was killed",
    ]
    assert "a.hilt.jsonl      2      2        0         3" in result.out


def test_promises_are_kept_across_files_in_any_order(hilt, tmp_path):
    write(tmp_path / "b.hilt.jsonl", CONVERSATION[:4])
    write(tmp_path / "a.hilt.jsonl", CONVERSATION[4:])
    (tmp_path / "c.hilt.jsonl.gz").write_bytes(gzip.compress(lines(FAILURE)))
    assert hilt("validate", ".").out == ["10 valid events, 0 invalid lines in 3 files"]


def test_rows_of_columns_are_events_too(hilt, tmp_path):
    row = {"event_id": "a", "timestamp": "2026-01-31T12:00:00Z", "speaker": "human: ada", "action": "prompt"}
    write(tmp_path / "a.jsonl", [row])
    assert hilt("validate", "a.jsonl").code == 0


def test_one_object_for_machines(hilt, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(lines(CONVERSATION[:1]) + b"x\n")
    result = hilt("validate", "a.jsonl", "--json")
    assert result.code == 1
    report = json.loads("\n".join(result.out))
    assert report["errors"][0].pop("reason").startswith("not JSON")
    assert report == {
        "valid": False,
        "files": [{"file": "a.jsonl", "valid": 1, "invalid": 1, "warnings": 1}],
        "errors": [{"file": "a.jsonl", "line": 2}],
        "warnings": [
            {
                "file": "a.jsonl",
                "line": 1,
                "reason": "the prompt has no end: its call still runs, or its process was killed",
            }
        ],
    }


def test_a_file_that_cannot_be_read_to_its_end(hilt, tmp_path):
    packed = gzip.compress(lines(CONVERSATION * 50))
    (tmp_path / "a.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    assert hilt("validate", "a.jsonl.gz").code == 3


@pytest.mark.parametrize("actor", [None, [], "x", 1])
def test_parts_of_a_wrong_type(actor, hilt, tmp_path):
    write(tmp_path / "a.jsonl", [{**CONVERSATION[0], "actor": actor, "extensions": actor, "content": actor}])
    assert hilt("validate", "a.jsonl").code == 1
