"""Descriptors that the program takes away, files that are deleted."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from hilt_autolog.log.syscalls import Syscalls
from tests.support.writers import events, files, lines, run, writer


def descriptors():
    return {path.name for path in Path("/proc/self/fd").iterdir()}


TEMPLATES = pytest.mark.parametrize("template", ["{pid}.hilt.jsonl", "fixed.hilt.jsonl"])


@TEMPLATES
def test_a_program_that_closes_all_and_opens_its_own(tmp_path, template):
    script = f"""
        from tests.support.writers import writer
        log = writer(sys.argv[1], {template!r})
        fds = []
        for n in range(1000):
            if n % 100 == 50:
                os.closerange(3, 100)
                fds = [os.open(f"{{sys.argv[1]}}/user{{i}}.db", os.O_RDWR | os.O_CREAT) for i in range(20)]
            assert log.write({{"n": n}})
        assert all(os.fstat(fd).st_size == 0 for fd in fds)
        log.close()
        for fd in fds:
            os.write(fd, b"still mine")
    """
    done = run(tmp_path, script)
    assert (done.stderr, done.returncode) == ("", 0)
    (path,) = files(tmp_path)
    assert [event["n"] for event in events(path)] == [*range(1000)]
    assert lines(path).count({"own": "opened"}) == 1
    assert {place.read_bytes() for place in tmp_path.glob("*.db")} == {b"still mine"}


@TEMPLATES
def test_a_closed_descriptor_is_opened_again(tmp_path, template):
    log = writer(tmp_path, template)
    log.write({"n": 1})
    os.close(log._file._fd)
    assert log.write({"n": 2})
    assert events(log.path) == [{"n": 1}, {"n": 2}]
    log.close()


@TEMPLATES
def test_a_deleted_file_is_made_again_with_a_first_line(tmp_path, template):
    log = writer(tmp_path, template)
    log.write({"n": 1})
    before = descriptors()
    Path(log.path).unlink()
    assert log.write({"n": 2})
    assert lines(log.path) == [{"own": "opened"}, {"n": 2}]
    assert len(descriptors()) == len(before)
    log.close()


def test_another_file_at_the_path_is_left_alone(tmp_path):
    log = writer(tmp_path, "{pid}.hilt.jsonl")
    log.write({"n": 1})
    first = Path(log.path)
    first.unlink()
    first.write_text("precious")
    assert log.write({"n": 2})
    assert log.path != str(first)
    assert lines(log.path) == [{"own": "opened"}, {"n": 2}]
    assert first.read_text() == "precious"


def test_a_renamed_file_is_written_on(tmp_path):
    log = writer(tmp_path)
    log.write({"n": 1})
    Path(log.path).rename(tmp_path / "rotated")
    assert log.write({"n": 2})
    assert events(tmp_path / "rotated") == [{"n": 1}, {"n": 2}]


def test_after_the_end_no_descriptor_is_left(tmp_path):
    before = descriptors()
    log = writer(tmp_path)
    log.write({})
    assert len(descriptors()) == len(before) + 1
    log.close()
    assert descriptors() == before


def test_a_descriptor_is_not_closed_under_a_write(tmp_path, monkeypatch):
    """A thread may be between its check and its write: the number must stay ours until it is through."""
    log = writer(tmp_path)
    log.write({"n": 1})
    checked, closing = threading.Event(), threading.Event()
    real = Syscalls.write
    worker: Any = None

    def write(fd, data):
        if threading.current_thread() is worker:
            checked.set()
            closing.wait(1)
        return real(fd, data)

    monkeypatch.setattr(Syscalls, "write", write)
    monkeypatch.setattr(Syscalls, "sleep", lambda _: (closing.set(), worker.join()))
    worker = threading.Thread(target=log.write, args=({"n": 2},))
    worker.start()
    checked.wait()
    log.close()
    assert events(log.path) == [{"n": 1}, {"n": 2}]
    assert log.written == 2


def test_a_descriptor_under_a_write_that_never_ends_stays_open(tmp_path, monkeypatch):
    log = writer(tmp_path)
    log.write({"n": 1})
    fd = log._file._fd
    log._file._writing.append(None)
    naps = []
    monkeypatch.setattr(Syscalls, "sleep", naps.append)
    log.close()
    os.fstat(fd)
    assert sum(naps) == pytest.approx(0.05)
    os.close(fd)
