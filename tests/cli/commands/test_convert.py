"""hilt convert: the converters, as a command."""

from __future__ import annotations

import errno
import json
import os
import sys

import pytest

from hilt_autolog.cli.commands import convert
from hilt_autolog.converters import parquet
from tests.support.sample_log import CONVERSATION, write


def test_the_compressions_are_those_of_the_converter():
    assert tuple(parquet.COMPRESSIONS) == convert.COMPRESSIONS


@pytest.fixture
def log(tmp_path):
    return write(tmp_path / "a.hilt.jsonl", CONVERSATION)


def test_csv_to_standard_output(hilt, log):
    result = hilt("convert", "a.hilt.jsonl", "--to", "csv", "--columns", "event_id, actor.id")
    assert (result.code, result.err) == (0, [])
    assert result.out[:3] == ["event_id,actor.id", "event-1,ada", "event-2,gpt-5"]
    flat = hilt("convert", "a.hilt.jsonl", "--to", "csv", "--flat").out[0]
    assert flat.startswith(
        "hilt_version,event_id,timestamp,session_id,actor.type,actor.id,action,content.text,"
    )
    assert hilt("convert", "a.hilt.jsonl", "--to", "csv", "--metadata").out[0].endswith(",extensions.index")


@pytest.mark.parametrize(
    ("output", "written"),
    [("b.csv", "8 events"), ("b.parquet", "8 events"), ("b.jsonl", "1 conversations")],
)
def test_the_output_s_name_says_the_format(hilt, log, output, written):
    assert hilt("convert", "a.hilt.jsonl", "-o", output) == (0, [], [f"hilt: {written} -> {output}"])
    assert (log.parent / output).stat().st_size > 0
    count, unit = written.split()
    (line,) = hilt("convert", "a.hilt.jsonl", "-o", output, "--json").out
    assert {unit: int(count), "output": output, "problems": 0}.items() <= json.loads(line).items()


@pytest.mark.parametrize("output", ["b.csv", "b.parquet"])
def test_only_the_events_that_are_asked_for(hilt, log, output):
    for count, words in (
        (2, ("--action", "prompt")),
        (6, ("--since", "2026-01-31T12:00:03Z")),
        (2, ("--until", "2026-01-31T12:00:03Z")),
        (0, ("--conversation", "another")),
    ):
        assert hilt("convert", "a.hilt.jsonl", "-o", output, *words).err == [
            f"hilt: {count} events -> {output}"
        ]


def test_messages_of_some_of_the_events_are_whole(hilt, log):
    (line,) = hilt("convert", "a.hilt.jsonl", "--to", "messages", "--since", "2026-01-31T12:00:08Z").out
    assert len(json.loads(line)["messages"]) == 4
    assert hilt("convert", "a.hilt.jsonl", "--to", "messages", "--until", "2026-01-30").out == []


def test_flat_rows_are_converted_as_events(hilt, tmp_path):
    row = {"timestamp": "2026-01-31 12:00:00", "event_id": "a", "speaker": "human: u", "conversation_id": "c"}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row | {"action": "prompt", "message": "hello"}))
    assert hilt("convert", "rows.jsonl", "--to", "csv", "--columns", "speaker,message,actor.id").out == [
        "speaker,message,actor.id",
        "human: u,hello,u",
    ]


@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "No space left on device"), None])
def test_an_output_that_cannot_be_written_is_named_as_given(fault, hilt, log, monkeypatch):
    def replace(part, _target):
        raise fault or OSError(errno.EROFS, "Read-only file system", part)

    monkeypatch.setattr("os.replace", replace)
    reason = fault.strerror if fault else "Read-only file system"
    assert hilt("convert", "a.hilt.jsonl", "-o", "b.csv") == (3, [], [f"hilt: b.csv: {reason}"])
    assert list(log.parent.glob("*b.csv*")) == []


def test_messages_to_standard_output(hilt, log):
    (line,) = hilt("convert", "a.hilt.jsonl", "--to", "messages").out
    assert [message["role"] for message in json.loads(line)["messages"]][:3] == ["user", "assistant", "tool"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "use --to csv, --to parquet or --to messages"),
        (("-o", "b.xlsx"), "use --to csv, --to parquet or --to messages"),
        (("--to", "parquet"), "Parquet is written to a file: use -o FILE"),
        (("--to", "csv", "--json"), "--json goes with -o FILE: standard output has the log itself"),
    ],
)
def test_what_is_not_said_is_asked_for(hilt, log, words, message):
    assert hilt("convert", "a.hilt.jsonl", *words) == (2, [], [f"hilt: {message}"])


def test_an_unknown_column(hilt, log):
    for output in ((), ("-o", "b.csv")):
        result = hilt("convert", "a.hilt.jsonl", "--to", "csv", "--columns", "nope", *output)
        assert (result.code, result.out) == (2, [])
        assert result.err[0].startswith("hilt: unknown columns: nope; known: timestamp, conversation_id, ")
    assert sorted(os.listdir()) == [
        "a.hilt.jsonl",
        "pyproject.toml",
    ]


def test_the_log_is_never_written_over(hilt, log):
    before = log.read_bytes()
    result = hilt("convert", ".", "--to", "csv", "-o", "a.hilt.jsonl")
    assert result == (3, [], ["hilt: a.hilt.jsonl is what is to be converted: name another file to write"])
    assert log.read_bytes() == before


def test_unreadable_lines_are_reported_and_the_rest_is_written(hilt, log):
    log.write_bytes(b"[]\n" + log.read_bytes() + b'{"torn')
    reports = [
        "hilt: a.hilt.jsonl:1: not an object",
        "hilt: a.hilt.jsonl:10: torn: the file ends within this line",
    ]
    for output in ("b.csv", "b.parquet"):
        assert hilt("convert", "a.hilt.jsonl", "-o", output) == (
            0,
            [],
            [*reports, f"hilt: 8 events -> {output}"],
        )
    assert hilt("convert", "no.jsonl", "-o", "b.csv") == (3, [], ["hilt: no such log: no.jsonl"])
    assert hilt("convert", "a.hilt.jsonl", "-o", "no/b.csv")[::2] == (
        3,
        [f"hilt: no such folder: {log.parent}/no"],
    )


@pytest.mark.parametrize("words", [("convert", "--to", "csv"), ("query", "FROM events")])
def test_without_standard_output_there_is_nothing_to_write_to(hilt, log, monkeypatch, words):
    with monkeypatch.context() as closed:
        closed.setattr(sys, "stdout", None)
        result = hilt(*words, "a.hilt.jsonl")
    assert result == (3, [], ["hilt: there is no standard output"])
