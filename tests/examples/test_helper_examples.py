from __future__ import annotations

import csv

from hilt_autolog.event import Event
from hilt_autolog.reading.reader import read
from tests.support.example_runner import commands, run

TALK = """\
> What is a flight recorder?
A flight recorder keeps what happened, so that people can learn from it.
> Now count to 5, please.
1 2 3 4 5
> Which colour are flight recorders painted?
A flight recorder keeps what happened, so that people can learn from it."""
ECHO = """\
> Is anybody there
Is anybody there, there
>\x20
! The prompt is empty.

logs/echo.hilt.jsonl
"""


def test_the_helpers_log_calls_streams_and_rag_answers(tmp_path):
    done = run(commands("openai_integration.py")["plain"], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    talk, path, table, told = done.stdout.strip().split("\n\n")
    assert talk == TALK
    assert [row.split()[2] for row in table.splitlines()[1:]] == [
        *("prompt", "completion", "prompt", "chunk", "completion"),
        *("prompt", "retrieval", "retrieval", "completion"),
    ]
    log = read(tmp_path / path)
    assert {
        event["extensions"]["conversation"] for event in log if "conversation" in event["extensions"]
    } == {
        "demo-chat",
        "demo-stream",
        "demo-rag",
    }
    assert told == "13 events -> logs/openai.csv"
    with (tmp_path / "logs" / "openai.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 13


def test_a_provider_of_ones_own_is_in_the_log(tmp_path):
    done = run(commands("custom_integration.py")["plain"], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(ECHO)
    log = read(tmp_path / "logs" / "echo.hilt.jsonl")
    prompt, completion, empty_prompt, failed = [Event.from_dict(event) for event in log]
    assert [one.action for one in (prompt, completion, empty_prompt, failed)] == [
        *("prompt", "completion"),
        *("prompt", "system"),
    ]
    assert completion.metrics.tokens == {"prompt": 3, "completion": 4, "total": 7}
    assert completion.provenance["response_id"] == "echo-1"
    assert completion.extensions == {"reply_to": prompt.event_id}
    assert failed.extensions["reply_to"] == empty_prompt.event_id
    assert len({event["session_id"] for event in log}) == 1
    assert log.problems == []
