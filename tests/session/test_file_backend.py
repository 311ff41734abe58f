"""What a session does to files: many writers, crashes, moved and missing files, full disks."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from hilt_autolog import Session, SessionError
from hilt_autolog.log.append_file import LogFile, LogFileLost
from hilt_autolog.log.syscalls import Syscalls

ROOT = Path(__file__).resolve().parents[2]
SAID = {"session_id": "conv_1", "actor": {"type": "human", "id": "ada"}, "action": "prompt"}
WRITER = """
import sys
from hilt_autolog import Session
event = {"session_id": "conv_1", "actor": {"type": "human", "id": sys.argv[2]}, "action": "prompt"}
with Session(sys.argv[1]) as session:
    for n in range(int(sys.argv[3])):
        session.append({**event, "content": {"text": "x" * (n * 37 % 9000)}, "extensions": {"n": n}})
"""


def prompt_event(text):
    return {**SAID, "content": {"text": text}}


def texts(path):
    return [event.content.text for event in Session(path, mode="r").read()]


def program(code, *arguments):
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "chat.hilt.jsonl"


# --- many writers


def test_processes_append_whole_lines_to_one_file(path):
    writers = [program(WRITER, path, name, 200) for name in ("a", "b", "c")]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    session = Session(path, mode="r")
    events = list(session.read())
    assert session.problems == []
    assert Counter(event.actor.id for event in events) == {"a": 200, "b": 200, "c": 200}
    for name in ("a", "b", "c"):
        assert [e.extensions["n"] for e in events if e.actor.id == name] == [*range(200)]


@pytest.mark.parametrize("mode", ["a", "w"])
def test_threads_share_a_session_that_the_first_of_them_opens(path, mode):
    path.write_text(json.dumps(prompt_event("before")) + "\n")
    session = Session(path, mode=mode)
    start = threading.Barrier(16)

    def work(name):
        start.wait()
        for n in range(50):
            session.append(prompt_event(f"{name} {n}"))

    threads = [threading.Thread(target=work, args=(name,)) for name in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = [f"{name} {n}" for name in range(16) for n in range(50)] + (["before"] if mode == "a" else [])
    assert sorted(texts(path)) == sorted(expected)


def test_a_close_by_another_thread_is_reported_and_tears_nothing(path):
    session = Session(path)
    written = []

    def work():
        while True:
            session.append(prompt_event(f"{len(written)}"))
            written.append(f"{len(written)}")

    def closed():
        with pytest.raises(SessionError, match="closed"):
            work()
        written.append(None)

    thread = threading.Thread(target=closed)
    thread.start()
    while not written:
        pass
    session.close()
    thread.join()
    assert [*texts(path), None] == written


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_writes_to_the_same_session(path):
    code = """
import os, sys
from hilt_autolog import Session
event = {"session_id": "c", "actor": {"type": "human", "id": "ada"}, "action": "prompt"}
session = Session(sys.argv[1], mode="w")
session.append(event)
child = os.fork()
session.append(event)
if child:
    assert os.waitpid(child, 0)[1] == 0
    session.append(event)
"""
    assert program(code, path).wait(30) == 0
    session = Session(path, mode="r")
    assert len(list(session.read())) == 4
    assert session.problems == []


def test_what_was_appended_survives_a_kill(path):
    code = (
        WRITER.replace("with Session", "import os, signal\nwith Session")
        + "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert program(code, path, "a", 5).wait(30) == -signal.SIGKILL
    assert len(texts(path)) == 5


# --- torn, moved, deleted


def test_a_torn_last_line_does_not_join_our_first(path):
    path.write_bytes(b'{"session_id":"to')
    Session(path).append(prompt_event("ours"))
    assert path.read_bytes().startswith(b'{"session_id":"to\n{"hilt_version"')
    assert texts(path) == ["ours"]


def test_mode_w_leaves_nothing_of_a_torn_file(path):
    path.write_bytes(b'{"session_id":"to')
    Session(path, mode="w").append(prompt_event("ours"))
    assert path.read_bytes().startswith(b'{"hilt_version"')


def test_a_file_that_was_deleted_is_begun_anew(path):
    session = Session(path, mode="w")
    session.append(prompt_event("a"))
    path.unlink()
    session.append(prompt_event("b"))
    session.append(prompt_event("c"))
    assert texts(path) == ["b", "c"]


def test_a_log_deleted_before_every_append_is_an_error(path, monkeypatch):
    session = Session(path)
    session.append(prompt_event("a"))
    path.unlink()

    def lost(file, data):
        raise LogFileLost

    monkeypatch.setattr(LogFile, "append", lost)
    with pytest.raises(SessionError, match=r"chat\.hilt\.jsonl is deleted as soon as it is there"):
        session.append(prompt_event("b"))


def test_a_relative_path_is_resolved_when_the_session_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session = Session("chat.hilt.jsonl")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir("other")
    session.append(prompt_event("a"))
    (tmp_path / "chat.hilt.jsonl").unlink()
    session.append(prompt_event("b"))
    assert [event.content.text for event in session.read()] == texts(tmp_path / "chat.hilt.jsonl") == ["b"]


def test_a_descriptor_reused_by_the_program_is_not_written_to(tmp_path, path):
    session = Session(path)
    session.append(prompt_event("a"))
    fd = session._backend._file._fd
    os.close(fd)
    with (tmp_path / "theirs").open("w") as theirs:
        assert theirs.fileno() == fd
        session.append(prompt_event("b"))
        session.close()
        theirs.write("ours alone")
    assert (tmp_path / "theirs").read_text() == "ours alone"
    assert texts(path) == ["a", "b"]


def test_a_symbolic_link_is_followed_because_it_was_named(tmp_path, path):
    (tmp_path / "link").symlink_to(path)
    Session(tmp_path / "link").append(prompt_event("a"))
    assert texts(path) == ["a"]


# --- errors


def test_a_full_disk_reaches_the_caller_and_costs_no_line(path, monkeypatch):
    session = Session(path)
    session.append(prompt_event("a"))
    real = Syscalls.write

    def half(fd, data):
        real(fd, data[:20])
        monkeypatch.setattr(Syscalls, "write", full)
        return 20

    def full(fd, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Syscalls, "write", half)
    with pytest.raises(OSError, match=r"No space left on device: '.*chat\.hilt\.jsonl'") as caught:
        session.append(prompt_event("b"))
    assert caught.value.errno == errno.ENOSPC
    monkeypatch.setattr(Syscalls, "write", real)
    session.append(prompt_event("c"))
    assert texts(path) == ["a", "c"]


def test_a_session_uses_the_disk_to_its_end(path, monkeypatch):
    nearly_full = os.statvfs_result((4096, 4096, 10**9, 10, 10, 10, 10, 10, 0, 255))
    monkeypatch.setattr(Syscalls, "fstatvfs", lambda fd: nearly_full)
    Session(path).append(prompt_event("a"))
    assert texts(path) == ["a"]


def test_a_folder_is_no_file_to_append_to(tmp_path):
    with pytest.raises(IsADirectoryError, match=tmp_path.name):
        Session(tmp_path).append(prompt_event("a"))


def test_a_file_is_no_folder(path):
    path.touch()
    with pytest.raises(NotADirectoryError, match=path.name):
        Session(path / "x.hilt.jsonl").append(prompt_event("a"))


def test_folders_are_made_only_if_that_is_wanted(tmp_path):
    path = tmp_path / "a" / "b" / "x.hilt.jsonl"
    session = Session(path, create_dirs=False)
    with pytest.raises(FileNotFoundError, match=r"x\.hilt\.jsonl"):
        session.append(prompt_event("a"))
    assert list(tmp_path.iterdir()) == []
    path.parent.mkdir(parents=True)
    session.append(prompt_event("a"))
    assert texts(path) == ["a"]


def test_a_folder_that_is_closed_to_us_is_an_error(path, monkeypatch):
    def closed(name, *_, **__):  # root, who runs many a test, may open everything
        raise PermissionError(errno.EACCES, "Permission denied", name)

    monkeypatch.setattr(Syscalls, "open", closed)
    with pytest.raises(PermissionError, match=r"Permission denied: '.*chat\.hilt\.jsonl'"):
        Session(path).append(prompt_event("a"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_and_does_not_block(path):
    os.mkfifo(path)
    with pytest.raises((SessionError, OSError)):
        Session(path).append(prompt_event("a"))
