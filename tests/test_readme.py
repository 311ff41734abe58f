"""The snippets of the README on helpers and own events run, against the providers of this machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import hilt_autolog
from tests.support.stories import events, story

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture
def run(provider, monkeypatch, tmp_path):
    """Run the Python under a mark, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_BASE_URL", provider.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", "offline")

    def run(mark):
        (code,) = re.findall(
            rf"^<!-- {mark} -->\n```python\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE
        )
        names = {"__name__": "readme"}
        exec(compile(code, f"{mark} in the README", "exec"), names)
        return names

    yield run
    hilt_autolog.disable()


pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # no snippet closes its client


def test_the_helpers(run, capsys):
    names = run("helpers")
    assert (names["text"], capsys.readouterr().out) == ("1 2 3 4 5", "1\n 2\n 3\n 4\n 5\n")
    assert [one[0] for one in story("logs/openai.hilt.jsonl") if one[0] != "completion_chunk"] == [
        *("prompt", "completion") * 2,
        *("prompt", "retrieval", "completion"),
    ]


def test_instrument(run, monkeypatch):
    session = run("instrument")["session"]
    assert str(session.filepath) == "logs/chat.jsonl"
    assert not hilt_autolog.status().enabled


def test_own_events(run):
    run("own events")
    log = hilt_autolog.status().path
    assert [(one[0], one[3]) for one in story(log)] == [
        ("prompt", None),
        ("completion", 0),
        ("tool_call", 1),
        ("retrieval", 2),
        ("tool_result", 2),
        ("prompt", 4),
        ("completion", 5),
        ("feedback", 6),
    ]
    told = events(log)
    assert {event["extensions"]["conversation"] for event in told} == {"ticket-42"}
    assert ["tags" in event["extensions"] for event in told] == [True] * 7 + [False]
