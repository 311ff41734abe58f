"""Logs are followed as they grow."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import subprocess
import sys
import threading
import time
from inspect import getgeneratorlocals
from pathlib import Path

import pytest
from hypothesis import given, settings

from hilt_autolog import Session, SessionError, read
from hilt_autolog.clock import Clock
from hilt_autolog.reading import follow as follow_module
from hilt_autolog.reading import growing_file
from hilt_autolog.reading.follow import follow
from hilt_autolog.session import session as session_module
from tests.reading.test_reader import BYTES

SAID = {"session_id": "conv_1", "actor": {"type": "human", "id": "ada"}, "action": "prompt"}


class Watch:
    """Looks at logs one look at a time."""

    def __init__(self, *sources, **options):
        self.problems = []
        self._events = follow(*sources, report=self.problems.append, **options)

    def look(self):
        """Return the numbers of the events that are new."""
        return [number for number, _, _ in self.places()]

    def places(self):
        locations = []
        for placed in self._events:
            if placed is None:
                break
            locations.append((placed.event["n"], Path(placed.file).name, placed.line))
        return locations

    def reasons(self):
        return [(Path(p.file).name, p.line, p.reason.split(":")[0]) for p in self.problems]


def add(path, *lines, mode="ab"):
    with path.open(mode) as file:
        for line in lines:
            file.write(line if isinstance(line, bytes) else json.dumps({"n": line}).encode() + b"\n")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.hilt.jsonl"


def test_events_come_as_their_lines_get_whole(path):
    add(path, 1, b'{"n"')
    watch = Watch(path)
    assert watch.look() == [1]
    assert watch.look() == []
    add(path, b":2}")
    assert watch.look() == []
    add(path, b"\n", 3)
    assert watch.places() == [(2, "a.hilt.jsonl", 2), (3, "a.hilt.jsonl", 3)]
    assert watch.problems == []


def test_bad_lines_are_reported_once(path):
    add(path, b"bad\n", b"\n", 1)
    watch = Watch(path)
    assert watch.look() == [1]
    add(path, b"[]\n", 2)
    assert watch.look() == [2]
    assert watch.reasons() == [("a.hilt.jsonl", 1, "not JSON"), ("a.hilt.jsonl", 4, "not an object")]


def test_new_files_of_a_folder_or_glob_are_followed(tmp_path):
    inside, outside = Watch(tmp_path), Watch(f"{tmp_path}/*/*.jsonl")
    assert inside.look() == outside.look() == []
    (tmp_path / "deep").mkdir()
    add(tmp_path / "deep" / "b.hilt.jsonl", 1)
    add(tmp_path / "deep" / "other.txt", 9)
    wait_for([1], inside)
    wait_for([1], outside)
    add(tmp_path / "deep" / "b.hilt.jsonl", 2)
    assert inside.look() == outside.look() == [2]


def wait_for(expected, watch, seconds=5.0):
    """Look until there are events: a folder is not listed at every look."""
    until = time.monotonic() + seconds
    while not (events := watch.look()) and time.monotonic() < until:
        time.sleep(0.01)
    assert events == expected


def test_a_file_that_is_not_there_yet_is_waited_for(path):
    watch = Watch(path)
    assert watch.look() == []
    add(path, 1)
    wait_for([1], watch)


def test_what_is_found_together_is_ordered_by_time(tmp_path):
    for name, seconds in (("a", (1, 4)), ("b", (2, 3))):
        lines = [{"n": n, "timestamp": f"2026-01-31T12:00:0{n}.000000Z"} for n in seconds]
        add(tmp_path / f"{name}.hilt.jsonl", *(json.dumps(line).encode() + b"\n" for line in lines))
    assert Watch(tmp_path).look() == [1, 2, 3, 4]


# --- rotation, truncation, removal


@pytest.mark.parametrize("new_name", ["a.hilt.jsonl.1", "a-1.hilt.jsonl"])
@pytest.mark.parametrize("in_folder", [True, False])
def test_a_rotated_file_and_its_successor_are_read_whole(tmp_path, path, new_name, in_folder):
    add(path, 1)
    watch = Watch(tmp_path if in_folder else path)
    assert watch.look() == [1]
    add(path, 2)
    path.rename(tmp_path / new_name)
    add(tmp_path / new_name, 3)
    add(path, 4)
    assert watch.look() == [2, 3, 4]
    add(path, 5)
    assert watch.look() == [5]


def test_a_file_that_was_copied_and_emptied_is_read_anew(path):
    add(path, 1, 2, 3)
    watch = Watch(path)
    assert watch.look() == [1, 2, 3]
    add(path, 4, mode="wb")
    assert watch.places() == [(4, "a.hilt.jsonl", 1)]


@pytest.mark.parametrize("more", [[], [6], [6, 7, 8]])
def test_an_overwritten_file_is_read_from_its_beginning(path, more):
    add(path, 1, 2)
    watch = Watch(path)
    assert watch.look() == [1, 2]
    time.sleep(0.02)  # a file system's clock may not advance that long
    add(path, 4, 5, *more, mode="wb")
    assert watch.look() == [4, 5, *more]
    assert watch.problems == []


def test_a_line_that_will_never_be_whole_is_reported(tmp_path, path):
    add(path, 1, b'{"n"')
    watch = Watch(path)
    assert watch.look() == [1]
    add(path, 2, mode="wb")
    assert watch.look() == [2]
    add(path, b'{"n')
    assert watch.look() == []
    path.unlink()
    assert watch.look() == watch.look() == []
    assert watch.reasons() == [("a.hilt.jsonl", 2, "torn"), ("a.hilt.jsonl", 2, "torn")]


def test_a_deleted_file_may_come_again(path):
    add(path, 1)
    watch = Watch(path)
    assert watch.look() == [1]
    add(path, 2)
    path.unlink()
    assert watch.look() == [2]
    add(path, 3)
    wait_for([3], watch)


@pytest.mark.parametrize("replaced", [True, False])
@pytest.mark.parametrize("new_name", ["b.hilt.jsonl", None])
def test_a_file_moved_before_it_is_opened_is_read(tmp_path, path, monkeypatch, new_name, replaced):
    add(path, 1)
    real = os.stat

    def slow(name, *args, **options):
        state = real(name, *args, **options)
        if name == str(path):
            path.rename(tmp_path / new_name if new_name else tmp_path / "gone")
            if replaced:
                add(path, 2)
        return state

    watch = Watch(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", slow)
        assert watch.look() == []
    assert sorted(watch.look() + watch.look()) == ([1] if new_name else []) + ([2] if replaced else [])
    reasons = [] if new_name else [("a.hilt.jsonl", 1, "unreadable from here")]
    assert watch.reasons() == reasons


def test_a_folder_may_vanish(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    add(folder / "a.hilt.jsonl", 1)
    watch = Watch(folder)
    assert watch.look() == [1]
    (folder / "a.hilt.jsonl").unlink()
    folder.rmdir()
    assert watch.look() == []
    folder.mkdir()
    add(folder / "a.hilt.jsonl", 2)
    wait_for([2], watch)
    assert watch.problems == []


# --- archives and pipes


def test_an_archive_present_at_the_start_is_read_once(tmp_path, path):
    (tmp_path / "old.hilt.jsonl.gz").write_bytes(gzip.compress(b'{"n":1}\n'))
    (tmp_path / "unnamed.hilt.jsonl").write_bytes(gzip.compress(b'{"n":2}\n'))
    watch = Watch(tmp_path)
    assert sorted(watch.look()) == [1, 2]
    add(path, 3)
    wait_for([3], watch)
    (tmp_path / "a.hilt.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    assert watch.look() == []
    assert watch.problems == []


def test_standard_input_is_read_as_it_comes(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"n":1}\nbad\n{"n":2}')))
    watch = Watch("-")
    assert watch.places() == [(1, "-", 1), (2, "-", 3)]
    assert watch.reasons() == [("-", 2, "not JSON")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_gives_each_event_at_once(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    code = "import sys\nwith open(sys.argv[1], 'w') as f:\n print('{\"n\":1}', file=f, flush=True)\n input()"
    writer = subprocess.Popen([sys.executable, "-c", code, pipe], stdin=subprocess.PIPE)
    events = follow(pipe, report=print)
    assert next(events).event == {"n": 1}
    writer.communicate(b"\n")
    assert list(events) == []


def test_a_pipe_is_followed_by_itself(tmp_path):
    with pytest.raises(ValueError, match="by itself"):
        follow("-", tmp_path, report=print)


# --- beginning near the end


@pytest.mark.parametrize(
    ("back", "expected"), [(0, []), (1, [9]), (8, [9]), (9, [9]), (10, [8, 9]), (10**6, [*range(10)])]
)
def test_following_may_begin_a_number_of_lines_back(path, back, expected):
    add(path, *range(10))
    assert {len(line) for line in path.read_bytes().splitlines()} == {8}
    watch = Watch(path, back=back)
    assert watch.places() == [(n, "a.hilt.jsonl", n + 1) for n in expected]
    add(path, 10)
    assert watch.places() == [(10, "a.hilt.jsonl", 11)]


def test_a_line_being_written_at_the_start_is_not_lost(path):
    add(path, 1, b'{"n"')
    watch = Watch(path, back=0)
    assert watch.look() == []
    add(path, b":2}\n")
    assert watch.places() == [(2, "a.hilt.jsonl", 2)]


def test_new_files_are_read_from_their_beginning_all_the_same(tmp_path, path):
    add(path, 1)
    watch = Watch(tmp_path, back=0)
    assert watch.look() == []
    add(tmp_path / "b.hilt.jsonl", 2)
    wait_for([2], watch)


# --- much


def test_any_cutting_of_a_log_gives_the_same_events(path, monkeypatch):
    monkeypatch.setattr(growing_file, "_FIRST", 7)
    monkeypatch.setattr(growing_file, "_BLOCK", 64)
    chance = random.Random(7)
    data = b"".join(b'{"n":%d,"x":"%s"}\n' % (n, b"x" * chance.randrange(200)) for n in range(200))
    watch = Watch(path)
    numbers = []
    while data:
        length = chance.randrange(1, 600)
        add(path, data[:length])
        data = data[length:]
        numbers += watch.look()
    assert numbers == [*range(200)]
    assert watch.problems == []


@settings(deadline=None)
@given(BYTES)
def test_any_bytes_give_the_events_that_reading_gives(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "a.hilt.jsonl"
    path.write_bytes(data.replace(b"\x1f\x8b", b"") + b"\n")
    log = read(path)
    followed = follow(path, report=(problems := []).append)
    assert [placed.event for placed in iter(lambda: next(followed), None)] == list(log)
    assert problems == log.problems


def test_a_line_that_is_too_long_is_passed_over(path, monkeypatch):
    monkeypatch.setattr(growing_file, "LONGEST_LINE", 1000)
    add(path, 1, b"x" * 3000)
    watch = Watch(path)
    assert watch.look() == [1]
    add(path, b"x" * 3000)
    assert watch.look() == []
    add(path, b"x\n", 2)
    assert watch.places() == [(2, "a.hilt.jsonl", 3)]
    assert [(line, reason) for _, line, reason in watch.reasons()] == [(2, "longer than 64 MiB")]


def test_more_files_than_a_process_may_open_are_followed(tmp_path):
    pytest.importorskip("resource")
    for n in range(150):
        add(tmp_path / f"{n}.hilt.jsonl", n)
    code = """if True:
        import pathlib, resource, sys
        from hilt_autolog.reading.follow import follow
        resource.setrlimit(resource.RLIMIT_NOFILE, (90, 90))
        events = follow(sys.argv[1], report=print)
        def look():
            return sorted(placed.event["n"] for placed in iter(lambda: next(events), None))
        print(look() == [*range(150)])
        for path in pathlib.Path(sys.argv[1]).iterdir():
            with path.open("a") as file:
                file.write('{"n":7}\\n')
        print(look() == [7] * 150)
    """
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout == "True\nTrue\n"


def test_those_that_were_written_last_stay_open(tmp_path, monkeypatch):
    monkeypatch.setattr(follow_module, "_HELD", 2)
    paths = [tmp_path / f"{n}.hilt.jsonl" for n in range(5)]
    for n, path in enumerate(paths):
        add(path, n)
        os.utime(path, (n, n))
    watch = Watch(tmp_path)
    assert sorted(watch.look()) == [0, 1, 2, 3, 4]
    followed = getgeneratorlocals(watch._events)["self"]._files.values()
    assert sorted(Path(growing.path).name for growing in followed if growing.is_open) == [
        "3.hilt.jsonl",
        "4.hilt.jsonl",
    ]
    for path in paths:
        add(path, b'{"n":5}\n{"n":6')
    assert watch.look() == [5] * 5
    for path in paths:
        add(path, b"}\n")
    assert watch.look() == [6] * 5


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied"), FileNotFoundError(2, "No such file")]
)
def test_a_file_without_a_seekable_end_is_reported_or_retried(path, monkeypatch, error):
    add(path, 1)
    watch = Watch(path, back=0)
    real = Path.open
    opened = []

    def failing(self, *args, **options):
        opened.append(options)
        if options and len(opened) < 3:  # the first looks for an archive
            raise error
        return real(self, *args, **options)

    monkeypatch.setattr(Path, "open", failing)
    later = isinstance(error, FileNotFoundError)
    assert watch.look() + watch.look() == ([1] if later else [])
    assert watch.reasons() == ([] if later else [("a.hilt.jsonl", 1, "unreadable from here")])


def test_an_unreadable_file_is_reported_once(tmp_path, path, monkeypatch):
    add(path, 1)
    add(tmp_path / "b.hilt.jsonl", 2)
    real = Path.open

    def closed(self, *args, **options):
        if self.name == "a.hilt.jsonl":
            raise PermissionError(13, "Permission denied")
        return real(self, *args, **options)

    monkeypatch.setattr(Path, "open", closed)
    watch = Watch(tmp_path)
    assert watch.look() == [2]
    assert watch.look() == []
    assert watch.reasons() == [("a.hilt.jsonl", 1, "unreadable from here")]


# --- by a session


def test_a_session_is_followed_until_it_is_closed(path):
    session = Session(path)
    session.append(SAID)
    extensions = []

    def watch():
        for event in session.read(follow=True):
            extensions.append(event.extensions)
            came.release()

    came = threading.Semaphore(0)
    thread = threading.Thread(target=watch)
    thread.start()
    for n in range(3):
        assert came.acquire(timeout=5)
        session.append({**SAID, "extensions": {"n": n}})
    assert came.acquire(timeout=5)
    add(path, b"bad\n")
    time.sleep(2 * session_module._PAUSE)
    session.close()
    thread.join(5)
    assert not thread.is_alive()
    assert extensions == [None, {"n": 0}, {"n": 1}, {"n": 2}]
    assert [(problem.line, problem.reason[:8]) for problem in session.problems] == [(5, "not JSON")]
    with pytest.raises(SessionError, match="closed"):
        session.read(follow=True)


def test_a_folder_is_listed_more_rarely_the_longer_that_takes(tmp_path, monkeypatch):
    now = [100.0]
    listed = []

    def slow(name):
        listed.append(now[0])
        now[0] += 0.5
        return []

    monkeypatch.setattr(follow_module, "find_sources", slow)
    monkeypatch.setattr(Clock, "monotonic", lambda: now[0])
    watch = Watch(tmp_path)
    for _ in range(30):
        watch.look()
        now[0] += 1.0
    assert listed == [100.0, 125.5]
