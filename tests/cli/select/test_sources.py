"""Which logs a command reads, its reports of those that cannot be read, and which events it takes."""

from __future__ import annotations

import gzip
import io
import json
import os
import time
from typing import get_args

import pytest

from hilt_autolog.format import ACTIONS, Action
from tests.support.sample_log import CONVERSATION, FAILURE, lines, write


def ids(result) -> list[str]:
    return [json.loads(line)["event_id"] for line in result.out]


# --- paths


def test_files_folders_globs_and_compressed_logs_are_one_log(hilt, tmp_path):
    write(tmp_path / "a" / "1.hilt.jsonl", CONVERSATION[:2])
    (tmp_path / "a" / "2.hilt.jsonl.gz").write_bytes(gzip.compress(lines(CONVERSATION[2:4])))
    write(tmp_path / "b.jsonl", CONVERSATION[4:])
    everything = [f"event-{number}" for number in range(1, 9)]
    assert ids(hilt("tail", "--json", "a", "b.jsonl")) == everything
    assert ids(hilt("tail", "--json", "*.jsonl", "a/*")) == everything
    assert ids(hilt("tail", "--json", "b.jsonl", "b.jsonl", tmp_path / "b.jsonl")) == everything[4:]


def test_options_may_come_between_paths(hilt, tmp_path):
    write(tmp_path / "a.jsonl", CONVERSATION[:1])
    write(tmp_path / "-b.jsonl", CONVERSATION[1:2])
    assert ids(hilt("tail", "a.jsonl", "--json", "-n", "5", "--", "-b.jsonl")) == ["event-1", "event-2"]


@pytest.mark.parametrize("content", [lines(CONVERSATION), gzip.compress(lines(CONVERSATION))])
def test_standard_input(content, hilt, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert ids(hilt("tail", "--json", "-"))[-1] == "event-8"


@pytest.mark.parametrize("setting", ["logs/{pid}.hilt.jsonl", "logs/app.hilt.jsonl"])
def test_without_paths_the_log_is_where_the_settings_say(setting, hilt, tmp_path, monkeypatch):
    write(tmp_path / "logs" / "app.hilt.jsonl", CONVERSATION)
    monkeypatch.setenv("HILT_PATH", setting)
    assert ids(hilt("tail", "--json", "-n", 1)) == ["event-8"]


@pytest.mark.parametrize("words", ["tail", "show", "validate", "search x"])
def test_what_is_not_there(words, hilt, tmp_path):
    (tmp_path / "empty").mkdir()
    hint = "where the settings let logs be written; name the files or folders to read"
    for paths, complaint in [
        (["no.hilt.jsonl"], "hilt: no such log: no.hilt.jsonl"),
        (["no/*.jsonl"], "hilt: no such log: no/*.jsonl"),
        (["empty"], "hilt: no *.hilt.jsonl in empty"),
        ([], f"hilt: no such log: logs, {hint}"),
    ]:
        assert hilt(*words.split(), *paths) == (3, [], [complaint])


def test_an_empty_file_is_an_empty_log(hilt, tmp_path):
    (tmp_path / "empty.hilt.jsonl").touch()
    assert hilt("tail", "empty.hilt.jsonl") == (0, [], [])
    assert hilt("validate", "empty.hilt.jsonl") == (0, ["0 valid events, 0 invalid lines in 1 file"], [])
    assert hilt("search", "x", "empty.hilt.jsonl") == (1, [], [])
    assert hilt("show", "empty.hilt.jsonl") == (1, [], ["hilt: the log has no conversation"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_is_closed_to_us(hilt, tmp_path):
    path = write(tmp_path / "closed.jsonl", CONVERSATION)
    path.chmod(0)
    result = hilt("tail", "closed.jsonl")
    assert result.code == 3
    assert "Permission denied" in result.err[0]


def test_a_folder_in_the_place_of_a_file_vanishes_quietly(hilt, tmp_path):
    write(tmp_path / "x.hilt.jsonl" / "y.hilt.jsonl", CONVERSATION)
    assert ids(hilt("tail", "--json", "-n", 1, ".")) == ["event-8"]


# --- problems


def test_unreadable_lines_go_to_stderr_and_the_rest_is_shown(hilt, tmp_path):
    path = write(tmp_path / "a.jsonl", CONVERSATION[:1])
    with path.open("ab") as file:
        file.write(b"caf\xe9\n[1]\n?\n\n" + lines(CONVERSATION[1:2]) + b'{"torn')
    result = hilt("search", "/./", "--count", "a.jsonl")
    assert (result.code, result.out) == (0, ["2"])
    assert [line.split(": ")[1:3] for line in result.err] == [
        ["a.jsonl:2", "not UTF-8 at byte 4"],
        ["a.jsonl:3", "not an object"],
        ["a.jsonl:4", "not JSON"],
        ["a.jsonl:7", "torn"],
    ]
    assert [line.split(": ")[1:3] for line in hilt("tail", "a.jsonl").err] == [
        ["a.jsonl", "last line"],
        ["a.jsonl", "line 4 from the end"],
        ["a.jsonl", "line 5 from the end"],
        ["a.jsonl", "line 6 from the end"],
    ]


def test_many_problems_are_counted(hilt, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b"x\n" * 100)
    result = hilt("search", "/./", "a.jsonl")
    assert len(result.err) == 11
    assert result.err[-1] == "hilt: and 90 more; `hilt validate` lists them"
    assert result.code == 1


def test_a_damaged_archive_is_read_as_far_as_it_goes(hilt, tmp_path):
    packed = gzip.compress(lines(CONVERSATION * 50))
    (tmp_path / "a.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    result = hilt("search", "paris", "a.jsonl.gz", "--count")
    assert result.code == 3
    assert int(result.out[0]) > 1
    assert "unreadable from here" in result.err[0]


def test_a_line_that_would_fill_the_memory_is_passed_over(hilt, tmp_path):
    bomb = b'{"a":"' + b"x" * (65 * 2**20) + b'"}\n'
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(bomb + lines(CONVERSATION), 1))
    for command in (("tail", "-n", 1), ("search", "/./", "--count"), ("show", "--list")):
        result = hilt(*command, "a.jsonl.gz")
        assert result.err == ["hilt: a.jsonl.gz:1: longer than 64 MiB"]
        assert result.code == 0


def test_names_of_files_are_harmless(hilt, tmp_path):
    (tmp_path / "a\x1b[31m\n.jsonl").write_bytes(b"x\n")
    assert hilt("tail", "a*.jsonl").err[0].startswith("hilt: a\\x1b[31m\\n.jsonl: last line: not JSON")
    assert hilt("validate", "a*.jsonl").out[0].startswith("a\\x1b[31m\\n.jsonl:1: error: not JSON")


# --- filters


@pytest.fixture
def log(tmp_path):
    other = [{**FAILURE[0], "session_id": "conv_other", "extensions": {"model": "claude-5"}}]
    return write(tmp_path / "a.jsonl", [*CONVERSATION, *other, FAILURE[1]])


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("--since 2026-01-31T12:00:20Z", [20, 21]),
        ("--until 2026-01-31T12:00:03Z", [1, 2]),
        ("--since 2026-01-31 --until 2026-01-31 --action prompt", [1, 5, 20]),
        ("--since 2026-02-01", []),
        ("--until 2026-01-30", []),
        ("--action prompt --action system", [1, 5, 20, 21]),
        ("--action completion --model gpt", [2, 8]),
        ("--model claude-5", [20]),
        ("--conversation ticket-42 --action prompt", [1, 5]),
        ("--conversation conv_o", [20]),
        ("--conversation ticket", []),
    ],
)
def test_which_events_are_taken(words, numbers, hilt, log):
    result = hilt("tail", "--json", log, *words.split())
    assert ids(result) == [f"event-{number}" for number in numbers]


def test_a_time_without_a_zone_is_a_local_one(hilt, log, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    assert ids(hilt("tail", "--json", log, "--since", "2026-01-31T17:30:20"))[:1] == ["event-20"]
    assert hilt("tail", log, "-n", 1).out[1].startswith("2026-01-31 17:30:21.000  system ")


def test_an_action_that_there_is_not(hilt, log):
    result = hilt("tail", log, "--action", "prompts")
    assert result.code == 2
    assert "invalid choice: 'prompts'" in result.err[-1]


def test_the_actions_are_those_of_the_event():
    assert get_args(Action) == ACTIONS


# --- rows of columns


def test_flat_rows_are_shown_as_events(hilt, tmp_path):
    row = {
        "event_id": "row-1",
        "timestamp": "2026-01-31T12:00:00Z",
        "session": "ticket-7",
        "conversation_id": "conv_7",
        "speaker": "human: ada",
        "action": "prompt",
        "message": "How is the weather?",
    }
    write(tmp_path / "rows.jsonl", [row])
    shown = "2026-01-31 12:00:00.000  prompt       ada"
    assert hilt("tail", "rows.jsonl").out[1].startswith(shown)
    assert hilt("search", "weather", "rows.jsonl", "--conversation", "ticket-7", "--count").out == ["1"]
    assert hilt("show", "ticket-7", "rows.jsonl").out[3:5] == [
        "12:00:00  ada",
        "          How is the weather?",
    ]


def test_events_without_a_time_stay_where_they_are(hilt, tmp_path):
    timeless = {key: value for key, value in CONVERSATION[1].items() if key != "timestamp"}
    write(tmp_path / "a.jsonl", [CONVERSATION[0], timeless, CONVERSATION[3]])
    assert ids(hilt("tail", "a.jsonl", "--json")) == ["event-1", "event-2", "event-4"]
    shown = json.loads("\n".join(hilt("show", "a.jsonl", "--json").out))
    assert [one["event_id"] for one in shown["events"]] == ["event-1", "event-2", "event-4"]


def test_there_is_no_standard_input(hilt, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    for words in (["tail"], ["show"], ["search", "x"], ["validate"], ["tail", "-f"]):
        assert hilt(*words, "-") == (3, [], ["hilt: there is no standard input"])
