from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from hilt_autolog.log.syscalls import Syscalls
from tests.support.writers import Clock, events, files, lines, run, writer


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


@pytest.fixture
def umask():
    before = os.umask(0)
    yield os.umask
    os.umask(before)


def test_nothing_is_made_before_the_first_event(tmp_path):
    log = writer(tmp_path)
    log.close()
    assert list(tmp_path.iterdir()) == []
    assert log.path is None


def test_a_file_begins_with_opened_and_ends_with_closed(tmp_path):
    log = writer(tmp_path)
    assert log.write({"n": 1})
    assert log.write({"n": 2})
    log.close()
    assert lines(log.path) == [{"own": "opened"}, {"n": 1}, {"n": 2}, {"own": "closed"}]
    assert log.path == str(tmp_path / f"logs/app-{os.getpid()}.hilt.jsonl")
    assert (log.written, log.drops, log.trouble) == (2, {}, None)


def test_an_event_is_with_the_operating_system_when_write_returns(tmp_path):
    log = writer(tmp_path)
    log.write({"n": 1})
    assert lines(log.path) == [{"own": "opened"}, {"n": 1}]


def test_an_encoded_line_is_written_unchanged(tmp_path):
    log = writer(tmp_path)
    assert log.write_line(b'{"n": 1}\n')
    assert log.write_line(b'{"n": 2}\n')
    assert Path(log.path).read_bytes() == b'{"own":"opened"}\n{"n": 1}\n{"n": 2}\n'
    assert log.written == 2


def test_closing_twice_writes_one_last_line(tmp_path):
    log = writer(tmp_path)
    log.write({"n": 1})
    log.close()
    log.close()
    assert lines(log.path)[2:] == [{"own": "closed"}]


def test_an_event_after_the_end_goes_to_the_same_file(tmp_path):
    log = writer(tmp_path)
    log.write({"n": 1})
    log.close()
    assert log.write({"n": 2})
    log.close()
    assert lines(log.path) == [{"own": "opened"}, {"n": 1}, {"own": "closed"}, {"n": 2}, {"own": "closed"}]
    assert files(tmp_path) == [tmp_path / f"logs/app-{os.getpid()}.hilt.jsonl"]


@pytest.mark.parametrize("mask", [0, 0o022, 0o077])
@pytest.mark.parametrize("template", ["a/b/{pid}.hilt.jsonl", "a/b/fixed.hilt.jsonl"])
def test_only_the_owner_may_read_whatever_the_umask(tmp_path, umask, mask, template):
    umask(mask)
    log = writer(tmp_path, template)
    log.write({})
    assert [mode(path) for path in (tmp_path / "a", tmp_path / "a/b", log.path)] == [0o700, 0o700, 0o600]


@pytest.mark.parametrize("plant", ["file", "symlink", "dangling", "fifo", "folder", "hard link"])
def test_a_file_at_a_generated_name_is_left_alone(tmp_path, plant):
    place = tmp_path / f"logs/app-{os.getpid()}.hilt.jsonl"
    place.parent.mkdir(mode=0o700)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    {
        "file": lambda: place.write_text("precious"),
        "symlink": lambda: place.symlink_to(victim),
        "dangling": lambda: place.symlink_to(tmp_path / "nowhere"),
        "fifo": lambda: os.mkfifo(place),
        "folder": place.mkdir,
        "hard link": lambda: place.hardlink_to(victim),
    }[plant]()
    log = writer(tmp_path)
    assert log.write({"n": 1})
    assert log.path == str(tmp_path / f"logs/app-{os.getpid()}-1.hilt.jsonl")
    assert events(log.path) == [{"n": 1}]
    assert victim.read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("plant", "reason"),
    [("symlink", "ELOOP"), ("fifo", "ENXIO"), ("read fifo", "not a regular file"), ("folder", "EISDIR")],
)
def test_what_is_no_file_at_a_fixed_name_is_refused(tmp_path, plant, reason):
    place = tmp_path / "app.hilt.jsonl"
    victim = tmp_path / "victim"
    victim.write_text("precious")
    reader = None
    if plant == "symlink":
        place.symlink_to(victim)
    elif plant == "folder":
        place.mkdir()
    else:
        os.mkfifo(place)
        reader = os.open(place, os.O_RDONLY | os.O_NONBLOCK) if plant == "read fifo" else None
    log = writer(tmp_path, "app.hilt.jsonl")
    assert not log.write({"n": 1})
    assert log.drops == {reason: 1}
    assert victim.read_text() == "precious"
    if reader is not None:
        assert os.read(reader, 10) == b""
        os.close(reader)


@pytest.mark.parametrize("folder_mode", [0o777, 0o1777, 0o702])
def test_a_folder_that_everybody_may_write_to_is_refused(tmp_path, folder_mode):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs").chmod(folder_mode)
    log = writer(tmp_path)
    assert not log.write({})
    assert log.drops == {"folder": 1}
    assert log.trouble == f"everybody may write to it: {tmp_path}/logs"
    assert list((tmp_path / "logs").iterdir()) == []


def test_a_folder_of_another_user_is_refused(tmp_path, monkeypatch):
    (tmp_path / "logs").mkdir()
    monkeypatch.setattr(Syscalls, "geteuid", lambda: 4711)
    state = (tmp_path / "logs").stat()
    other = os.stat_result((*state[:4], 4712, *state[5:]))
    real = Syscalls.fstat
    monkeypatch.setattr(Syscalls, "fstat", lambda fd: other if stat.S_ISDIR(real(fd).st_mode) else real(fd))
    log = writer(tmp_path)
    assert not log.write({})
    assert log.trouble == f"belongs to another user: {tmp_path}/logs"


def test_a_folder_of_root_is_trusted(tmp_path, monkeypatch):
    (tmp_path / "logs").mkdir()
    monkeypatch.setattr(Syscalls, "geteuid", lambda: 4711)
    state = (tmp_path / "logs").stat()
    root = os.stat_result((*state[:4], 0, *state[5:]))
    real = Syscalls.fstat
    monkeypatch.setattr(Syscalls, "fstat", lambda fd: root if stat.S_ISDIR(real(fd).st_mode) else real(fd))
    assert writer(tmp_path).write({})


def test_a_folder_behind_a_symbolic_link_is_refused(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "logs").symlink_to(tmp_path / "real")
    log = writer(tmp_path)
    assert not log.write({})
    assert log.drops == {"folder": 1}
    assert list((tmp_path / "real").iterdir()) == []


def test_a_fixed_name_may_be_in_any_folder(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs").chmod(0o777)
    log = writer(tmp_path, "logs/app.hilt.jsonl")
    assert log.write({})
    assert mode(log.path) == 0o600


def test_missing_folders_are_made_and_made_again(tmp_path):
    log = writer(tmp_path, "a/b/c/{pid}.hilt.jsonl")
    assert log.write({"n": 1})
    (tmp_path / "a").rename(tmp_path / "moved")
    (tmp_path / f"moved/b/c/{os.getpid()}.hilt.jsonl").unlink()
    assert log.write({"n": 2})
    assert lines(log.path) == [{"own": "opened"}, {"n": 2}]


@pytest.mark.parametrize(
    ("template", "reason"),
    [("file/logs/{pid}.jsonl", "ENOTDIR"), ("file/{pid}.jsonl", "folder"), ("file/x", "ENOTDIR")],
)
def test_a_folder_that_cannot_be_made_is_a_counted_loss(tmp_path, template, reason):
    (tmp_path / "file").touch()
    log = writer(tmp_path, template)
    assert not log.write({})
    assert log.drops == {reason: 1}


def test_a_folder_without_room_for_files_is_a_counted_drop():
    log = writer("/proc", "logs/{pid}.jsonl")
    assert not log.write({})
    assert list(log.drops.values()) == [1]


def test_a_deleted_working_directory_is_a_counted_loss(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    log = writer(tmp_path)
    log._opener._directory = None
    assert not log.write({})
    assert log.drops == {"ENOENT": 1}


def test_the_folder_is_the_current_one_at_the_first_event(tmp_path):
    script = """
        log._opener._directory = None
        os.chdir(sys.argv[1])
        log.write({"n": 1})
        os.chdir("/")
        log.close()
        log.write({"n": 2})
        if os.fork() == 0:
            log.write({"n": 3})
            os._exit(0)
        os.wait()
    """
    assert run(tmp_path, script).returncode == 0
    assert len(files(tmp_path / "logs")) == 2


def test_an_absolute_template_and_a_home_are_understood(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for template in (f"{tmp_path}/abs/{{pid}}.hilt.jsonl", "~/home/{pid}.hilt.jsonl"):
        assert writer("/nowhere", template).write({})
    assert [path.parent.name for path in files(tmp_path)] == ["abs", "home"]


def test_an_unknown_field_is_refused_at_once(tmp_path):
    with pytest.raises(ValueError, match=r"unknown field \{sesion\}"):
        writer(tmp_path, "{sesion}.jsonl")


def test_session_makes_a_name_of_its_own(tmp_path):
    logs = [writer(tmp_path, "{session}.hilt.jsonl") for _ in range(2)]
    assert all(log.write({}) for log in logs)
    assert len(files(tmp_path)) == 2
    assert all(re.fullmatch(r"[0-9a-f]{12}\.hilt\.jsonl", path.name) for path in files(tmp_path))


def test_each_writer_appends_its_first_line_to_a_fixed_file(tmp_path):
    for n in (1, 2):
        log = writer(tmp_path, "app.hilt.jsonl")
        log.write({"n": n})
        log.close()
    opened, closed = {"own": "opened"}, {"own": "closed"}
    assert lines(log.path) == [opened, {"n": 1}, closed, opened, {"n": 2}, closed]


@pytest.mark.parametrize(
    ("tail", "content"), [(b'{"torn', b'{"torn\n'), (b'{"n":0}\n', b'{"n":0}\n'), (b"", b"")]
)
def test_a_torn_tail_is_closed_off_before_the_first_line(tmp_path, tail, content):
    place = tmp_path / "app.hilt.jsonl"
    place.write_bytes(tail)
    writer(tmp_path, "app.hilt.jsonl").write({"n": 1})
    assert place.read_bytes() == content + b'{"own":"opened"}\n{"n":1}\n'


def test_the_summary_file_has_the_offset_of_each_opening(tmp_path):
    run_logs = tmp_path / "run_logs"
    run_logs.touch()  # hilt-run makes it
    (tmp_path / "fixed.hilt.jsonl").write_bytes(b"{}\n")
    fixed = writer(tmp_path, "fixed.hilt.jsonl", run_logs=str(run_logs))
    own = writer(tmp_path, run_logs=str(run_logs))
    fixed.write({})
    own.write({})
    fixed.close()
    fixed.write({})
    size = len(b'{}\n{"own":"opened"}\n{}\n{"own":"closed"}\n')
    assert run_logs.read_text() == f"3\t{fixed.path}\n0\t{own.path}\n{size}\t{fixed.path}\n"


def test_an_unwritable_summary_file_does_no_harm(tmp_path):
    log = writer(tmp_path, run_logs=str(tmp_path / "missing/run_logs"))
    assert log.write({})
    assert log.trouble is None


@pytest.mark.parametrize("callback", ["first_event", "last_event", "dropped_event"])
def test_a_lifecycle_event_that_fails_is_left_out(tmp_path, callback):
    def fail(*_):
        raise RuntimeError("broken")

    clock = Clock()
    log = writer(tmp_path, monotonic=clock, **{callback: fail})
    log._drop("test")
    assert log.write({"n": 1})
    log.close()
    assert events(log.path) == [{"n": 1}]
    assert log.trouble == "RuntimeError: broken"
