from __future__ import annotations

import re

import pytest
from google import genai

from hilt_autolog.reading.reader import read
from tests.support.example_runner import commands, run

COMMANDS = commands("gemini_chat.py")
TALK = """\
> What is a flight recorder?
A flight recorder keeps what happened, so that people can learn from it.
> How is the weather in Paris?
I asked, and this is what the tool returned: 18 degrees and sunny in Paris.
> Thank you. Now count to 12, please.
1 2 3 4 5 6 7 8 9 10 11 12
"""
TURN = ["prompt", "chunk", "completion"]
ACTIONS = [*TURN, *TURN, "tool_call", "tool_result", *TURN, *TURN]
ROLES = ["system", *("user", "assistant") * 2, "tool", "assistant", "user", "assistant"]


@pytest.mark.skipif(genai.__version__.startswith("1."), reason="1.x calls no function annotated in texts")
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_chat_shows_its_log(tmp_path, command):
    done = run(command, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    talk, path, table = done.stdout.split("\n\n")
    assert talk + "\n" == TALK
    _, *rows = table.splitlines()
    assert [row.split()[2] for row in rows] == ACTIONS
    assert re.search(r" \d+ +0\.0000\d\d +\d+  1 2 3 4 5 6 7 8 9 10 11 12$", rows[-1])
    log = read(path)
    answers = [event for event in log if event["action"] == "completion"]
    assert [message["role"] for message in log.messages_of(answers[-1])] == ROLES
    assert log.problems == []
