"""`Session(backend="sheets")`: what is appended is on disk at once, in the sheet soon, and read again."""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from pathlib import Path

import pytest

import hilt_autolog
from hilt_autolog import Actor, Content, Event, Metrics, Session, SessionError
from hilt_autolog.session import sheets_backend
from tests.support.sheets import ALL, run


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No test waits 1.1 s between two calls."""
    monkeypatch.setattr(sheets_backend.SheetsBackend.__init__, "__kwdefaults__", {"mode": "a", "pause": 0.02})


def hilt_event(text="hello", **more):
    actor = Actor(type="human", id="ada")
    return Event(session_id="conv_1", actor=actor, action="prompt", content=Content(text=text), **more)


def session_over(sheet, **more):
    return Session(backend="sheets", sheet_id=sheet.id, credentials_json=sheet.key, **more)


def logs():
    return sorted(Path("logs").glob("*.hilt.jsonl"))


def test_appended_events_are_in_the_sheet_after_close(sheet):
    with session_over(sheet) as session:
        for n in range(20):
            session.append(hilt_event(f"{n}"))
    assert sheet.header() == list(ALL)
    assert sheet.column("message") == [f"{n}" for n in range(20)]
    assert (session.backend, session.filepath, session.columns) == ("sheets", None, list(ALL))
    assert repr(session) == f"Session('{sheet.id}/Logs', mode='a')"


def test_the_same_events_are_in_a_private_log(sheet):
    with session_over(sheet) as session:
        event = hilt_event(metrics=Metrics(tokens={"prompt": 3}))
        session.append(event)
        (log,) = logs()
        assert list(hilt_autolog.read(log)) == [event.to_dict()]
    assert re.fullmatch(r"sheets-Logs-\d{4}-\d\d-\d\d-\d{6}Z-[0-9a-f]{12}\.hilt\.jsonl", log.name)
    assert [path.stat().st_mode & 0o777 for path in Path("logs").iterdir()] == [0o600, 0o600]


def test_a_session_without_events_leaves_no_files(sheet):
    with session_over(sheet):
        pass
    assert list(Path().iterdir()) == []


def test_the_environment_names_the_sheet_and_the_key(sheet, tmp_path, monkeypatch):
    (tmp_path / "key.json").write_text(json.dumps(sheet.key))
    monkeypatch.setenv("GOOGLE_SHEET_ID", f"https://docs.google.com/spreadsheets/d/{sheet.id}/edit#gid=0")
    monkeypatch.setenv("GOOGLE_CREDENTIALS_PATH", "key.json")
    with Session("sheets", worksheet_name="Chats", columns=["action", "message"]) as session:
        session.append(hilt_event())
    assert sheet.header("Chats") == ["action", "message"]
    assert sheet.rows("Chats") == [["prompt", "hello"]]


@pytest.mark.parametrize("kind", ["path", "text"])
def test_a_key_may_come_as_a_path_or_as_text(sheet, tmp_path, kind):
    (tmp_path / "key.json").write_text(json.dumps(sheet.key))
    given = (
        {"credentials_path": tmp_path / "key.json"}
        if kind == "path"
        else {"credentials_json": json.dumps(sheet.key)}
    )
    Session(backend="sheets", sheet_id=sheet.id, **given).close()


def test_append_does_not_wait_for_google(sheet):
    with session_over(sheet) as session:
        sheet.google.failures.extend(["503"] * 3)
        began = time.perf_counter()
        for _ in range(1000):
            session.append(hilt_event())
        assert time.perf_counter() - began < 1.0
    assert len(sheet.rows()) == 1000


def test_threads_may_append_together(sheet):
    with session_over(sheet) as session:
        threads = [
            threading.Thread(target=lambda k=k: [session.append(hilt_event(f"{k}-{n}")) for n in range(200)])
            for k in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(sheet.column("message")) == sorted(f"{k}-{n}" for k in range(8) for n in range(200))


def test_rows_are_events_again(sheet):
    event = hilt_event(
        "  two\nlines ",
        metrics=Metrics(tokens={"prompt": 8, "completion": 2}, cost_usd=0.5, latency_ms=120),
        extensions={"reply_to": "p", "status_code": 200, "model": "gpt-4o-mini", "secret": 1},
    )
    with session_over(sheet) as session:
        session.append(event)
        (read,) = session.read()
    assert read.to_dict() == event.to_dict() | {
        "content": {"text": "two lines"},
        "metrics": {"tokens": {"prompt": 8, "completion": 2}, "cost_usd": 0.5, "latency_ms": 120},
        "extensions": {"reply_to": "p", "status_code": 200, "model": "gpt-4o-mini"},
    }
    assert session.problems == []


def test_a_sheet_that_hilt_python_has_filled_is_read(sheet):
    row = [
        "2025-01-02 10:00:00",
        "conv_1",
        "",
        "",
        "200",
        "Conv.1",
        "agent: gpt",
        "completion",
        "hi",
        "8",
        "2",
        "0.000015",
    ]
    sheet.book.add("Logs").rows = [list(ALL), row, [], ["", "", "", "a remark"]]
    remark, first = session_over(sheet, mode="r").read()
    assert (first.actor, first.action, first.content.text) == (
        Actor(type="agent", id="gpt"),
        "completion",
        "hi",
    )
    assert first.metrics.tokens == {"prompt": 8, "completion": 2}
    assert first.metrics.cost_usd == 0.000015
    assert first.extensions == {"status_code": 200}
    assert remark.extensions == {"reply_to": "a remark"}


def test_reading_changes_nothing(sheet):
    before = dict(sheet.book.worksheets)
    session = session_over(sheet, mode="r", worksheet_name="Nothing")
    assert list(session.read()) == []
    with pytest.raises(SessionError, match="only reads"):
        session.append(hilt_event())
    assert sheet.book.worksheets == before
    assert not Path("logs").exists()


def test_a_reopened_session_continues_its_log(sheet):
    session = session_over(sheet)
    for n in range(3):
        session.open()
        session.append(hilt_event(f"{n}"))
        session.close()
    assert len(logs()) == 1
    assert sheet.column("message") == ["0", "1", "2"]
    with pytest.raises(SessionError, match="is closed"):
        session.append(hilt_event())


def test_rejected_rows_are_reported_and_sent_by_the_next_session(sheet, monkeypatch):
    monkeypatch.setattr("hilt_autolog.sinks.mirror.IDLE_TIMEOUT", 0.2)
    session = session_over(sheet)
    sheet.google.is_down = True
    for n in range(50):
        session.append(hilt_event(f"{n}"))
    words = r"bytes of .*hilt\.jsonl are not in the spreadsheet yet \(Google fails with 503"
    with pytest.warns(RuntimeWarning, match=words):
        session.close()
    assert sheet.rows() == []
    sheet.google.is_down = False
    with session_over(sheet) as session:
        session.append(hilt_event("later"))
        wait_for(lambda: len(sheet.rows()) == 51)
    assert sorted(sheet.column("message")) == sorted([*map(str, range(50)), "later"])


def wait_for(condition):
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"mode": "w"}, "a spreadsheet is not emptied"),
        ({"filepath": "a.hilt.jsonl"}, "a session over a spreadsheet has no path, such as 'a.hilt.jsonl'"),
        ({"columns": ["mesage"]}, r"unknown columns: mesage \(did you mean message\?\)"),
        ({"worksheet_name": " "}, "worksheet_name is empty"),
    ],
)
def test_what_contradicts_itself_is_refused(sheet, arguments, words):
    with pytest.raises(ValueError, match=words):
        session_over(sheet, **arguments)


def test_a_sheet_cannot_be_followed(sheet):
    with session_over(sheet) as session, pytest.raises(SessionError, match="cannot be followed"):
        next(session.read(follow=True))


# --- processes

APPEND = """
    from tests.support.sheets import event
    import hilt_autolog.session.sheets_backend as backend
    backend.SheetsBackend.__init__.__kwdefaults__["pause"] = {pause}
    from hilt_autolog import Session
    session = Session(backend="sheets", sheet_id=SHEET, credentials_json=KEY)
    for n in range({first}, {first} + {number}):
        session.append(event(str(n)))
"""


def test_an_unclosed_session_is_drained_at_exit(sheet, tmp_path):
    done = run(sheet, APPEND.format(first=0, number=10, pause=0.02), tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sheet.column("message") == [str(n) for n in range(10)]


def test_after_a_kill_the_next_session_sends_the_rest(sheet, tmp_path):
    killed = """
    while session._backend.progress().rows <= {rows}:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    for start, rows in enumerate((0, 2000)):
        sheet.google.failures.append("drop after")
        script = APPEND.format(first=start * 3000, number=3000, pause=0.01) + killed.format(rows=rows)
        assert run(sheet, script, tmp_path).returncode == -signal.SIGKILL
    assert 0 < len(sheet.rows()) < 6000
    last = (
        APPEND.format(first=6000, number=1, pause=0.01)
        + """
    from hilt_autolog.sinks.checkpoint import pending_copies
    until = time.monotonic() + 20
    while any(pending_copies("logs").values()) and time.monotonic() < until:
        time.sleep(0.02)
"""
    )
    done = run(sheet, last, tmp_path)
    assert done.stderr == ""
    assert sorted(map(int, sheet.column("message"))) == list(range(6001))


def test_a_forked_child_has_its_own_log_and_copy(sheet, tmp_path):
    forked = """
    child = os.fork()
    for n in range(100 + bool(child) * 100, 200 + bool(child) * 100):
        session.append(event(str(n)))
    session.close()
    if not child:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""
    done = run(sheet, APPEND.format(first=0, number=100, pause=0.02) + forked, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(map(int, sheet.column("message"))) == list(range(300))
    assert len(logs()) == 2
