from __future__ import annotations

import re

import pytest

from hilt_autolog.event import Event
from hilt_autolog.reading.reader import read
from tests.support.example_runner import commands, run

COMMANDS = commands("quickstart.py")
TALK = """\
> What is a flight recorder?
A flight recorder keeps what happened, so that people can learn from it.
> How is the weather in Paris?
I asked, and this is what the tool returned: 18 degrees and sunny in Paris.
> Thank you. Now count to 12, please.
1 2 3 4 5 6 7 8 9 10 11 12
"""
TURN = ["prompt", "completion"]
TOOL = ["tool_call", "tool_result"]
ACTIONS = [*TURN, *TURN, *TOOL, *TURN, "prompt", "chunk", "completion"]
ROLES = ["system", "user", "assistant", "user", "assistant", "tool", "assistant", "user", "assistant"]


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_quickstart_talks_and_shows_its_log(tmp_path, command):
    done = run(command, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    talk, path, table = done.stdout.split("\n\n")
    assert talk + "\n" == TALK
    header, *rows = table.splitlines()
    assert header.split() == ["time", "action", "actor", "tokens", "$", "ms", "text"]
    assert [row.split()[2] for row in rows] == ACTIONS
    assert " chunk x12 " in rows[-2]
    assert re.search(r" \d+ +0\.0000\d\d +\d+  1 2 3 4 5 6 7 8 9 10 11 12$", rows[-1])

    log = read(path)
    answers = [event for event in log if event["action"] == "completion"]
    assert [message["role"] for message in log.messages_of(answers[-1])] == ROLES
    assert [str(file) for file in (tmp_path / "logs").iterdir()] == [path]
    assert log.problems == []


def test_events_of_earlier_runs_are_not_shown(tmp_path):
    old = Event(session_id="conv_1", actor={"type": "human", "id": "ada"}, action="feedback")
    (tmp_path / "one.hilt.jsonl").write_text(old.to_json() + "\n")
    done = run(COMMANDS["plain"], tmp_path, HILT_PATH="one.hilt.jsonl")
    assert len(list(read(tmp_path))) > len(ACTIONS)
    assert "completion" in done.stdout
    assert "feedback" not in done.stdout
