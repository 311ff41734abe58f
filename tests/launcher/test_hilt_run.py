"""hilt-run away from a terminal: the command takes its place, with recording enabled."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import wheels

USAGE = "usage: hilt-run [--SETTING VALUE ...] [--] COMMAND [ARGUMENT ...]\n"
SHOW = "import os; print({k: v for k, v in os.environ.items() if k.startswith('HILT_')})"
OPTIONS = (
    "--path, --chunks, --content, --media, --providers, --conversation, --user, --tags, --argv, --sheets,"
    " --strict"
)


FIELDS = "app, date, time, host, pid, session"


@pytest.fixture
def hilt_run(installed, run):
    """Run hilt-run with the arguments given."""

    def start(*arguments, **variables):
        return run(installed.with_name("hilt-run"), *arguments, **variables)

    return start


def test_the_command_starts_with_recording_on_and_no_output(hilt_run, installed):
    done = hilt_run(installed, "-c", SHOW)
    assert (done.returncode, ast.literal_eval(done.stdout), done.stderr) == (0, {"HILT_AUTOLOG": "1"}, "")


def test_it_switches_on_though_the_environment_says_off(hilt_run, installed):
    assert hilt_run(installed, "-c", SHOW, HILT_AUTOLOG="0").stdout == "{'HILT_AUTOLOG': '1'}\n"


def test_every_setting_is_an_option(hilt_run, installed):
    given = {
        "--path": ("HILT_PATH", "x/{pid}.jsonl"),
        "--chunks": ("HILT_CHUNKS", "off"),
        "--content": ("HILT_CONTENT", "hash"),
        "--media": ("HILT_MEDIA", "store"),
        "--providers": ("HILT_PROVIDERS", "fakesdk,fakecloud.models"),
        "--conversation": ("HILT_SESSION", "a b = c"),
        "--user": ("HILT_USER", "--ana"),
        "--tags": ("HILT_TAGS", "a,b"),
        "--argv": ("HILT_ARGV", "full"),
        "--strict": ("HILT_STRICT", "true"),
    }
    expected = dict(given.values()) | {"HILT_AUTOLOG": "1"}
    apart = [word for name, (_, value) in given.items() for word in (name, value)]
    joined = [f"{name}={value}" for name, (_, value) in given.items()]
    assert ast.literal_eval(hilt_run(*apart, installed, "-c", SHOW).stdout) == expected
    assert (
        ast.literal_eval(hilt_run(*joined, "--", installed, "-c", SHOW, HILT_USER="before").stdout)
        == expected
    )


def test_the_command_is_the_very_process(installed, tmp_path):
    command = [
        installed.with_name("hilt-run"),
        installed,
        "-c",
        "import os; print(os.getpid(), os.getppid())",
    ]
    child = subprocess.Popen(
        command, env=wheels.clean_environ(), cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert child.communicate()[0] == f"{child.pid} {os.getpid()}\n"


def test_arguments_reach_the_command_as_they_are(hilt_run, installed):
    words = ["", " ", "a\nb", "--path", "--", "-m", "é\udcff", "*", "$HOME", '"']
    done = hilt_run(installed, "-c", "import sys; print(ascii(sys.argv[1:]))", *words)
    assert ast.literal_eval(done.stdout) == words


def test_scripts_and_modules_are_run_by_this_python(hilt_run, installed, tmp_path):
    (tmp_path / "app.py").write_text("import sys; print(sys.executable, sys.argv)")
    assert hilt_run("app.py", "-x").stdout == f"{installed} ['app.py', '-x']\n"
    assert hilt_run("--", "app.py").stdout == f"{installed} ['app.py']\n"
    assert hilt_run("-m", "app", "-x").stdout == f"{installed} ['{tmp_path}/app.py', '-x']\n"


def test_input_output_and_open_files_are_the_command_s(installed, tmp_path):
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as pipe:
        done = subprocess.run(
            [
                installed.with_name("hilt-run"),
                "sh",
                "-c",
                f"cat; echo error >&2; echo extra >/dev/fd/{writer}",
            ],
            input=b"in\xff\0put",
            env=wheels.clean_environ(),
            cwd=tmp_path,
            pass_fds=[writer],
            capture_output=True,
            check=True,
        )
        os.close(writer)
        assert (done.stdout, done.stderr, pipe.read()) == (b"in\xff\0put", b"error\n", b"extra\n")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads a process's signals from /proc")
def test_no_signal_is_ignored_on_our_account(hilt_run, run):
    signals = ("grep", "-E", "Sig(Blk|Ign|Cgt)", "/proc/self/status")
    assert hilt_run(*signals).stdout == run(sys.executable, "-c", REPLACE, *signals).stdout


REPLACE = """
import os, signal, sys
signal.signal(signal.SIGPIPE, signal.SIG_DFL), signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.parametrize("code", [0, 1, 2, 77, 255])
def test_the_exit_code_is_the_command_s(code, hilt_run):
    assert hilt_run("sh", "-c", f"exit {code}").returncode == code


def test_a_command_that_dies_of_a_signal_dies_of_it(hilt_run):
    assert hilt_run("sh", "-c", "kill -TERM $$").returncode == -signal.SIGTERM


def test_a_command_that_is_not_there_is_127(hilt_run):
    done = hilt_run("no-such-command", "x")
    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr == "hilt-run: no-such-command: No such file or directory\n"


def test_a_command_that_may_not_be_run_is_126(hilt_run, tmp_path):
    (tmp_path / "plain.txt").write_text("text")
    done = hilt_run("./plain.txt")
    assert (done.returncode, done.stdout) == (126, "")
    assert done.stderr == "hilt-run: ./plain.txt: Permission denied\n"
    (tmp_path / "folder").mkdir()
    assert hilt_run("./folder").returncode == 126


def test_a_script_without_a_shebang_is_run_by_the_shell(hilt_run, tmp_path):
    (tmp_path / "folder").mkdir()
    script = tmp_path / "folder" / "tool"
    script.write_text('echo "$0" "$@"; exit 3')
    script.chmod(0o755)
    done = hilt_run("tool", "a b", PATH=f"{script.parent}:/usr/bin:/bin")
    assert (done.returncode, done.stdout, done.stderr) == (3, f"{script} a b\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no command"),
        (["--"], "no command"),
        (["--chunks", "off"], "no command"),
        (["--chunk", "off", "ls"], f"unknown setting --chunk: not one of {OPTIONS} (did you mean --chunks?)"),
        (["-x", "ls"], f"unknown setting -x: not one of {OPTIONS}"),
        (["--chunks", "evry", "ls"], "--chunks='evry': not one of each, merged, off"),
        (["--path={x}", "ls"], f"--path='{{x}}': the field {{x}} is not one of {FIELDS}"),
        (["--user"], "--user needs a value"),
        (["--user=", "ls"], "--user needs a value"),
    ],
)
def test_a_wrong_command_line_exits_with_2(arguments, message, hilt_run):
    done = hilt_run(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"hilt-run: {message}\n{USAGE}")


def test_an_unknown_provider_is_refused_with_the_known_ones(hilt_run):
    done = hilt_run("--providers", "fakesd", "ls")
    assert done.returncode == 2
    assert "'fakesd' is not one of " in done.stderr
    assert "fakecloud.models, fakesdk" in done.stderr
    assert "(did you mean fakesdk?)" in done.stderr


def test_help_names_every_option_and_variable(hilt_run):
    done = hilt_run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(USAGE)
    assert all(option in done.stdout for option in OPTIONS.split(", "))
    assert "HILT_SESSION" in done.stdout
    assert all(len(line) <= 110 for line in done.stdout.splitlines())
    assert hilt_run("-h").stdout == done.stdout


def test_version_is_the_package_s(hilt_run, run, installed):
    version = run(installed, "-c", "import hilt_autolog; print(hilt_autolog.__version__)").stdout
    assert hilt_run("--version").stdout == f"hilt-run {version}"


def test_next_to_nothing_is_loaded_on_the_way(installed, run):
    """Python's own start aside: a command without options is executed within a millisecond."""
    program = """
import sys
before = set(sys.modules)
from hilt_autolog.launcher.run import main, os
sys.argv = ["hilt-run", sys.executable, "-c", "0"]
os.execvpe = lambda *_: print(sorted(set(sys.modules) - before))
main()
"""
    ours = [f"hilt_autolog{name}" for name in ("", ".launcher", ".launcher.interpreter", ".launcher.run")]
    assert run(installed, "-c", program).stdout == f"{['__future__', *ours]}\n"
