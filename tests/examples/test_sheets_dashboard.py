"""examples/sheets_dashboard.py, without any account."""

from __future__ import annotations

import json

import pytest

from hilt_autolog import read
from tests.support.example_runner import commands, run

COMMANDS = commands("sheets_dashboard.py")


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_it_shows_the_sheet_and_its_figures(command, tmp_path):
    done = run(command, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("time "))
    shown = [line.split()[2:] for line in lines[first + 1 : first + 9]]
    assert [action for action, *_ in shown] == ["prompt", "completion"] * 3 + ["prompt", "system"]
    assert "offline-sheet/Feedback, which has 3 rows" in done.stdout
    assert [line.split() for line in lines[-4:]] == [
        ["model", "calls", "errors", "tokens", "$"],
        ["fail-429", "1", "1", "0", "0.000000"],
        ["gpt-4o", "2", "0", "75", "0.000510"],
        ["gpt-4o-mini", "1", "0", "24", "0.000010"],
    ]


def test_every_event_is_in_a_local_log_too(tmp_path):
    run(COMMANDS["plain"], tmp_path)
    (log,) = (tmp_path / "logs").glob("sheets_dashboard-*.hilt.jsonl")
    (feedback,) = (tmp_path / "logs").glob("sheets-Feedback-*.hilt.jsonl")
    assert [event["action"] for event in read(feedback)] == ["feedback"] * 3
    checkpoints = [json.loads(path.read_bytes()) for path in (tmp_path / "logs").glob("*.sheets")]
    assert sorted(checkpoint["offset"] for checkpoint in checkpoints) == sorted(
        path.stat().st_size for path in (log, feedback)
    )


def test_where_recording_is_switched_off_it_says_so(tmp_path):
    done = run(COMMANDS["plain"], tmp_path, HILT_AUTOLOG="0")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("There is no log: HILT_AUTOLOG=0 has switched it off.\n")
    assert not (tmp_path / "logs").exists()
