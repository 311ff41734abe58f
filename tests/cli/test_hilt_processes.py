"""hilt as a process: without stdout or stderr, with readers that leave, on a full disk, interrupted."""

from __future__ import annotations

import gzip
import os
import re
import signal
import subprocess
import sys

import pytest

from hilt_autolog import cli
from hilt_autolog.analytics import duck, ends
from hilt_autolog.cli.render import progress
from tests.support import wheels
from tests.support.sample_log import CONVERSATION, lines, write

HILT = (sys.executable, "-m", "hilt_autolog")
LOADED = "import sys\nfrom hilt_autolog.cli import main\nmain({words})\nprint(*sys.modules, file=sys.stderr)"
HEAVY = {"duckdb", "pydantic", "rich", "asyncio", "wrapt", "openai", "logging"}


@pytest.fixture
def log(tmp_path):
    return write(tmp_path / "a.hilt.jsonl", CONVERSATION)


def environ(**variables: str) -> dict[str, str]:
    return wheels.clean_environ(PYTHONPATH=str(wheels.ROOT), TZ="UTC", **variables)


def run(*words: object, **options) -> subprocess.CompletedProcess[bytes]:
    options = {"stdin": subprocess.DEVNULL, "capture_output": True, "env": environ(), **options}
    return subprocess.run([*HILT, *map(str, words)], timeout=60, check=False, **options)


def by_shell(line: str, folder) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "--norc", "-c", f'hilt() {{ {HILT[0]} -m hilt_autolog "$@"; }}; {line}'],
        cwd=folder,
        env=environ(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# --- where it is printed

COMMANDS = ("tail", "show", "search .", "validate", "--help", "completion bash")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_reader_that_leaves_is_no_error(command, log, tmp_path):
    paths = "" if "bash" in command or command == "--help" else "a.hilt.jsonl"
    done = by_shell(f"hilt {command} {paths} | true; exit ${{PIPESTATUS[0]}}", tmp_path)
    assert done.returncode in (0, 141)  # 0 where it has written before the reader left
    assert done.stderr == ""


@pytest.mark.parametrize("command", [command for command in COMMANDS if command != "--help"])
def test_without_stdout(command, log, tmp_path):
    paths = "" if "bash" in command else "a.hilt.jsonl"
    done = by_shell(f"hilt {command} {paths} >&-", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_without_stderr(log, tmp_path):
    with log.open("ab") as file:
        file.write(b"x\n")
    done = by_shell("hilt tail -n 1 --json a.hilt.jsonl 2>&-; hilt tail no.jsonl 2>&-; echo $?", tmp_path)
    assert [line[:9] for line in done.stdout.splitlines()] == ['{"hilt_ve', "3"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full device here")
@pytest.mark.parametrize("command", ["tail", "show", "validate"])
def test_a_full_disk(command, log, tmp_path):
    done = by_shell(f"hilt {command} a.hilt.jsonl > /dev/full", tmp_path)
    assert (done.returncode, done.stderr) == (3, "hilt: No space left on device\n")


@pytest.mark.parametrize("variables", [{"LC_ALL": "C"}, {"LANG": "C"}, {"PYTHONIOENCODING": "ascii"}])
def test_any_locale(variables, tmp_path):
    write(tmp_path / "a.hilt.jsonl", [{**CONVERSATION[0], "content": {"text": "naïve 日本"}}])
    for words in (["tail"], ["show"], ["search", "日本"]):
        done = run(*words, "a.hilt.jsonl", cwd=tmp_path, env=environ(COLUMNS="60", **variables))
        assert (done.returncode, done.stderr) == (0, b"")
    assert b"naive" not in run("show", "a.hilt.jsonl", cwd=tmp_path, env=environ(**variables)).stdout


# --- interrupted


@pytest.mark.parametrize("command", [["validate"], ["tail"], ["tail", "-f"], ["show"], ["search", "x"]])
def test_ctrl_c_in_the_middle(command, tmp_path):
    os.mkfifo(tmp_path / "slow.hilt.jsonl")
    process = subprocess.Popen(
        [*HILT, *command, "slow.hilt.jsonl"],
        cwd=tmp_path,
        env=environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with (tmp_path / "slow.hilt.jsonl").open("wb"):  # waits until it is read
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, b"", b"")


# --- progress


@pytest.fixture
def impatient(monkeypatch):
    """Show how far a reading is from its beginning, after each event, as if stderr were a terminal."""
    for name, value in (
        ("_DELAY", 0),
        ("_INTERVAL", 0),
        ("_CLOCK_INTERVAL", 1),
        ("is_terminal", lambda stream: True),
    ):
        monkeypatch.setattr(progress, name, value)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(
    "command",
    [
        ["validate"],
        ["search", "/./", "--count"],
        ["show", "--list"],
        ["show", "--no-pager"],
        ["stats"],
        ["convert", "--to", "messages"],
        ["convert", "--to", "csv", "--metadata"],
    ],
)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_long_read_shows_its_progress_and_erases_it(command, suffix, impatient, tmp_path, capsys):
    content = lines(CONVERSATION * 50)
    (tmp_path / f"a.jsonl{suffix}").write_bytes(gzip.compress(content) if suffix else content)
    cli.main([*command, str(tmp_path / "*.jsonl*")])
    *bars, last = capsys.readouterr().err.split("\r")[1:]
    shares = [int(bar.split("%")[0].split()[-1]) for bar in bars]
    assert len(shares) >= 2
    assert shares == sorted(shares)
    assert shares[-1] >= 75
    assert all(re.fullmatch(r"=*-* +\d+% of [\d.]+ kB\x1b\[K", bar) for bar in bars)
    assert last == "\x1b[K"


@pytest.mark.parametrize(
    "command", [["stats"], ["query", "SELECT max(text) FROM events"], ["convert", "-o", "b.parquet"]]
)
def test_so_does_duckdb(command, impatient, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(duck, "_PAUSE", 0.001)
    monkeypatch.setattr(ends, "LARGE", 0)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.hilt.jsonl").write_bytes(lines(CONVERSATION * 2000))
    assert cli.main([*command, "a.hilt.jsonl"]) == 0
    *bars, last = capsys.readouterr().err.partition("hilt: ")[0].split("\r")[1:]
    shares = [int(bar.split("%")[0].split()[-1]) for bar in bars]
    assert len(shares) >= 2
    assert shares == sorted(shares)
    assert last == "\x1b[K"


def test_without_a_terminal_there_is_none(impatient, tmp_path, capsys, monkeypatch):
    path = write(tmp_path / "a.jsonl", CONVERSATION)
    monkeypatch.setenv("TERM", "dumb")
    cli.main(["validate", str(path)])
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "is_terminal", lambda stream: False)
    cli.main(["validate", str(path)])
    assert capsys.readouterr().err == ""


# --- weight


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (["--help"], set()),
        (["--version"], set()),
        (["completion", "bash"], {"orjson"}),
        (["tail", "a.hilt.jsonl"], {"orjson"}),
        (["show", "a.hilt.jsonl"], {"orjson"}),
        (["show", "--list", "a.hilt.jsonl"], {"orjson"}),
        (["search", "x", "a.hilt.jsonl"], {"orjson"}),
        (["stats", "a.hilt.jsonl"], {"orjson"}),
        (["validate", "a.hilt.jsonl"], {"orjson", "pydantic"}),
    ],
)
def test_a_command_imports_only_what_it_needs(words, allowed, log, tmp_path):
    command = [sys.executable, "-c", LOADED.format(words=words)]
    done = subprocess.run(command, cwd=tmp_path, env=environ(), capture_output=True, text=True, check=True)
    bare = [sys.executable, "-c", "import sys; print(*sys.modules)"]
    before = subprocess.run(bare, cwd=tmp_path, env=environ(), capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in set(done.stderr.split()) - set(before.stdout.split())}
    others = {name for name in loaded if not name.startswith("_sysconfigdata")}  # its own, as built here
    others -= sys.stdlib_module_names | {"hilt_autolog"}
    assert allowed - {"pydantic"} <= others or not allowed
    if "pydantic" in allowed:
        assert "pydantic" in others
    else:
        assert others == allowed
        assert not loaded & HEAVY
