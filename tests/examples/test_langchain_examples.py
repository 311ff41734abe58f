from __future__ import annotations

import sys
from collections import Counter

import pytest

from hilt_autolog.reading.reader import read
from tests.support.example_runner import ROOT, run

TALKS = {
    "langchain_rag": """\
> What is a flight recorder?
A flight recorder keeps what happened, so that people can learn from it.
> Which colour are recorders painted?
You said "Which colour are recorders painted?", and I say so too.
""",
    "langgraph_agent": """\
> How is the weather in Paris?
I asked, and this is what the tool returned: 18 degrees and sunny in Paris.
> And what is the time in Paris?
I asked, and this is what the tool returned: noon in Paris.
> Thank you
You said "Thank you", and I say so too.
""",
}
COUNTS = {
    "langchain_rag": {"prompt": 4, "retrieval": 4, "completion": 2},
    "langgraph_agent": {"prompt": 5, "completion": 5, "tool_call": 2, "tool_result": 2},
}


@pytest.mark.parametrize("example", TALKS)
def test_the_example_talks_and_shows_its_log(tmp_path, example):
    if example == "langgraph_agent":
        pytest.importorskip("langchain.agents", reason="needs langchain 1")
    command = [sys.executable, ROOT / "examples" / f"{example}.py"]
    done = run(command, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    talk, path, table = done.stdout.split("\n\n")
    assert talk + "\n" == TALKS[example]
    log = read(path)
    assert log.problems == []
    counts = Counter(event["action"] for event in log)
    assert {action: counts[action] for action in COUNTS[example]} == COUNTS[example]
    shown = Counter(row.split()[2] for row in table.splitlines()[1:])
    assert {action: shown[action] for action in COUNTS[example]} == COUNTS[example]
    names = {event["extensions"].get("conversation") for event in log if event["action"] == "completion"}
    assert len(names) == 1
    assert None not in names
