"""`instrument()`, as programs for hilt-python call it, and `enable(session=...)` below it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import hilt_autolog
from hilt_autolog.integrations.openai import log_chat_completion
from hilt_autolog.log.file_names import app_name
from hilt_autolog.session.session import Session
from tests.support.helper_logs import events, summary

TURN = ["prompt", "completion"]
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    hilt_autolog.uninstrument()


@pytest.fixture
def ask(client):
    return lambda words="hi", **more: client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": words}], **more
    )


def actions(log):
    return [one[0] for one in summary(log)]


def test_calls_go_into_the_session_until_it_is_taken_away(ask, capsys):
    session = hilt_autolog.instrument(backend="local", filepath="logs/chat.jsonl")
    ask()
    list(ask("count to 2", stream=True))
    hilt_autolog.record_feedback("nice")
    assert actions(session) == [*TURN, "prompt", *["completion_chunk"] * 2, "completion", "feedback"]
    assert hilt_autolog.status().path == "logs/chat.jsonl"
    hilt_autolog.uninstrument()
    ask()
    assert len(events(session)) == 7
    assert capsys.readouterr() == ("", "")
    assert not hilt_autolog.status().enabled


def test_the_default_is_one_file_for_the_program(ask, folder):
    session = hilt_autolog.instrument()
    ask()
    assert session.filepath == Path("logs", f"{app_name()}.hilt.jsonl")
    assert actions(session) == TURN


def test_columns_are_rows(ask):
    session = hilt_autolog.instrument(filepath="rows.jsonl", columns=["speaker", "action", "tokens_in"])
    ask()
    rows = [json.loads(line) for line in Path("rows.jsonl").read_text().splitlines()]
    assert rows[0] == {"speaker": "human: user", "action": "prompt"}
    assert rows[1]["tokens_in"] == 4
    assert [event.action for event in session.read()] == TURN


@pytest.mark.parametrize(
    ("providers", "sdks"),
    [
        (["openai"], {"openai"}),
        (("gemini", "claude"), {"anthropic", "google.genai", "google.generativeai"}),
        (["google"], {"google.genai", "google.generativeai"}),
        (["langchain", "groq"], {"groq", "langchain_core"}),
    ],
)
def test_providers_go_by_the_names_that_people_have_for_them(providers, sdks):
    hilt_autolog.instrument(providers=providers)
    assert set(hilt_autolog.status().settings.providers) == sdks


@pytest.mark.parametrize("providers", [None, [], ()])
def test_no_providers_are_all(ask, providers):
    session = hilt_autolog.instrument(providers=providers)
    ask()
    assert actions(session) == TURN


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"backend": "cloud"}, "unknown backend 'cloud'"),
        ({"columns": ["colour"]}, "colour"),
        ({"columns": []}, "no columns"),
        ({"providers": ["nobody"]}, "'nobody' is not"),
        ({"filepath": ""}, "needs the path"),
    ],
)
def test_a_wrong_argument_is_an_error_and_nothing_is_recorded(given, complaint):
    with pytest.raises(ValueError, match=complaint):
        hilt_autolog.instrument(**given)
    assert not hilt_autolog.status().enabled
    assert hilt_autolog.status().path is None


def test_an_unwritable_log_is_an_error_at_once(folder):
    (folder / "file").touch()
    with pytest.raises(OSError, match="file"):
        hilt_autolog.instrument(filepath="file/log.jsonl")
    assert not hilt_autolog.status().enabled


def test_calling_it_again_begins_another_log(ask):
    first = hilt_autolog.instrument(filepath="first.jsonl")
    ask()
    second = hilt_autolog.instrument(filepath="second.jsonl")
    ask()
    assert (actions(first), actions(second)) == (TURN, TURN)


def test_taking_away_what_was_never_put_there_is_no_error():
    hilt_autolog.uninstrument()
    hilt_autolog.uninstrument()


def test_the_session_is_the_programs_as_well(ask, client):
    session = hilt_autolog.instrument(filepath="chat.jsonl")
    log_chat_completion(session, user_message="hi", client=client)
    hilt_autolog.record_feedback("nice")
    assert [(one[0], one[3]) for one in summary(session)] == [
        ("prompt", None),
        ("completion", 0),
        ("feedback", 1),
    ]


def test_settings_may_change_in_between(ask):
    session = hilt_autolog.instrument(filepath="chat.jsonl")
    with hilt_autolog.enable(tags=["t"]):
        ask()
    ask()
    assert ["tags" in event["extensions"] for event in events(session)] == [True, True, False, False]


def test_a_session_for_a_while(ask, recording):
    with recording():
        ask()
        with Session("chat.jsonl") as session, hilt_autolog.enable(session=session):
            ask()
        ask()
    assert (actions(recording.path), actions(session)) == (TURN * 2, TURN)


def test_the_environment_may_forbid_it(ask, monkeypatch):
    monkeypatch.setenv("HILT_AUTOLOG", "0")
    session = hilt_autolog.instrument(filepath="chat.jsonl")
    ask()
    assert events(session) == []


PROGRAM = """
from openai import OpenAI
from offline_provider import OfflineProvider
from hilt_autolog import instrument

with OfflineProvider(pause=0) as provider:
    instrument(filepath="chat.jsonl")
    client = OpenAI(api_key="x", base_url=provider.base_url)
    stream = client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "count to 9"}], stream=True
    )
    next(stream)
"""


def test_open_calls_are_written_at_exit(folder):
    done = subprocess.run([sys.executable, "-c", PROGRAM], env={"PYTHONPATH": str(EXAMPLES)}, check=False)
    assert done.returncode == 0
    assert actions(folder / "chat.jsonl")[-1] == "completion"
    assert events(folder / "chat.jsonl")[-1]["extensions"]["partial"]
