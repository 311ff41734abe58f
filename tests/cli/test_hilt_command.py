"""The command `hilt` as such: help, versions, usage errors, output on a pipe, a file and a terminal."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys

import pytest

from hilt_autolog import __version__
from hilt_autolog.cli import COMMANDS
from hilt_autolog.cli.checks import ok, problem, warning
from hilt_autolog.cli.commands import doctor as doctor_command
from tests.support import wheels
from tests.support.terminal import screen_of

HILT = (sys.executable, "-m", "hilt_autolog")


def hilt(*words: object, folder=wheels.ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    return wheels.run([*HILT, *words], folder, PYTHONPATH=str(wheels.ROOT), **variables)


# --- words


def test_help_names_every_command_in_a_line():
    done = hilt("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for name, meaning in COMMANDS.items():
        assert re.search(rf"^ +{name} +{re.escape(meaning)}$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("words", [[], ["-h"], ["help"]])
def test_other_words_for_help(words):
    assert hilt(*words).stdout == hilt("--help").stdout
    assert hilt("help", "doctor").stdout == hilt("doctor", "--help").stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_s_help_names_its_options(command):
    done = hilt(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: hilt {command} ")
    assert "--json" in done.stdout or command in ("completion", "docs")


def test_the_version():
    done = hilt("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"hilt {__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["doctro"], "hilt: error: there is no command 'doctro' (did you mean doctor?)"),
        (["xyz"], "hilt: error: there is no command 'xyz': choose one of tail, show"),
        (["doctor", "--jason"], "hilt doctor: error: unrecognized arguments: --jason"),
        (["doctor", "--js"], "hilt doctor: error: unrecognized arguments: --js"),
        (["doctor", "me"], "hilt doctor: error: unrecognized arguments: me"),
        (["--nonsense"], "hilt: error: the following arguments are required: COMMAND"),
    ],
)
def test_words_that_are_not_understood(words, complaint):
    done = hilt(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: hilt ")
    assert done.stderr.splitlines()[-1].startswith(complaint)


def test_the_script_is_the_module(pristine, folder):
    for command in ([pristine.parent / "hilt"], [pristine, "-m", "hilt_autolog"]):
        done = subprocess.run([*command, "--version"], cwd=folder, capture_output=True, text=True, check=True)
        assert done.stdout == f"hilt {__version__}\n"


# --- weight


def test_help_loads_nothing_of_others():
    program = (
        "import sys\nfrom hilt_autolog.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names))"
    )
    environ = wheels.clean_environ(PYTHONPATH=str(wheels.ROOT))
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True
    )
    own = {"__main__", "hilt_autolog", "_hilt_autolog_start"}
    others = set(json.loads(done.stdout.splitlines()[-1].replace("'", '"'))) - own
    # What the start-up files of other packages load is there without us.
    bare = "import sys; print([name.partition('.')[0] for name in sys.modules])"
    before = subprocess.run(
        [sys.executable, "-c", bare], env=environ, capture_output=True, text=True, check=True
    )
    assert others - set(json.loads(before.stdout.replace("'", '"'))) == set()


def test_help_costs_40_ms_at_most():
    def cpu(*command: str) -> float:
        costs = []
        for _ in range(7):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, cwd=wheels.ROOT, capture_output=True, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            costs.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return min(costs)

    assert cpu(*HILT, "--help") - cpu(sys.executable, "-c", "pass") < 0.040


# --- doctor's report


def test_the_report_for_machines(pristine, doctor):
    report = doctor(pristine, HILT_AUTOLOG="1").whole
    assert list(report) == ["hilt_autolog", "python", "problems", "findings"]
    assert report["hilt_autolog"] == __version__
    assert list(report["python"]) == ["version", "executable"]
    assert report["python"]["executable"] == str(pristine)
    assert report["problems"] == 0
    for finding in report["findings"]:
        assert list(finding) == ["topic", "mark", "text", "facts"]
        assert finding["mark"] in ("ok", "warning", "problem")
        assert isinstance(finding["facts"], dict)
    assert list(dict.fromkeys(finding["topic"] for finding in report["findings"])) == list(
        doctor_command.CHECKS
    )


def test_the_report_for_people(pristine, folder, doctor):
    findings = doctor(pristine, HILT_AUTOLOG="1").findings
    variables = wheels.clean_environ(HILT_AUTOLOG="1")
    command = [pristine.parent / "hilt", "doctor"]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    first, *rest = done.stdout.splitlines()
    assert re.fullmatch(rf"hilt-autolog {__version__}, Python 3\.\d+\.\S+ \({pristine}\)", first)
    expected = []
    for topic, found in findings.items():
        expected += ["", topic, *(f"  {mark:<8} {text}" for mark, text in found)]
    assert rest == [*expected, "", "nothing keeps calls out of the log"]
    assert (done.returncode, done.stderr) == (0, "")
    assert list(folder.iterdir()) == []


def test_the_verdict_counts_the_problems():
    report = {"a": [ok("x"), problem("y"), warning("z")]}
    assert doctor_command.report_text(report).endswith("\n\n1 problem keeps calls out of the log")
    report["b"] = [problem("again")]
    assert doctor_command.report_text(report).endswith("\n\n2 problems keep calls out of the log")
    assert doctor_command.report_json(report)["problems"] == 2


def test_a_failing_check_is_a_problem_and_the_others_run(monkeypatch):
    def fails():
        yield ok("so far")
        raise LookupError("and no further")

    monkeypatch.setattr(doctor_command, "CHECKS", {"a": fails, "b": lambda: [ok("fine")]})
    assert doctor_command.run_checks() == {
        "a": [ok("so far"), problem("cannot be examined: LookupError: and no further")],
        "b": [ok("fine")],
    }


@pytest.mark.parametrize(
    ("path", "problems"),
    [
        ("logs/{pid}.jsonl", ["logs/{pid}.jsonl cannot be written: No such file or directory"]),
        ("{kept}/{{pid}}.jsonl", []),
    ],
)
def test_a_folder_that_has_been_removed(path, problems, pristine, tmp_path, folder):
    gone = tmp_path / "gone"
    gone.mkdir()
    program = (
        f"import os, runpy; os.rmdir({str(gone)!r}); runpy.run_module('hilt_autolog', run_name='__main__')"
    )
    path = path.format(kept=folder) if "kept" in path else path
    done = subprocess.run(
        [pristine, "-c", program, "doctor"],
        cwd=gone,
        env=wheels.clean_environ(HILT_PATH=path),
        capture_output=True,
        text=True,
        check=False,
    )
    found = [line for line in done.stdout.splitlines() if line.startswith("  problem")]
    assert found == [f"  problem  {problem}" for problem in problems]
    assert (done.returncode, done.stderr) == (len(problems), "")


# --- where it is printed


def test_control_characters_and_unprintable_characters_are_escaped(pristine, tmp_path):
    odd = os.fsdecode(b"caf\xc3\xa9-\x1b[31m-\xff")
    (tmp_path / odd).mkdir()
    variables = wheels.clean_environ(PYTHONIOENCODING="ascii", HILT_PATH="x.jsonl")
    command = [pristine, "-m", "hilt_autolog", "doctor"]
    done = subprocess.run(command, cwd=tmp_path / odd, env=variables, capture_output=True, check=False)
    assert done.stderr == b""
    assert b"/caf\\xe9-\\x1b[31m-\\udcff/x.jsonl can be written\n" in done.stdout


def test_a_reader_that_leaves_early(pristine, folder):
    reading, writing = os.pipe()
    os.close(reading)
    command = [pristine, "-m", "hilt_autolog", "doctor"]
    done = subprocess.run(
        command,
        cwd=folder,
        env=wheels.clean_environ(),
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize(
    ("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colours_on_a_terminal_only(variables, coloured, pristine, folder):
    command = [pristine, "-m", "hilt_autolog", "doctor"]
    screen = screen_of(command, folder, wheels.clean_environ(**{"TERM": "xterm", **variables}))
    assert (b"\x1b[32mok      \x1b[0m" in screen, b"\x1b[33mwarning \x1b[0m" in screen) == (
        coloured,
        coloured,
    )
    assert (b"\x1b" in screen) is coloured
