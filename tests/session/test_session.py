from __future__ import annotations

import gzip
import io
import json
import math
import re
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hilt_autolog
from hilt_autolog import Actor, Content, Event, Metrics, Session, SessionError, read
from hilt_autolog.format import ACTIONS
from hilt_autolog.reading import lines
from tests.reading.test_reader import BYTES

SAID = {"session_id": "conv_1", "actor": {"type": "human", "id": "ada"}, "action": "prompt"}
HELLO = Event(
    session_id="conv_1", actor=Actor(type="human", id="ada"), action="prompt", content={"text": "Hello"}
)
REPLY = Event(
    session_id="conv_1",
    actor=Actor(type="agent", id="gpt-4o"),
    action="completion",
    content=Content(text="Hi,\nAda"),
    metrics=Metrics(tokens={"prompt": 3, "completion": 4, "total": 7}, cost_usd=0.25, latency_ms=12),
    extensions={"reply_to": HELLO.event_id, "status_code": 200, "model": "gpt-4o-2024"},
)


def texts(events):
    return [event.content.text for event in events]


def prompt_event(text):
    return {**SAID, "content": {"text": text}}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "logs" / "chat.hilt.jsonl"


# --- writing and reading


def test_what_is_appended_is_read(path):
    with Session(path) as session:
        assert session.append(HELLO) is None
        session.append(REPLY)
    assert list(Session(path, mode="r").read()) == [HELLO, REPLY]
    assert [json.loads(line) for line in path.read_text().splitlines()] == [HELLO.to_dict(), REPLY.to_dict()]


def test_an_event_is_in_the_file_when_append_returns(path):
    session = Session(path)
    session.append(HELLO)
    assert list(read(path)) == [HELLO.to_dict()]


def test_a_dict_is_the_arguments_of_an_event(path):
    session = Session(path)
    fields = {**prompt_event("Hello"), "timestamp": datetime(2026, 1, 31, 12, tzinfo=UTC)}
    before = dict(fields)
    session.append(fields)
    assert fields == before
    [event] = session.read()
    assert (event.content.text, event.timestamp) == ("Hello", "2026-01-31T12:00:00.000000Z")
    assert event.event_id


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.text(), JSON, max_size=4)
EVENTS = st.builds(
    Event,
    timestamp=st.datetimes(timezones=st.timezones()).filter(lambda moment: 2 < moment.year < 9998),
    session_id=st.text(min_size=1),
    actor=st.builds(
        Actor,
        type=st.sampled_from(["human", "agent", "tool", "system"]),
        id=st.text(min_size=1),
        name=st.none() | st.text(),
        metadata=st.none() | OBJECTS,
    ),
    action=st.sampled_from(ACTIONS),
    content=st.none()
    | st.builds(Content, text=st.none() | st.text(), messages=st.none() | st.lists(OBJECTS, max_size=3)),
    metrics=st.none()
    | st.builds(
        Metrics,
        latency_ms=st.none() | st.integers(0, 2**40),
        tokens=st.none() | st.dictionaries(st.text(), st.integers(0, 2**40), max_size=3),
        cost_usd=st.none() | st.floats(0, 1e9),
    ),
    extensions=st.none() | OBJECTS,
    unheard_of=JSON,
)


@settings(deadline=None)
@given(st.lists(EVENTS, max_size=4))
def test_any_events_are_read_back_equal(tmp_path_factory, events):
    path = tmp_path_factory.mktemp("any") / "x.hilt.jsonl"
    with Session(path, mode="w") as session:
        for event in events:
            session.append(event)
    assert list(session.read()) == events
    assert session.problems == []


@settings(deadline=None)
@given(BYTES)
def test_no_bytes_make_reading_raise(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("bytes") / "x.hilt.jsonl"
    path.write_bytes(data)
    session = Session(path)
    events = list(session.read())
    assert all(isinstance(event, Event) for event in events)
    whole = [line for line in data.split(b"\n") if line.removeprefix(b"\xef\xbb\xbf").strip()]
    assert len(events) + len(session.problems) >= (1 if whole else 0)


def test_what_json_has_no_form_for_becomes_text(path):
    loop: dict = {}
    loop["again"] = loop
    session = Session(path)
    session.append({**SAID, "extensions": {"nan": math.nan, "kind": int, "half": "\ud800", "loop": loop}})
    [event] = session.read()
    assert "<cycle>" in str(event.extensions.pop("loop"))
    assert event.extensions == {"nan": "NaN", "kind": "<class builtins.int>", "half": "\\ud800"}


@pytest.mark.parametrize("depth", [150, 230, 2000])
def test_values_nested_too_deep_are_replaced_by_a_mark(path, depth):
    nested: dict = {}
    for _ in range(depth):
        nested = {"in": nested}
    session = Session(path)
    session.append({**SAID, "extensions": nested})
    assert len(list(session.read())) == 1
    assert session.problems == []
    assert ("<...>" in path.read_text()) == (depth > lines.DEEPEST)


def test_an_event_that_no_reader_would_take_is_refused(path, monkeypatch):
    monkeypatch.setattr("hilt_autolog.session.file_backend.LONGEST_LINE", 1000)
    session = Session(path)
    with pytest.raises(
        ValueError, match=r"an event of 1\d\d\d bytes, of which no reader takes more than 1000"
    ):
        session.append(prompt_event("x" * 1000))
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({**SAID, "action": "shout"}, "'prompt', 'completion', .*'rerank' or 'embedding'"),
        ({**SAID, "actor": {"type": "robot", "id": "r2"}}, "'human', 'agent', 'tool' or 'system'"),
        (
            {**SAID, "actor": {"type": "human", "id": "ada", "did": "x"}},
            "an actor has type, id, name and metadata",
        ),
        ({}, "session_id"),
    ],
)
def test_what_is_no_event_is_refused_and_makes_no_file(path, wrong, message):
    with pytest.raises(ValueError, match=message):
        Session(path).append(wrong)
    assert not path.parent.exists()


@pytest.mark.parametrize("thing", ["text", b"{}", None, 3, [SAID]])
def test_only_events_and_dicts_are_appended(path, thing):
    with pytest.raises(TypeError, match=f"an Event or a dict is appended, not {type(thing).__name__}"):
        Session(path).append(thing)


def test_the_reference_s_example_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    page = (
        Path(__file__)
        .parents[2]
        .joinpath("hilt_autolog", "docs", "python-api.md")
        .read_text(encoding="utf-8")
    )
    exec(re.search(r"<!-- session -->\n```python\n(.*?)```", page, re.DOTALL)[1], {})
    printed = capsys.readouterr().out.splitlines()
    assert [line.partition(" ")[2] for line in printed] == ["alice prompt", "gpt-4o completion", ""]
    assert printed[-1] == "[]"


# --- open and closed


def test_append_opens_and_close_closes(path):
    session = Session(path)
    session.append(HELLO)
    session.close()
    session.close()
    with pytest.raises(SessionError, match=r"chat\.hilt\.jsonl is closed; open\(\) opens it again"):
        session.append(HELLO)
    session.open()
    session.append(REPLY)
    assert list(session.read()) == [HELLO, REPLY]


def test_it_is_closed_after_the_with_and_can_be_read(path):
    with Session(path) as session:
        session.append(HELLO)
    with pytest.raises(SessionError, match="closed"):
        session.append(HELLO)
    assert list(session.read()) == [HELLO]
    with session:
        session.append(REPLY)
    assert list(session.read()) == [HELLO, REPLY]


def test_mode_a_appends_and_mode_w_truncates_on_open(path):
    Session(path).append(HELLO)
    Session(path, mode="a").append(REPLY)
    session = Session(path, mode="w")
    assert list(session.read()) == [HELLO, REPLY]
    with pytest.raises(ValueError, match="action"):
        session.append({**SAID, "action": "shout"})
    assert list(session.read()) == [HELLO, REPLY]
    session.append(REPLY)
    session.append(HELLO)
    assert list(session.read()) == [REPLY, HELLO]


def test_mode_r_only_reads(path):
    Session(path).append(HELLO)
    with Session(path, mode="r") as session:
        assert list(session.read()) == [HELLO]
        with pytest.raises(SessionError, match="only reads: its mode is 'r'"):
            session.append(HELLO)


@pytest.mark.parametrize("name", ["missing.hilt.jsonl", "missing/*.jsonl", "missing/"])
def test_nothing_to_read_is_reported_at_once_with_the_path(tmp_path, name):
    session = Session(f"{tmp_path}/{name}", mode="r")
    for look in (
        session.open,
        session.read,
        lambda: session.read(follow=True),
        lambda: session.messages_of(HELLO),
    ):
        with pytest.raises(FileNotFoundError, match=r"no such log: .*missing"):
            look()


# --- the arguments


def test_the_attributes_say_what_was_asked_for(path):
    session = Session(str(path), columns=("model", "action"))
    assert (session.filepath, session.mode, session.backend) == (path, "a", "local")
    assert session.columns == ["model", "action"]
    assert Session(path, mode="r").columns is None
    assert repr(Session("a.jsonl", mode="r")) == "Session('a.jsonl', mode='r')"
    assert hilt_autolog.Session is Session


def test_the_word_local_may_come_first_or_by_name(path):
    for session in (
        Session("local", path),
        Session(backend="local", filepath=path),
        Session(path, backend="local"),
    ):
        assert (session.filepath, session.backend) == (path, "local")
    assert Session(Path("local")).filepath == Path("local")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs the path"),
        ({"filepath": ""}, "needs the path"),
        ({"backend_or_filepath": "local"}, "needs the path"),
        ({"backend_or_filepath": "a", "filepath": "b"}, "two paths: 'a' and 'b'"),
        (
            {"backend_or_filepath": "local", "filepath": "a", "backend": "s3"},
            "two backends: .local. and .s3.",
        ),
        ({"filepath": "a", "backend": "s3"}, "unknown backend 's3'; .*local"),
        ({"filepath": "a", "mode": "rw"}, "unknown mode 'rw'; there are a, r, w"),
        ({"filepath": "a", "encoding": "latin-1"}, "UTF-8, not latin-1"),
        ({"filepath": "a", "encoding": "no such"}, "UTF-8, not no such"),
        ({"filepath": "a", "columns": ["cost"]}, "unknown columns: cost .*known: timestamp"),
        ({"filepath": "a", "columns": []}, "no columns"),
    ],
)
def test_arguments_that_are_not_understood_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Session(**arguments)


@pytest.mark.parametrize("path", [3, b"bytes"])
def test_a_path_is_text(path):
    with pytest.raises(TypeError):
        Session(path)


@pytest.mark.parametrize("name", ["utf-8", "UTF8", "utf_8", "utf-8-sig"])
def test_utf_8_has_many_names(path, name):
    Session(path, encoding=name).append(prompt_event("Grüße"))
    assert texts(Session(path).read()) == ["Grüße"]


# --- columns


def test_with_columns_a_line_is_a_flat_row(path):
    session = Session(path, columns=["timestamp", "speaker", "message", "cost_usd"])
    session.append(HELLO)
    session.append(REPLY)
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"timestamp": HELLO.timestamp, "speaker": "human: ada", "message": "Hello"},
        {"timestamp": REPLY.timestamp, "speaker": "agent: gpt-4o", "message": "Hi, Ada", "cost_usd": 0.25},
    ]


@pytest.mark.parametrize("columns", [None, list(hilt_autolog.reading.columns.COLUMNS)])
def test_rows_are_events_again(path, columns):
    session = Session(path, columns=list(hilt_autolog.reading.columns.COLUMNS))
    session.append(REPLY)
    [event] = Session(path, columns=columns).read()
    expected = REPLY.to_dict()
    del expected["metrics"]["tokens"]["total"]
    expected["content"]["text"] = "Hi, Ada"
    assert event.to_dict() == expected


def test_few_columns_are_events_where_the_session_knows_them(path):
    columns = ["timestamp", "cost_usd"]
    session = Session(path, columns=columns)
    session.append(REPLY)
    [event] = session.read()
    assert (event.metrics.cost_usd, event.session_id, event.actor.id) == (0.25, "unknown", "unknown")
    stranger = Session(path)
    assert list(stranger.read()) == []
    assert "no HILT event: session_id: Field required" in stranger.problems[0].reason


# --- what cannot be read


def test_bad_lines_are_reported_and_the_rest_is_read(path):
    Session(path).append(HELLO)
    with path.open("ab") as file:
        file.write(b"hello\n[1]\n\n" + b'{"n":1}\n' + '{"é":1}\n'.encode("latin-1"))
        file.write("{}\n".encode("utf-16"))
    session = Session(path)
    session.append(REPLY)
    with path.open("ab") as file:
        file.write(b'{"session_id":"torn')
    assert list(session.read()) == [HELLO, REPLY]
    problems = [(file, line, reason.split(":")[0]) for file, line, reason in session.problems]
    assert problems == [
        (str(path), 2, "not JSON"),
        (str(path), 3, "not an object"),
        (str(path), 5, "no HILT event"),
        (str(path), 6, "not UTF-8 at byte 3"),
        (str(path), 7, "not UTF-8 at byte 1"),
        (str(path), 8, "not JSON"),
        (str(path), 10, "torn"),
    ]
    assert {"n": 1} in list(read(path))


def test_the_problems_are_those_of_the_last_reading(path):
    whole = HELLO.to_json().encode() + b"\n"
    path.parent.mkdir()
    path.write_bytes(whole[:20])
    session = Session(path)
    assert list(session.read()) == []
    assert session.problems == [(str(path), 1, "torn: the file ends within this line")]
    path.write_bytes(whole)
    assert list(session.read()) == [HELLO]
    assert session.problems == []


def test_invalid_events_are_reported_field_by_field(path):
    path.parent.mkdir()
    path.write_text(json.dumps({**SAID, "action": "shout", "metrics": {"latency_ms": -1}}) + "\n")
    session = Session(path)
    assert list(session.read()) == []
    [problem] = session.problems
    assert problem.reason.startswith("no HILT event: action: Input should be 'prompt', ")
    assert problem.reason.endswith("; metrics.latency_ms: Input should be greater than or equal to 0")


def test_a_line_bomb_in_an_archive_stays_out_of_memory(path, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_LINE", 2**20)
    path.parent.mkdir()
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(64):
            file.write(bytes(2**20))
        file.write(b"\n" + HELLO.to_json().encode() + b"\n")
    session = Session(path, mode="r")
    assert list(session.read()) == [HELLO]
    assert session.problems == [(str(path), 1, "longer than 1 MiB")]


# --- many files, archives, pipes


def test_a_folder_a_glob_and_archives_are_read_in_order(tmp_path):
    early, late = (
        {**prompt_event(text), "timestamp": f"2026-01-31T12:00:0{n}Z"} for n, text in enumerate("ab")
    )
    Session(tmp_path / "b.hilt.jsonl").append(late)
    (tmp_path / "a.hilt.jsonl.gz").write_bytes(gzip.compress(Event(**early).to_json().encode() + b"\n"))
    for name in (tmp_path, f"{tmp_path}/*.hilt.jsonl*"):
        assert texts(Session(name, mode="r").read()) == ["a", "b"]


def test_standard_input_is_read_as_often_as_listed(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(HELLO.to_json().encode() + b"\nbad\n")))
    with Session("-", mode="r") as session:
        assert list(session.read()) == list(session.read()) == [HELLO]
    assert [(problem.file, problem.line) for problem in session.problems] == [("-", 2)]


@pytest.mark.parametrize("name", ["-", "logs/*.hilt.jsonl", "a.hilt.jsonl.gz", "a.hilt.jsonl.zst"])
def test_what_is_not_one_plain_file_can_only_be_read(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SessionError, match="can only be read"):
        Session(name).append(HELLO)
    assert list(tmp_path.iterdir()) == []


# --- whole requests


def test_messages_are_rebuilt_after_the_log_has_grown(path):
    session = Session(path)
    session.append(HELLO)
    user = {"role": "user", "parts": [{"type": "text", "content": "Hello"}]}
    assert session.messages_of(HELLO) == [user]
    session.append(REPLY)
    again = Event(**prompt_event("More"), extensions={"history": {"messages": 2, "after": REPLY.event_id}})
    session.append(again)
    assistant = {"role": "assistant", "parts": [{"type": "text", "content": "Hi,\nAda"}]}
    more = {"role": "user", "parts": [{"type": "text", "content": "More"}]}
    assert session.messages_of(again.to_dict()) == [user, assistant, more]
    with pytest.raises(LookupError, match="no prompt, completion or tool_result with the id 'x'"):
        session.messages_of(Event(**SAID, extensions={"history": {"messages": 1, "after": "x"}}))


def test_the_file_is_private_and_so_are_its_folders(path):
    Session(path).append(HELLO)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
