"""Faults injected into the system calls, one position after the other, until a run passes without any."""

from __future__ import annotations

import errno
import itertools
import os
import random
from pathlib import Path

import pytest

from hilt_autolog.log.syscalls import Syscalls
from tests.support.writers import Clock, events, files, lines, run, writer

COUNT = 12


class Faulty:
    """A system call that fails once, at its n-th use."""

    def __init__(self, monkeypatch, name, position, fault):
        self.real = getattr(Syscalls, name)
        self.position, self.fault = position, fault
        self.calls = itertools.count()
        self.fired = False
        monkeypatch.setattr(Syscalls, name, self)

    def __call__(self, *args, **kwargs):
        if next(self.calls) == self.position:
            self.fired = True
            return self.fault(self.real, *args, **kwargs)
        return self.real(*args, **kwargs)


def failing(number):
    def fail(_real, *_args, **_given):
        raise OSError(number, os.strerror(number))

    return fail


def short(part):
    return lambda real, fd, data: real(fd, data[: max(1, int(len(data) * part))])


def nothing(_real, *_args):
    return 0


def interrupted(_real, *_args):
    raise InterruptedError(errno.EINTR, "interrupted")


def recorded(folder, clock, template):
    """Twelve events, an hour between them, so that a pause is over with the next one."""
    log = writer(folder, template, monotonic=clock)
    outcomes = []
    for n in range(COUNT):
        outcomes.append(log.write({"n": n, "text": "x" * 100}))
        clock.now += 3600
    log.close()
    return log, outcomes


def agree(log, outcomes, logged_events):
    """The counters, the results of write() and what is on disk agree."""
    assert [event["n"] for event in logged_events if "n" in event] == [n for n in range(COUNT) if outcomes[n]]
    assert log.written == sum(outcomes)
    assert sum(log.drops.values()) == COUNT - sum(outcomes)
    reported = [event["counts"] for event in logged_events if event.get("own") == "dropped"]
    assert sum(sum(counts.values()) for counts in reported) == sum(log.drops.values())


@pytest.mark.parametrize("template", ["{pid}.hilt.jsonl", "fixed.hilt.jsonl"])
@pytest.mark.parametrize(
    "call",
    [
        ("write", failing(errno.ENOSPC), {"ENOSPC"}),
        ("write", failing(errno.EIO), {"EIO"}),
        ("write", failing(errno.EDQUOT), {"EDQUOT"}),
        ("write", failing(errno.EFBIG), {"EFBIG"}),
        ("write", failing(errno.EROFS), {"EROFS"}),
        ("write", interrupted, set()),
        ("write", nothing, set()),
        ("write", short(0.5), set()),
        ("write", short(0), set()),
        ("open", failing(errno.EMFILE), {"EMFILE"}),
        ("open", failing(errno.EACCES), {"EACCES"}),
        ("mkdir", failing(errno.EROFS), {"EROFS"}),
        ("fstat", failing(errno.EBADF), {"EBADF"}),
        ("fstatvfs", failing(errno.EIO), {"EIO"}),
        ("close", failing(errno.EIO), {"EIO"}),
        ("getcwd", failing(errno.ENOENT), {"ENOENT"}),
    ],
    ids=lambda call: f"{call[0]} {'-'.join(call[2])}",
)
def test_one_fault_at_every_position(tmp_path, monkeypatch, call, template):
    name, fault, lost = call
    for position in itertools.count():
        with monkeypatch.context() as patch:
            faulty = Faulty(patch, name, position, fault)
            folder = tmp_path / str(position) / "logs"
            log, outcomes = recorded(folder, Clock(), template)
        (path,) = files(folder)
        agree(log, outcomes, lines(path))
        assert set(log.drops) <= lost
        if not faulty.fired:
            assert outcomes == [True] * COUNT
            assert position > 0
            return


@pytest.mark.parametrize("part", [0.01, 0.5, 0.99])
def test_a_full_disk_leaves_no_partial_line(tmp_path, monkeypatch, part):
    """First the write is short, then there is no space: the file is cut back to whole lines."""
    for position in itertools.count():
        with monkeypatch.context() as patch:
            faulty = Faulty(patch, "write", position, short(part))
            patch.setattr(Syscalls, "write", full_after(faulty))
            folder = tmp_path / str(position)
            log, outcomes = recorded(folder, Clock(), "{pid}.hilt.jsonl")
        (path,) = files(folder)
        agree(log, outcomes, lines(path))
        if not faulty.fired:
            return


def full_after(faulty):
    """The call after the short one fails as well."""
    state = {"full": False}

    def write(fd, data):
        if state["full"]:
            state["full"] = False
            raise OSError(errno.ENOSPC, "No space left on device")
        fired = faulty.fired
        done = faulty(fd, data)
        state["full"] = faulty.fired and not fired
        return done

    return write


@pytest.mark.parametrize(("template", "truncates"), [("{pid}.hilt.jsonl", False), ("fixed.hilt.jsonl", True)])
def test_a_part_that_cannot_be_cut_off_is_closed_off(tmp_path, monkeypatch, template, truncates):
    if not truncates:
        monkeypatch.setattr(Syscalls, "ftruncate", failing(errno.EIO))
    for position in itertools.count():
        with monkeypatch.context() as patch:
            faulty = Faulty(patch, "write", position, short(0.5))
            patch.setattr(Syscalls, "write", full_after(faulty))
            folder = tmp_path / str(position)
            log, outcomes = recorded(folder, Clock(), template)
        (path,) = files(folder)
        data = path.read_bytes()
        torn = [line for line in data.splitlines() if not line.endswith(b"}")]
        assert len(torn) == (faulty.fired and bool(torn))
        path.write_bytes(b"".join(line + b"\n" for line in data.splitlines() if line.endswith(b"}")))
        agree(log, outcomes, lines(path))
        if not faulty.fired:
            assert not torn
            return


@pytest.mark.parametrize("seed", range(20))
def test_a_storm_of_faults(tmp_path, monkeypatch, seed):
    chance = random.Random(seed)
    real = Syscalls.write

    def write(fd, data):
        kind = chance.random()
        if kind < 0.2:
            raise OSError(chance.choice([errno.ENOSPC, errno.EIO, errno.EDQUOT]), "fault")
        if kind < 0.4:
            return real(fd, data[: chance.randrange(1, len(data) + 1)])
        return real(fd, data)

    monkeypatch.setattr(Syscalls, "write", write)
    clock = Clock()
    log = writer(tmp_path, monotonic=clock)
    outcomes = []
    for n in range(300):
        outcomes.append(log.write({"n": n}))
        clock.now += chance.choice([0.001, 0.5, 3, 100])
    monkeypatch.setattr(Syscalls, "write", real)
    clock.now += 100
    outcomes.append(log.write({"n": 300}))
    (path,) = files(tmp_path)
    logged_events = lines(path)
    assert [event["n"] for event in events(path)] == [n for n, done in enumerate(outcomes) if done]
    assert sum(log.drops.values()) == outcomes.count(False) > 0
    reported = [sum(event["counts"].values()) for event in logged_events if event.get("own") == "dropped"]
    assert sum(reported) == outcomes.count(False)


def test_the_pause_doubles_from_one_second_to_sixty(tmp_path, monkeypatch):
    clock = Clock()
    tries = []
    real = Syscalls.open
    monkeypatch.setattr(
        Syscalls, "open", lambda *args, **_: tries.append(clock.now) or failing(errno.EMFILE)(real, *args)
    )
    log = writer(tmp_path, monotonic=clock)
    for _ in range(4000):
        log.write({})
        clock.now += 0.1
    gaps = [round(later - earlier) for earlier, later in itertools.pairwise(tries)]
    assert gaps == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]
    assert log.drops == {"EMFILE": 4000}
    assert log.trouble.startswith("Too many open files")

    monkeypatch.setattr(Syscalls, "open", real)
    clock.now += 60
    assert log.write({"n": 1})
    assert lines(log.path) == [{"own": "opened"}, {"own": "dropped", "counts": {"EMFILE": 4000}}, {"n": 1}]
    monkeypatch.setattr(Syscalls, "open", failing(errno.EMFILE))
    log.close()
    log.write({})
    clock.now += 1.1
    monkeypatch.setattr(Syscalls, "open", real)
    assert log.write({"n": 2})
    assert lines(log.path)[3:] == [{"own": "closed"}, {"own": "dropped", "counts": {"EMFILE": 1}}, {"n": 2}]


def test_closing_tries_once_more_during_a_pause(tmp_path, monkeypatch):
    log = writer(tmp_path, monotonic=Clock())
    log.write({"n": 1})
    with monkeypatch.context() as patch:
        patch.setattr(Syscalls, "write", failing(errno.ENOSPC))
        assert not log.write({"n": 2})
    assert not log.write({"n": 3})
    log.close()
    assert lines(log.path)[2:] == [{"own": "dropped", "counts": {"ENOSPC": 2}}, {"own": "closed"}]


def test_an_event_that_cannot_be_encoded_is_counted_and_reported(tmp_path, monkeypatch):
    log = writer(tmp_path)
    log.write({"n": 1})
    with monkeypatch.context() as patch:
        patch.setattr("hilt_autolog.log.writer.encode_line", failing(0))
        assert not log.write({"n": 2})
    assert log.write({"n": 3})
    assert log.drops == {"encode": 1}
    assert lines(log.path)[2:] == [{"own": "dropped", "counts": {"encode": 1}}, {"n": 3}]


@pytest.mark.parametrize("error", [MemoryError, RecursionError, ZeroDivisionError])
def test_no_fault_of_our_own_surfaces(tmp_path, monkeypatch, error):
    log = writer(tmp_path)
    log.write({})

    def fail(*_args, **_given):
        raise error

    for name in ("getpid", "fstat", "write"):
        with monkeypatch.context() as patch:
            patch.setattr(Syscalls, name, fail)
            assert not log.write({})
            log.close()
    assert log.drops == {error.__name__: 3}
    assert log.write({})


def test_control_flow_passes_and_leaves_whole_lines(tmp_path, monkeypatch):
    log = writer(tmp_path)
    log.write({"n": 1})
    real = Syscalls.write
    state = []

    def write(fd, data):
        state.append(1)
        if len(state) == 2:
            raise KeyboardInterrupt
        return real(fd, data[:5])

    with monkeypatch.context() as patch:
        patch.setattr(Syscalls, "write", write)
        with pytest.raises(KeyboardInterrupt):
            log.write({"n": 2})
    assert log.write({"n": 3})
    assert events(log.path) == [{"n": 1}, {"n": 3}]


@pytest.mark.parametrize(
    ("free", "total", "goes_on"),
    [
        (63 << 20, 10 << 30, False),
        (65 << 20, 2 << 30, True),
        (90 << 20, 10 << 30, False),
        (110 << 20, 10 << 30, True),
        (20 << 20, 64 << 20, True),
        (5 << 20, 64 << 20, False),
        (0, 0, True),
    ],
)
def test_writing_stops_before_the_disk_is_full(tmp_path, monkeypatch, free, total, goes_on):
    real = os.statvfs(tmp_path)
    disk = os.statvfs_result((4096, 4096, total >> 12, free >> 12, free >> 12, *real[5:]))
    monkeypatch.setattr(Syscalls, "fstatvfs", lambda _: disk)
    log = writer(tmp_path)
    assert log.write({}) is goes_on
    assert log.drops == ({} if goes_on else {"ENOSPC": 1})
    assert len(files(tmp_path)) == goes_on


def test_the_disk_is_looked_at_once_a_mebibyte(tmp_path, monkeypatch):
    looks = []
    real = Syscalls.fstatvfs
    monkeypatch.setattr(Syscalls, "fstatvfs", lambda fd: looks.append(fd) or real(fd))
    log = writer(tmp_path)
    for _ in range(35):
        log.write({"text": "x" * 100_000})
    assert len(looks) == 4


@pytest.mark.untraced  # the limit would apply to the data of coverage too
def test_a_limit_on_file_size(tmp_path):
    script = """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        outcomes = [log.write({"n": n, "text": "x" * 400}) for n in range(50)]
        assert log.drops == {"EFBIG": outcomes.count(False)}, log.drops
        print(outcomes.count(True))
    """
    done = run(tmp_path, script)
    assert (done.returncode, done.stderr) == (0, "")
    (path,) = files(tmp_path)
    assert len(events(path)) == int(done.stdout) == 23


def test_no_file_descriptors_left(tmp_path):
    script = """
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
        fds = []
        try:
            while True:
                fds.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            pass
        assert not log.write({"n": 1})
        assert log.drops == {"EMFILE": 1}, log.drops
        for fd in fds:
            os.close(fd)
        log._backoff.reset()
        assert log.write({"n": 2})
    """
    done = run(tmp_path, script)
    assert (done.returncode, done.stderr) == (0, "")
    (path,) = files(tmp_path)
    assert lines(path) == [{"own": "opened"}, {"own": "dropped", "counts": {"EMFILE": 1}}, {"n": 2}]


def test_a_write_that_makes_no_progress_is_an_error(tmp_path, monkeypatch):
    log = writer(tmp_path)
    log.write({"n": 1})
    with monkeypatch.context() as patch:
        patch.setattr(Syscalls, "write", nothing)
        assert not log.write({"n": 2})
    assert log.drops == {"EIO": 1}
    assert events(log.path) == [{"n": 1}]


def test_truncating_our_partial_line_keeps_another_threads_line(tmp_path, monkeypatch):
    log = writer(tmp_path, monotonic=(clock := Clock()))
    log.write({"n": 1})
    real = Syscalls.write
    parts = iter([5])

    def write(fd, data):
        for part in parts:
            return real(fd, data[:part])
        real(fd, b'{"n":9}\n')
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Syscalls, "write", write)
        assert not log.write({"n": 2})
    clock.now += 2
    assert log.write({"n": 3})
    assert Path(log.path).read_bytes().splitlines()[2:] == [
        b'{"n":{"n":9}',
        b"",
        b'{"own":"dropped","counts":{"ENOSPC":1}}',
        b'{"n":3}',
    ]


def test_a_descriptor_lost_at_once_is_a_counted_drop(tmp_path, monkeypatch):
    log = writer(tmp_path)
    log.write({"n": 1})
    real = Syscalls.fstat
    fails = iter([True, False, True])

    def fstat(fd):
        if next(fails, False):
            raise OSError(errno.EBADF, "Bad file descriptor")
        return real(fd)

    monkeypatch.setattr(Syscalls, "fstat", fstat)
    assert not log.write({"n": 2})
    assert log.drops == {"EBADF": 1}
    assert log.trouble == "the log's descriptor is closed as soon as it is opened"


def test_a_name_is_not_tried_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr("hilt_autolog.log.file_opening._ATTEMPTS", 3)
    monkeypatch.setattr("hilt_autolog.log.file_opening.fill_template", lambda *_: "a.hilt.jsonl")
    for name in ("a.hilt.jsonl", "a-1.hilt.jsonl", "a-2.hilt.jsonl"):
        (tmp_path / name).touch()
    log = writer(tmp_path)
    assert not log.write({})
    assert log.drops == {"EEXIST": 1}


def test_a_drive_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr(Syscalls, "stat", failing(errno.ENOENT))
    log = writer(tmp_path)
    assert not log.write({})
    assert log.drops == {"ENOENT": 1}


def test_another_process_makes_the_folder_first(tmp_path, monkeypatch):
    real = Syscalls.mkdir
    monkeypatch.setattr(Syscalls, "mkdir", lambda *args: (real(*args), real(*args)))
    assert writer(tmp_path, "a/b/{pid}.hilt.jsonl").write({})


def test_without_the_calls_that_windows_lacks(tmp_path, monkeypatch):
    monkeypatch.setattr("hilt_autolog.log.safe_directory.DIRECTORY", 0)
    monkeypatch.setattr(Syscalls, "fstatvfs", None)
    log = writer(tmp_path)
    assert log.write({"n": 1})
    log.close()
    assert events(log.path) == [{"n": 1}]
