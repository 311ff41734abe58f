from __future__ import annotations

import re

import pytest

from hilt_autolog.reading.reader import read
from tests.support.example_runner import commands, run

COMMANDS = commands("anthropic_tools.py")
TALK = """\
> What is a flight recorder?
A flight recorder keeps what happened, so that people can learn from it.
> How is the weather in Paris?
I asked, and this is what the tool returned: 18 degrees and sunny in Paris.
> Thank you. Now count to 12, please.
1 2 3 4 5 6 7 8 9 10 11 12
"""
LISTENED = ["prompt", "chunk", "completion"]
TOOL = ["prompt", "completion", "tool_call", "tool_result", "prompt", "completion"]
THOUGHT = ["prompt", "chunk", "chunk", "completion"]
ROLES = ["user", "assistant", "user", "assistant", "tool", "assistant", "user"]


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_example_talks_and_shows_its_log(tmp_path, command):
    done = run(command, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    talk, path, table = done.stdout.split("\n\n")
    assert talk + "\n" == TALK
    _, *rows = table.splitlines()
    assert [row.split()[2] for row in rows] == [*LISTENED, *TOOL, *THOUGHT]
    assert re.search(r" \d+ +0\.000\d\d\d +\d+  1 2 3 4 5 6 7 8 9 10 11 12$", rows[-1])

    log = read(path)
    prompts = [event for event in log if event["action"] == "prompt"]
    assert [message["role"] for message in log.messages_of(prompts[-1])] == ROLES
    assert len({event["session_id"] for event in prompts}) == 1
    assert log.problems == []
