"""hilt-run on a terminal: a child that gets every signal, and one line when it ends."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support import wheels

NOTHING = "hilt: nothing recorded (`hilt doctor` says why)\r\n"
RECORD = """
import os
def record(*lines, path="app.hilt.jsonl", before=0):
    # what a process that opens a log does
    with open(os.environ["HILT_RUN_LOGS"], "ab") as run_logs:
        run_logs.write(b"%d\\t%s\\n" % (before, os.fsencode(os.path.abspath(path))))
    with open(path, "a") as log:
        log.writelines(line + "\\n" for line in lines)
PROMPT = '{"action":"prompt"}'
ANSWER = '{"action":"completion","metrics":{"tokens":{"total":602},"cost_usd":0.00155}}'
ERROR = '{"action":"system","extensions":{"error_type":"RateLimitError"}}'
"""
CATCH = """
import os, signal, sys, time
def caught(number, frame):
    os.write(1, b"caught %s\\n" % signal.Signals(number).name.encode())
    sys.exit(5)
for name in ("SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"):
    signal.signal(getattr(signal, name), caught)
print("ready", flush=True)
time.sleep(20)
"""


class Terminal:
    """A process on a terminal of its own, which controls it."""

    def __init__(
        self, command: list[object], folder: Path, *, ours: tuple[str, ...], **variables: str
    ) -> None:
        self.master, slave = pty.openpty()
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE) | dict.fromkeys(ours, slave)
        self.process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            env=wheels.clean_environ(**variables),
            preexec_fn=lambda: take_terminal(slave),  # noqa: PLW1509  no thread runs here
            **streams,
        )
        os.close(slave)
        self.shown = ""

    def read_until(self, text: str) -> None:
        while text not in self.shown:
            more = os.read(self.master, 65536)
            assert more, f"the terminal closed before it showed {text!r}: {self.shown!r}"
            self.shown += more.decode()

    def end(self) -> str:
        """Wait for the end and return all that the terminal showed."""
        with contextlib.suppress(OSError):  # EIO: nobody has the terminal any more
            while more := os.read(self.master, 65536):
                self.shown += more.decode()
        self.process.wait(20)
        os.close(self.master)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        return self.shown


def take_terminal(slave: int) -> None:
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)


@pytest.fixture
def terminal(installed, tmp_path):
    """Start hilt-run on a terminal."""

    def start(*arguments, ours=("stdin", "stdout", "stderr"), **variables) -> Terminal:
        return Terminal([installed.with_name("hilt-run"), *arguments], tmp_path, ours=ours, **variables)

    return start


@pytest.fixture
def app(installed, tmp_path):
    """Write a program that records, and return the command that runs it."""

    def write(text: str) -> tuple[str, str]:
        (tmp_path / "app.py").write_text(RECORD + text)
        return str(installed), "app.py"

    return write


def test_the_sum_is_the_last_line(terminal, app):
    ended = terminal(*app("print('hello'); record(PROMPT, ANSWER, PROMPT, ANSWER, PROMPT, ERROR)"))
    assert ended.end() == "hello\r\nhilt: 3 calls, 1,204 tokens, $0.003100, 1 error -> app.hilt.jsonl\r\n"
    assert ended.process.returncode == 0


def test_several_processes_are_summed_up_together(terminal, app):
    ended = terminal(
        *app("""
import subprocess, sys
record(PROMPT, ANSWER, path="one.jsonl")
if len(sys.argv) == 1:
    subprocess.run([sys.executable, __file__, "child"])
    record(PROMPT, path="two.jsonl")
""")
    )
    assert ended.end() == "hilt: 3 calls, 1,204 tokens, $0.003100 -> 2 files in ./\r\n"


def test_a_program_that_recorded_nothing_is_reported(terminal):
    assert terminal("echo", "hello").end() == "hello\r\n" + NOTHING


def test_only_stderr_has_to_be_the_terminal(terminal, app):
    ended = terminal(*app("print('hello'); record(PROMPT)"), ours=("stderr",))
    with ended.process.stdout:
        assert ended.process.stdout.read() == b"hello\n"
    assert ended.end() == "hilt: 1 call -> app.hilt.jsonl\r\n"


def test_without_stderr_on_the_terminal_nothing_appears(terminal):
    ended = terminal("sh", "-c", 'echo "out ${HILT_RUN_LOGS-none}"; echo err >&2', ours=("stdin", "stdout"))
    with ended.process.stderr:
        assert ended.process.stderr.read() == b"err\n"
    assert ended.end() == "out none\r\n"


def test_the_summary_file_is_private_and_removed(terminal):
    ended = terminal("sh", "-c", 'stat -c "%a %n" "$HILT_RUN_LOGS"')
    mode, path = ended.end().splitlines()[0].split()
    assert mode == "600"
    assert Path(path).name.startswith("hilt-")
    assert not Path(path).exists()


def test_a_hilt_run_below_another_leaves_the_sum_to_it(terminal, installed, app):
    ended = terminal(installed.with_name("hilt-run"), "--user", "ana", *app("record(PROMPT, ANSWER)"))
    assert ended.end() == "hilt: 1 call, 602 tokens, $0.001550 -> app.hilt.jsonl\r\n"


def test_a_missing_summary_file_is_no_reason_for_silence(terminal):
    assert terminal("true", HILT_RUN_LOGS="/no/such/list").end() == NOTHING


def test_an_unreadable_log_leaves_the_exit_code_alone(terminal, app):
    ended = terminal(*app("record(ANSWER, before=10**30); raise SystemExit(9)"))  # no file has this offset
    assert ended.end() == ""
    assert ended.process.returncode == 9


@pytest.mark.parametrize("code", [0, 1, 77, 255])
def test_the_exit_code_is_the_command_s(code, terminal):
    ended = terminal("sh", "-c", f"exit {code}")
    assert ended.end() == NOTHING
    assert ended.process.returncode == code


@pytest.mark.parametrize(
    ("command", "code", "error"),
    [
        ("no-such-command", 127, "hilt-run: no-such-command: No such file or directory\r\n"),
        ("/", 126, "hilt-run: /: Permission denied\r\n"),
    ],
)
def test_a_command_that_cannot_start_is_reported_as_without_terminal(command, code, error, terminal):
    ended = terminal(command)
    assert ended.end() == error
    assert ended.process.returncode == code


def test_a_script_without_a_shebang_is_summarized_once(terminal, tmp_path):
    (tmp_path / "script").write_text("echo hello; exit 3")
    (tmp_path / "script").chmod(0o755)
    ended = terminal("./script")
    assert ended.end() == "hello\r\n" + NOTHING
    assert ended.process.returncode == 3


def test_files_that_are_open_are_the_command_s_too(installed, tmp_path):
    command = f"exec 7>extra; exec {installed.with_name('hilt-run')} sh -c 'echo kept >&7'"
    assert Terminal(["sh", "-c", command], tmp_path, ours=("stdin", "stdout", "stderr")).end() == NOTHING
    assert (tmp_path / "extra").read_text() == "kept\n"


@pytest.mark.parametrize(("key", "name"), [(b"\x03", "SIGINT"), (b"\x1c", "SIGQUIT")])
def test_a_key_reaches_the_command_once_and_we_outlive_it(key, name, terminal, installed):
    running = terminal(installed, "-c", CATCH)
    running.read_until("ready")
    os.write(running.master, key)
    shown = running.end()
    assert shown.count("caught") == 1
    assert shown.endswith(f"caught {name}\r\n{NOTHING}")
    assert running.process.returncode == 5


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"])
def test_what_is_sent_to_us_is_passed_on(name, terminal, installed):
    running = terminal(installed, "-c", CATCH)
    running.read_until("ready")
    running.process.send_signal(getattr(signal, name))
    assert running.end() == f"ready\r\ncaught {name}\r\n{NOTHING}"
    assert running.process.returncode == 5


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGKILL", "SIGSEGV", "SIGPIPE", "SIGUSR1"])
def test_a_command_that_dies_of_a_signal_is_followed(name, terminal, tmp_path):
    ended = terminal("sh", "-c", f"kill -{name.removeprefix('SIG')} $$")
    assert ended.end() == NOTHING
    assert ended.process.returncode == -getattr(signal, name)
    assert list(tmp_path.iterdir()) == []


def test_an_uncaught_ctrl_c_ends_both_as_a_shell_expects(terminal, installed):
    running = terminal(
        installed, "-c", "import time; print('ready', flush=True); time.sleep(20)", NO_COLOR="1"
    )
    running.read_until("ready")
    os.write(running.master, b"\x03")
    assert running.end().endswith(f"KeyboardInterrupt\r\n{NOTHING}")
    assert running.process.returncode == -signal.SIGINT


def test_a_signal_that_was_ignored_before_stays_ignored(installed, tmp_path):
    program = "import signal; print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)"
    command = f"trap '' HUP; exec {installed.with_name('hilt-run')} {installed} -c '{program}'"
    ended = Terminal(["sh", "-c", command], tmp_path, ours=("stdin", "stdout", "stderr"))
    assert ended.end() == f"True\r\n{NOTHING}"
