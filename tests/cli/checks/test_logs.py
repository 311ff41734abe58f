"""The findings of doctor on the settings, the path of the log, and the logs that exist."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from hilt_autolog.cli.checks import logs, settings
from hilt_autolog.log import file_opening
from hilt_autolog.log.syscalls import Syscalls
from hilt_autolog.runtime.lifecycle_events import LifecycleEvents

TEMPLATE = "logs/{app}-{date}-{time}-{pid}.hilt.jsonl"
DEFAULT = {
    "path": TEMPLATE,
    "chunks": "each",
    "content": "full",
    "media": "describe",
    "providers": (),
    "conversation": None,
    "user": "user",
    "tags": (),
    "argv": "program",
    "sheets": None,
    "strict": False,
}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A project folder without settings, and an environment without HILT_ variables."""
    for name in os.environ:
        if name.startswith("HILT_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    monkeypatch.chdir(folder)
    return folder


def findings_of(check) -> list[tuple[str, str]]:
    return [(mark, text) for mark, text, _ in check()]


# --- settings


def test_the_settings_by_where_they_come_from(here, monkeypatch):
    (here / "pyproject.toml").write_text('[tool.hilt]\nuser = "ana"\nchunks = "off"\n')
    monkeypatch.setenv("HILT_TAGS", "a,b")
    monkeypatch.setenv("HILT_CHUNKS", "each")  # its default, but set
    findings = list(settings.check_settings())
    assert [(mark, text) for mark, text, _ in findings] == [
        ("ok", f"default: path={TEMPLATE}, content=full, media=describe, argv=program, strict=false"),
        ("ok", "environment: chunks=each, tags=a,b"),
        ("ok", "pyproject.toml: user=ana"),
    ]
    values = {name: value for finding in findings for name, value in finding.facts["values"].items()}
    assert values == DEFAULT | {"user": "ana", "tags": ("a", "b")}
    assert settings.effective_settings()._asdict() == values


def test_wrong_settings_are_reported_as_the_settings_word_them(here, monkeypatch):
    (here / "pyproject.toml").write_text('[tool.hilt]\ncolour = "red"\n')
    monkeypatch.setenv("HILT_CHUNKS", "evry")
    default, *complaints = findings_of(settings.check_settings)
    assert default[1].startswith(f"default: path={TEMPLATE}, chunks=each, ")
    assert [mark for mark, _ in complaints] == ["warning"] * 2
    assert complaints[0][1].startswith(f"{here / 'pyproject.toml'}: unknown setting colour: not one of path,")
    assert complaints[1][1] == "HILT_CHUNKS='evry': not one of each, merged, off (ignored)"


# --- the place


@pytest.fixture
def place(here, monkeypatch):
    """Check whether a log of this path can be written, and that the check changes nothing."""

    def check(template: str | None = None) -> tuple[str, str]:
        if template is not None:
            monkeypatch.setenv("HILT_PATH", template)
        before = traces(here)
        findings = findings_of(logs.check_log_path)
        assert traces(here) == before
        assert len(findings) == 1
        return findings[0]

    return check


def traces(folder: Path) -> dict[Path, tuple[int, ...]]:
    stats = {path: path.lstat() for path in folder.rglob("*")}
    return {
        path: (s.st_ino, s.st_mode, s.st_size, s.st_mtime_ns * stat.S_ISREG(s.st_mode))
        for path, s in stats.items()
    }


def test_a_place_in_folders_that_are_not_there_yet(here, place):
    assert place() == ("ok", f"{here / TEMPLATE} can be written")
    assert place("a/b/c/{session}.jsonl") == ("ok", f"{here / 'a/b/c/{session}.jsonl'} can be written")
    assert place("a/b/c/one.jsonl") == ("ok", f"{here / 'a/b/c/one.jsonl'} can be written")


def test_a_place_in_a_folder_that_is_there(here, place):
    (here / "logs").mkdir(0o700)
    assert place() == ("ok", f"{here / TEMPLATE} can be written")
    assert place("logs/one.jsonl") == ("ok", f"{here / 'logs/one.jsonl'} can be written")


def test_a_file_that_is_there_is_opened_and_left_alone(here, place):
    (here / "one.jsonl").write_text('{"action":"prom')  # torn, which writing would mend
    assert place("one.jsonl") == ("ok", f"{here / 'one.jsonl'} can be written")


def test_a_home_folder_is_found(here, place, monkeypatch):
    monkeypatch.setenv("HOME", str(here / "home"))
    assert place("~/{pid}.jsonl") == ("ok", f"{here / 'home/{pid}.jsonl'} can be written")


def make(here: Path) -> None:
    (here / "open").mkdir()
    (here / "open").chmod(0o777)
    (here / "sticky").mkdir()
    (here / "sticky").chmod(0o1777)
    (here / "real").mkdir()
    (here / "linked").symlink_to("real")
    (here / "link.jsonl").symlink_to("real/one.jsonl")
    os.mkfifo(here / "pipe.jsonl")
    (here / "folder.jsonl").mkdir()
    (here / "file").touch()


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("open/{pid}.jsonl", "everybody may write to it: {here}/open"),
        ("sticky/{pid}.jsonl", "everybody may write to it: {here}/sticky"),
        ("linked/{pid}.jsonl", "not a real directory: {here}/linked"),
        (
            "link.jsonl",
            "Too many levels of symbolic links: {here}/link.jsonl (a symbolic link, which is not followed)",
        ),
        ("pipe.jsonl", "No such device or address: {here}/pipe.jsonl (a pipe)"),
        ("folder.jsonl", "Is a directory: {here}/folder.jsonl"),
        ("file/{pid}.jsonl", "not a real directory: {here}/file"),
        ("file/one.jsonl", "Not a directory: {here}/file/one.jsonl."),
        ("/dev/full", "not a regular file, or one with several names: /dev/full"),
    ],
)
def test_a_place_that_is_refused(template, why, here, place):
    make(here)
    mark, text = place(template)
    path = os.path.join(here, template)
    assert mark == "problem"
    assert text.startswith(f"{path} cannot be written: {why.replace('{here}', str(here))}")


def test_hard_links_of_a_file_are_no_problem(here, place):
    (here / "one.jsonl").touch()
    (here / "two.jsonl").hardlink_to(here / "one.jsonl")
    assert place("two.jsonl")[0] == "ok"


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.EMFILE, errno.EDQUOT])
@pytest.mark.parametrize("template", [TEMPLATE, "logs/one.jsonl"])
def test_a_folder_that_cannot_be_made(code, template, here, place, monkeypatch):
    def refuse(path, _mode):
        raise OSError(code, os.strerror(code), path)

    monkeypatch.setattr(Syscalls, "mkdir", refuse)
    why = f"{os.strerror(code)}: {here / 'logs'}"
    assert place(template) == ("problem", f"{here / template} cannot be written: {why}")


@pytest.mark.parametrize("template", [TEMPLATE, "one.jsonl", "there.jsonl"])
def test_a_disk_that_is_almost_full(template, here, place, monkeypatch):
    (here / "there.jsonl").write_text("{}\n")
    disk = SimpleNamespace(f_bavail=1, f_frsize=4096, f_blocks=1_000_000)
    monkeypatch.setattr(Syscalls, "fstatvfs", lambda _: disk)
    why = "less than 64 MiB or 1 % of the disk is free"
    assert place(template) == ("problem", f"{here / template} cannot be written: {why}")


@pytest.mark.parametrize("template", [TEMPLATE, "one.jsonl"])
def test_a_disk_that_takes_nothing(template, here, place, monkeypatch):
    def refuse(_fd, _data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Syscalls, "write", refuse)
    assert place(template) == ("problem", f"{here / template} cannot be written: No space left on device")


def test_somebody_else_s_file_keeps_its_new_folder(here, monkeypatch):
    monkeypatch.setenv("HILT_PATH", "logs/deep/{pid}.jsonl")
    create = file_opening.create_exclusive

    def meanwhile(path):
        file = create(path)
        (here / "logs" / "other.jsonl").touch()
        return file

    monkeypatch.setattr(file_opening, "create_exclusive", meanwhile)
    assert findings_of(logs.check_log_path)[0][0] == "ok"
    assert sorted(here.glob("logs/**/*")) == [here / "logs" / "other.jsonl"]


# --- the logs


OWN = LifecycleEvents("program")
EVENT = {"actor": {"type": "human", "id": "user"}, "action": "prompt", "content": {"text": "hilt-autolog"}}


def log(name: str, *events: dict, torn: str = "", age: int = 0) -> Path:
    path = Path("logs", name).absolute()
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{json.dumps(event)}\n" for event in events) + torn)
    os.utime(path, (2e9 - age, 2e9 - age))
    return path


def closed(written: int, drops=None, faults=None, failed: int = 0) -> dict:
    return dict(OWN.closed(written, drops or {}, faults or {}, failed))


def test_no_log_yet(here):
    assert findings_of(logs.check_recent_logs) == [("ok", f"there is no log like {here / TEMPLATE} yet")]


def test_logs_without_a_fault(here):
    log("app-d-t-1.hilt.jsonl", OWN.opened({}), EVENT, EVENT, closed(2))
    log("app-d-t-1-1.hilt.jsonl", OWN.opened({}), EVENT, closed(1))  # the name was taken
    log("notes.jsonl", EVENT)
    assert findings_of(logs.check_recent_logs) == [("ok", "3 events in the newest 2 of 2 logs")]


def test_the_newest_are_looked_at(here):
    for age in range(7):
        log(f"app-d-t-{age}.hilt.jsonl", OWN.opened({}), *[EVENT] * 2**age, closed(1), age=age)
    findings = list(logs.check_recent_logs())
    assert [(mark, text) for mark, text, _ in findings] == [("ok", "31 events in the newest 5 of 7 logs")]
    assert findings[0].facts["logs"] == 7
    assert findings[0].facts["newest"][str(here / "logs/app-d-t-1.hilt.jsonl")] == {
        "events": 2,
        "begun": 1,
        "ended": 1,
        "drops": {},
        "failed": 0,
        "faults": {},
        "is_torn": False,
    }


def test_what_a_log_says_against_itself():
    drops = {"ENOSPC": 2, "encode": 1}
    gap = log(
        "a-d-t-1.hilt.jsonl", OWN.opened({}), OWN.dropped({"ENOSPC": 2}), EVENT, closed(1, drops), age=1
    )
    failed = log(
        "a-d-t-2.hilt.jsonl", OWN.opened({}), EVENT, closed(1, {}, {"call.py:7 end": "KeyError"}, 3), age=2
    )
    killed = log(
        "a-d-t-3.hilt.jsonl", OWN.opened({}), OWN.dropped({"EIO": 4}), EVENT, torn='{"action":"pro', age=3
    )
    assert findings_of(logs.check_recent_logs) == [
        ("ok", "3 events in the newest 3 of 3 logs"),
        ("warning", f"{gap} lacks events that were dropped: 2 by ENOSPC, 1 by encode"),
        ("warning", f"{failed} counts failures of our own code: 3 (KeyError at call.py:7 end)"),
        ("warning", f"{killed} lacks events that were dropped: 4 by EIO"),
        ("warning", f"{killed} has no last line: its process still runs, or was killed"),
        ("warning", f"{killed} ends inside a line, which is lost"),
    ]


def test_one_file_for_several_processes(here, monkeypatch):
    shared = log(
        "one.jsonl",
        OWN.opened({}),
        EVENT,
        OWN.opened({}),
        EVENT,
        closed(1, {"EIO": 1}),
        closed(1, {"EIO": 2}),
    )
    monkeypatch.setenv("HILT_PATH", "logs/one.jsonl")
    assert findings_of(logs.check_recent_logs) == [
        ("ok", "2 events in the newest 1 of 1 logs"),
        ("warning", f"{shared} lacks events that were dropped: 3 by EIO"),
    ]


def test_braces_match_anything_and_brackets_match_themselves(here, monkeypatch):
    for name in ("[a]-x.jsonl", "a-x.jsonl"):
        log(name, EVENT)
    monkeypatch.setenv("HILT_PATH", "logs/[a]-{session}.jsonl")
    assert findings_of(logs.check_recent_logs)[0] == ("ok", "1 events in the newest 1 of 1 logs")


@pytest.mark.parametrize(
    "strange",
    [
        {
            "actor": {"id": "hilt-autolog"},
            "content": {"text": "session closed"},
            "extensions": {"failed": "x"},
        },
        {
            "actor": {"id": "hilt-autolog"},
            "content": {"text": "session closed"},
            "extensions": {"drops": {"a": "x"}},
        },
        {"actor": {"id": "hilt-autolog"}, "content": {"text": "session closed"}, "extensions": {"faults": 7}},
    ],
)
def test_a_log_with_strange_counts(strange):
    path = log("a-d-t-1.hilt.jsonl", strange)
    whole = log("a-d-t-2.hilt.jsonl", OWN.opened({}), EVENT, closed(1))
    (mark, text), second = findings_of(logs.check_recent_logs)
    assert (mark, text.partition(": ")[0]) == ("warning", f"{path} cannot be read")
    assert second == ("ok", "1 events in the newest 1 of 2 logs")
    assert whole.exists()


@pytest.mark.parametrize(
    "line", ['["hilt-autolog"]', '{"actor":"hilt-autolog"}', '"hilt-autolog"', "hilt-autolog"]
)
def test_lines_that_only_look_like_ours_are_events(line):
    path = log("a-d-t-1.hilt.jsonl", torn=f"{line}\n")
    assert findings_of(logs.check_recent_logs) == [("ok", "1 events in the newest 1 of 1 logs")]
    assert path.exists()


def test_a_log_that_is_gone_when_it_is_looked_at(monkeypatch):
    path = log("a-d-t-1.hilt.jsonl", EVENT)
    monkeypatch.setattr(os.path, "isfile", lambda path: not os.unlink(path))
    (mark, text), second = findings_of(logs.check_recent_logs)
    assert (mark, second[1]) == ("warning", "0 events in the newest 0 of 1 logs")
    assert text.startswith(f"{path} cannot be read: ")
