"""hilt-python 0.2.8 reads our logs, and we read its own: both run, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hilt_autolog import Actor, Content, Event, Session, read
from hilt_autolog.format import ACTIONS
from hilt_autolog.reading.columns import COLUMNS

ROOT = Path(__file__).resolve().parents[2]
FEW = ["timestamp", "speaker", "action", "cost_usd", "model"]  # hilt-python's own example

KNOWN_TO_BOTH = [action for action in ACTIONS if action not in ("rerank", "embedding")]

# What is run with hilt-python: reads a log, and prints what it reads of each event.
READS = """
import json, sys
from hilt.io.session import Session
columns = json.loads(sys.argv[2])
for event in Session(sys.argv[1], mode="r", columns=columns).read():
    text = event.content.text if event.content else None
    print(json.dumps([event.event_id, event.session_id, event.actor.type, event.actor.id, event.action, text,
        event.timestamp.isoformat(), (event.extensions or {}).get("reply_to")]))
"""
WRITES = """
import json, sys
from datetime import datetime, timedelta, timezone
from hilt import Actor, Content, Event, Metrics, Session
CONVERSATION = "conv_0123456789ab"
ANSWER = {"reply_to": "x", "model": "gpt-4o-mini", "latency_ms": 812, "status_code": 200}
with Session(sys.argv[1], columns=json.loads(sys.argv[2])) as session:
    session.append(Event(
        session_id=CONVERSATION,
        actor=Actor(type="human", id="user", name="Ada"),
        action="prompt",
        content=Content(text="Hello\\nthere, \\u00fc \\u2028 \\U0001f600", images=["a.png"]),
    ))
    session.append(Event(
        session_id=CONVERSATION,
        actor=Actor(type="agent", id="openai"),
        action="completion",
        timestamp=datetime(2026, 1, 31, 12),
        content=Content(text="Hi", metadata={"lang": "en"}, odd=None),
        metrics=Metrics(tokens={"prompt": 12, "completion": 7, "total": 19}, cost_usd=0.000065, latency_ms=3),
        extensions=ANSWER,
        provenance={"request_id": "r"},
    ))
    session.append(Event(
        session_id=CONVERSATION,
        actor=Actor(type="tool", id="db:docs", metadata={"n": 1}),
        action="retrieval",
        timestamp=datetime(2026, 1, 31, 14, tzinfo=timezone(timedelta(hours=2))),
        content=Content(text="x" * 600),
        extensions={"score": 0.75},
    ))
    session.append(Event(
        session_id="rag_chat_7",
        actor=Actor(type="system", id="openai"),
        action="system",
        content=Content(text="Error: slow down"),
        extensions={"error_code": "rate_limit", "status_code": 429},
    ))
    for action in ("feedback", "completion_chunk", "tool_call", "tool_result"):
        actor = Actor(type="agent", id=42)  # which nothing checks
        session.append(Event(session_id="s", actor=actor, action=action, metrics=Metrics()))
"""


@pytest.fixture(scope="session")
def hilt_python(tmp_path_factory):
    """Runs code beside hilt-python; it is no dependency, because it pins openai below 2."""
    place = tmp_path_factory.mktemp("hilt-python")
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        place,
        "hilt-python==0.2.8",
    ]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"hilt-python 0.2.8 cannot be installed: {done.stderr.strip().splitlines()[-1]}")

    def run(code, *arguments):
        code = f"import sys; sys.modules['openai'] = None\n{code}"  # it would be imported, for a second
        command = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": str(place)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def as_hilt_reads(hilt_python, path, columns=None):
    return [json.loads(line) for line in hilt_python(READS, path, json.dumps(columns)).splitlines()]


def summary_of(event):
    """What READS prints of an event of ours."""
    text = event["content"].get("text") if "content" in event else None
    moment = event["timestamp"].replace("Z", "+00:00").replace(".000000+", "+")
    reply_to = event.get("extensions", {}).get("reply_to")
    actor = event["actor"]
    return [
        event["event_id"],
        event["session_id"],
        actor["type"],
        actor["id"],
        event["action"],
        text,
        moment,
        reply_to,
    ]


# --- ours, read by hilt-python


def test_it_reads_every_line_of_captured_chats(hilt_python, tmp_path):
    path = tmp_path / "chat.hilt.jsonl"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HILT_")}
    programs = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", ROOT / "examples" / f"{example}.py"],
            env={**environment, "HILT_AUTOLOG": "1", "HILT_PATH": str(path)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for example in ("quickstart", "anthropic_tools", "gemini_chat")
    ]
    assert [program.wait(60) for program in programs] == [0, 0, 0]
    ours = list(read(path))
    providers = {event["provenance"]["provider"] for event in ours if event["action"] == "completion"}
    assert len(providers) == 3
    actions = {event["action"] for event in ours}
    assert actions == {"prompt", "completion", "completion_chunk", "tool_call", "tool_result", "system"}
    assert as_hilt_reads(hilt_python, path) == [summary_of(event) for event in ours]


def test_it_reads_every_line_of_a_session(hilt_python, tmp_path):
    path = tmp_path / "chat.hilt.jsonl"
    with Session(path) as session:
        for action in KNOWN_TO_BOTH:
            session.append(
                Event(
                    session_id="conv_1",
                    actor=Actor(type="human", id="ada", name="Ada", metadata={"team": "blue"}),
                    action=action,
                    content=Content(text="Grüße\u2028\x00", messages=[{"role": "user", "parts": []}]),
                    metrics={"tokens": {"prompt": 1}, "cost_usd": 0.5, "latency_ms": 1},
                    privacy={"redaction_applied": True},
                    extensions={"reply_to": "x"},
                    unheard_of=None,
                )
            )
    assert as_hilt_reads(hilt_python, path) == [summary_of(event) for event in read(path)]


def test_it_reads_rows_of_columns(hilt_python, tmp_path):
    path = tmp_path / "rows.hilt.jsonl"
    session = Session(path, columns=list(COLUMNS))
    session.append(Event(session_id="c", actor=Actor(type="human", id="ada"), action="prompt"))
    session.append(
        Event(
            session_id="c",
            actor=Actor(type="agent", id="ft:gpt"),
            action="completion",
            content=Content(text="Hi"),
            extensions={"reply_to": "x", "status_code": 200},
        )
    )
    first, second = as_hilt_reads(hilt_python, path, list(COLUMNS))
    times = [event.timestamp.replace("Z", "+00:00") for event in session.read()]
    assert first[1:] == ["c", "human", "ada", "prompt", "", times[0], None]
    assert second[1:] == ["c", "agent", "ft:gpt", "completion", "Hi", times[1], "x"]
    (tmp_path / "few.hilt.jsonl").touch()
    Session(tmp_path / "few.hilt.jsonl", columns=FEW).append(next(session.read()))
    assert as_hilt_reads(hilt_python, tmp_path / "few.hilt.jsonl", FEW)[0][2:5] == ["human", "ada", "prompt"]


# --- its own, read by us


@pytest.fixture(scope="session")
def theirs(hilt_python, tmp_path_factory):
    """Write a log of every kind of event with hilt-python, with these columns."""

    def write(columns):
        path = tmp_path_factory.mktemp("theirs") / "theirs.jsonl"
        hilt_python(WRITES, path, json.dumps(columns))
        return path

    return write


def test_we_read_every_line_of_it(theirs):
    path = theirs(None)
    raw = list(read(path))
    session = Session(path, mode="r")
    events = {event.event_id: event.to_dict() for event in session.read()}
    assert session.problems == []
    assert len(events) == len(raw) == 8
    for line in raw:
        event = events[line["event_id"]]
        assert event.keys() - line.keys() == {"hilt_version"}
        same = line.keys() - {"timestamp", "metrics", "actor"}
        assert event["actor"] == {**line["actor"], "id": str(line["actor"]["id"])}
        assert {key: event[key] for key in same} == {key: line[key] for key in same}


def test_costs_may_be_text_and_times_without_zone(theirs):
    completion, retrieval = (
        event for event in Session(theirs(None), mode="r").read() if event.timestamp.startswith("2026-01-31")
    )
    assert (completion.timestamp, retrieval.timestamp) == ("2026-01-31T12:00:00.000000Z",) * 2
    assert (
        completion.metrics.to_dict
        if False
        else completion.metrics.model_dump()
        == {
            "tokens": {"prompt": 12, "completion": 7, "total": 19},
            "cost_usd": 0.000065,
            "latency_ms": 3,
            "cost_usd_display": "0,000065 USD",
        }
    )


@pytest.mark.parametrize("columns", [list(COLUMNS), FEW])
def test_we_read_its_rows_of_columns(theirs, columns):
    session = Session(theirs(columns), mode="r")
    events = list(session.read())
    assert session.problems == []
    assert len(events) == 8
    completion = next(event for event in events if event.action == "completion")
    assert (completion.actor.type, completion.actor.id) == ("agent", "openai")
    assert completion.timestamp == "2026-01-31T12:00:00.000000Z"
    assert completion.metrics.cost_usd == 0.000065
    assert completion.extensions["model"] == "gpt-4o-mini"
    if columns != FEW:
        assert completion.metrics.tokens == {"prompt": 12, "completion": 7}
        assert completion.metrics.latency_ms == 812
        assert completion.extensions["status_code"] == 200
        assert completion.content.text == "Hi"
