"""hilt tail: the last events, and those that come."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time

import pytest

from tests.support import wheels
from tests.support.sample_log import AGENT, CONVERSATION, FAILURE, event, lines, write

HEADINGS = "time                     action       actor                   tokens         $      ms  text"


@pytest.fixture
def log(tmp_path):
    return write(tmp_path / "a.hilt.jsonl", [*CONVERSATION, *FAILURE])


# --- rows


def test_a_row_an_event_with_streams_folded(hilt, log):
    rows = [" ".join(line[25:].split()) for line in hilt("tail", log).out]
    assert rows == [
        "action actor tokens $ ms text",
        "prompt ada How is the weather in Paris?",
        'completion gpt-5 48 0.000210 900 get_weather({"city": "Paris"})',
        'tool_call gpt-5 get_weather {"city": "Paris"}',
        "tool_result get_weather 18 degrees and sunny",
        "prompt get_weather 18 degrees and sunny",
        "chunk x2 gpt-5 It is sunny.",
        "completion gpt-5 65 0.000330 1200 It is sunny.",
        "prompt ada And tomorrow?",
        "system openai 50 RateLimitError (429) Rate limit reached",
    ]


def test_the_columns_are_aligned(hilt, log):
    result = hilt("tail", log, "-n", 3)
    assert result.out[:3] == [
        HEADINGS,
        f"2026-01-31 12:00:08.000  completion   gpt-5{' ' * 23}65  0.000330    1200  It is sunny.",
        f"2026-01-31 12:00:20.000  prompt       ada{' ' * 47}And tomorrow?",
    ]
    assert result.out[3].startswith("2026-01-31 12:00:21.000  system       openai                     ")
    assert result.out[3].endswith("    50  RateLimitError (429) Rate limit reached")


@pytest.mark.parametrize(
    ("width", "rows"),
    [
        (
            100,
            [
                "time      action       actor                   tokens         $      ms  text",
                "2026-01-31",
                "12:00:08  completion   gpt-5                       65  0.000330    1200  It is sunny.",
                "12:00:20  prompt       ada                                               And tomorrow?",
                f"12:00:21  system       openai{' ' * 40}50  RateLimitError (429) Rate…",
            ],
        ),
        (
            80,
            [
                "time      action       actor                       ms  text",
                "2026-01-31",
                "12:00:08  completion   gpt-5                     1200  It is sunny.",
                "12:00:20  prompt       ada                             And tomorrow?",
                "12:00:21  system       openai                      50  RateLimitError (429) Rat…",
            ],
        ),
        (
            40,
            [
                "time      action       text",
                "2026-01-31",
                "12:00:08  completion   It is sunny.",
                "12:00:20  prompt       And tomorrow?",
                "12:00:21  system       RateLimitError (…",
            ],
        ),
    ],
)
def test_rows_fit_the_width_of_the_terminal(width, rows, hilt, log, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    result = hilt("tail", log, "-n", 3)
    assert result.out == rows
    assert max(map(len, result.out)) <= width


def test_pieces_of_streams_one_by_one(hilt, log):
    assert [line[25:38] for line in hilt("tail", log, "--chunks", "-n", 5).out[1:]] == [
        "chunk        ",
        "chunk        ",
        "completion   ",
        "prompt       ",
        "system       ",
    ]


def test_streams_at_the_same_time_are_not_mixed(hilt, tmp_path):
    pieces = [
        event(number, "completion_chunk", AGENT, text, extensions={"reply_to": prompt, "kind": kind})
        for number, (prompt, kind, text) in enumerate(
            [
                ("p", "text", "a"),
                ("q", "text", "x"),
                ("p", "reasoning", "?"),
                ("p", "text", "b"),
                ("q", "text", "y"),
            ]
        )
    ]
    end = event(9, "completion", AGENT, "ab", extensions={"reply_to": "p"})
    write(tmp_path / "a.jsonl", [*pieces, end])
    assert [" ".join(line[25:].split()) for line in hilt("tail", "a.jsonl").out[1:]] == [
        "chunk x2 gpt-5 ab",
        "chunk x1 gpt-5 ?",
        "completion gpt-5 ab",
        "chunk x2 gpt-5 xy",
    ]


def test_json_lines_are_the_events_unchanged(hilt, log):
    result = hilt("tail", log, "--json", "-n", 100)
    assert [json.loads(line) for line in result.out] == [*CONVERSATION, *FAILURE]


# --- how many


def test_the_last_of_several_files_by_time(hilt, tmp_path):
    write(tmp_path / "a.jsonl", [CONVERSATION[0], CONVERSATION[3]])
    write(tmp_path / "b.jsonl", [CONVERSATION[1], FAILURE[1]])
    (tmp_path / "c.gz").write_bytes(gzip.compress(lines([CONVERSATION[2], FAILURE[0]])))
    event_ids = [json.loads(line)["event_id"] for line in hilt("tail", "*", "--json", "-n", 4).out]
    assert event_ids == ["event-3", "event-4", "event-20", "event-21"]


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 100])
def test_as_many_rows_as_are_asked_for(count, suffix, hilt, tmp_path):
    content = lines(CONVERSATION)
    (tmp_path / f"a.jsonl{suffix}").write_bytes(gzip.compress(content) if suffix else content)
    result = hilt("tail", f"a.jsonl{suffix}", "-n", count)
    assert len(result.out) == (min(count, 7) + 1 if count else 0)
    if count > 1:
        assert result.out[-2].endswith("  It is sunny.")
        assert "  chunk x2  " in result.out[-2]


@pytest.mark.parametrize("count", ["-1", "x", "1.5", ""])
def test_a_number_of_lines_that_is_none(count, hilt, log):
    result = hilt("tail", log, f"--lines={count}")
    assert (result.code, result.out) == (2, [])
    assert result.err[-1] == f"hilt tail: error: argument -n/--lines: {count!r} is no number of lines"


# --- following


@pytest.fixture
def following(tmp_path):
    """Start `hilt tail -f` in a folder, and read what it prints until a text is there."""
    processes = []

    def start(*words: str):
        process = subprocess.Popen(
            [sys.executable, "-m", "hilt_autolog", "tail", "-f", *words],
            cwd=tmp_path,
            env=wheels.clean_environ(PYTHONPATH=str(wheels.ROOT), TZ="UTC"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()


def next_ids(process, count: int) -> list[str]:
    return [json.loads(process.stdout.readline())["event_id"] for _ in range(count)]


def test_what_is_appended_and_what_is_new_in_the_folder(following, tmp_path):
    path = write(tmp_path / "logs" / "a.hilt.jsonl", CONVERSATION[:3])
    process = following("logs", "--json", "-n", "1")
    assert next_ids(process, 1) == ["event-3"]
    with path.open("ab") as file:
        half = lines(CONVERSATION[3:4])
        file.write(half[:20])
        file.flush()
        time.sleep(0.3)
        file.write(half[20:])
    assert next_ids(process, 1) == ["event-4"]
    write(tmp_path / "logs" / "b.hilt.jsonl", CONVERSATION[4:5])
    assert next_ids(process, 1) == ["event-5"]
    path.rename(path.with_suffix(".1"))
    write(path, CONVERSATION[5:7])
    assert next_ids(process, 2) == ["event-6", "event-7"]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, "", "")


def test_a_log_that_is_not_there_yet_is_waited_for(following, tmp_path):
    process = following("--json")
    assert process.stderr.readline() == (
        "hilt: no such log: logs, where the settings let logs be written; "
        "name the files or folders to read; waiting\n"
    )
    write(tmp_path / "logs" / "a.hilt.jsonl", CONVERSATION[:1])
    assert next_ids(process, 1) == ["event-1"]


def test_a_stream_is_one_row_when_it_ends(following, tmp_path):
    path = write(tmp_path / "a.hilt.jsonl", CONVERSATION[:6])  # in the middle of a stream
    process = following("a.hilt.jsonl", "-n", "2")
    rows = [process.stdout.readline() for _ in range(2)]
    with path.open("ab") as file:
        file.write(lines(CONVERSATION[6:]))
    rows += [process.stdout.readline() for _ in range(2)]
    assert [" ".join(line[25:].split()) for line in rows] == [
        "action actor tokens $ ms text",
        "prompt get_weather 18 degrees and sunny",
        "chunk x2 gpt-5 It is sunny.",
        "completion gpt-5 65 0.000330 1200 It is sunny.",
    ]


def test_a_pipe_is_followed_to_its_end(following):
    process = following("-", "--json")
    process.stdin.write(lines(CONVERSATION[:2]).decode())
    process.stdin.flush()
    assert next_ids(process, 2) == ["event-1", "event-2"]
    process.stdin.close()
    assert process.wait(timeout=20) == 0


def test_it_ends_when_nobody_reads_on(following, tmp_path):
    write(tmp_path / "a.hilt.jsonl", CONVERSATION)
    process = following("a.hilt.jsonl", "--json", "-n", "1")
    assert next_ids(process, 1) == ["event-8"]
    process.stdout.close()
    assert process.wait(timeout=20) == 141
    assert process.stderr.read() == ""


def test_a_pipe_among_files_is_refused(hilt, log):
    result = hilt("tail", "-f", "-", log)
    assert (result.code, result.out, len(result.err)) == (2, [], 1)
