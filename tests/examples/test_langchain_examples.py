from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from hilt_autolog.reading.reader import read

ROOT = Path(__file__).parents[2]
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
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HILT_", "OPENAI_"))}
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, ROOT / "examples" / f"{example}.py"]
    environ = kept | {"PYTHONPATH": paths, "PYTHONWARNINGS": "error"}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
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
