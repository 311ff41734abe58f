"""hilt-run and a Python that is not its own: the program runs, and one line says what is missing."""

from __future__ import annotations

import shutil
import sys

import pytest

from hilt_autolog.launcher.interpreter import python_of, why_not_recorded

PROGRAM = "import sys; print('ran', *sys.argv[1:]); sys.exit(4)"


@pytest.fixture
def hilt_run(installed, run):
    def start(*arguments, **variables):
        return run(installed.with_name("hilt-run"), *arguments, **variables)

    return start


@pytest.fixture
def script(tmp_path):
    """Write an executable script."""

    def write(text: str, name: str = "tool") -> str:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
        return str(file)

    return write


def missing(python: object, pip: object = None) -> str:
    return (
        f"hilt-run: hilt-autolog is not installed for {python}: nothing will be recorded"
        f" ({pip or python} -m pip install hilt-autolog)\n"
    )


def test_a_python_without_the_package_runs_and_is_warned_about(hilt_run, bare):
    done = hilt_run(bare, "-c", PROGRAM, "a b")
    assert (done.returncode, done.stdout, done.stderr) == (4, "ran a b\n", missing(bare))


def test_the_python_on_the_path_is_named_as_typed(hilt_run, bare):
    done = hilt_run("python", "-c", PROGRAM, PATH=str(bare.parent))
    assert (done.returncode, done.stdout, done.stderr) == (4, "ran\n", missing(bare, "python"))


@pytest.mark.parametrize(
    "first_lines",
    [
        "#!{python}\n",
        "#! {python} -s\n",
        "#!/usr/bin/env python3\n",
        "#!/usr/bin/env -S PYTHONUTF8=1 python3 -u\n",
        "#!/bin/sh\n'''exec' {python} \"$0\" \"$@\"\n' '''\n",
        "#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n",
    ],
)
def test_a_script_s_python_is_found_by_its_first_line(first_lines, hilt_run, bare, script):
    tool = script(first_lines.format(python=bare) + PROGRAM)
    python3 = bare.with_name("python3") if "env" in first_lines else bare
    pip = "python3" if "env" in first_lines else "python"
    done = hilt_run(tool, "x", PATH=f"{bare.parent}:/usr/bin:/bin")
    assert (done.returncode, done.stdout, done.stderr) == (4, "ran x\n", missing(python3, pip))


def test_a_python_with_the_package_gives_no_warning(hilt_run, installed, tmp_path):
    copy = shutil.copytree(installed.parent.parent, tmp_path / "other", symlinks=True)
    done = hilt_run(copy / "bin" / "python", "-c", PROGRAM)
    assert (done.returncode, done.stdout, done.stderr) == (4, "ran\n", "")


def test_a_package_without_its_start_up_file_counts_as_missing(hilt_run, installed, tmp_path):
    copy = shutil.copytree(installed.parent.parent, tmp_path / "other", symlinks=True)
    for file in copy.rglob("hilt-autolog.*"):
        file.unlink()
    python = copy / "bin" / "python"
    assert hilt_run(python, "-c", PROGRAM).stderr == missing(python)


@pytest.mark.parametrize("name", ["python", "python3"])
def test_our_own_environment_is_not_asked(name, hilt_run, installed, script, tmp_path):
    script("open('starts', 'a').write('x')", "sitecustomize.py")
    done = hilt_run(installed.with_name(name), "-c", PROGRAM, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (4, "")
    assert (tmp_path / "starts").read_text() == "xx"  # hilt-run and the program


@pytest.mark.parametrize(
    ("options", "flag"),
    [
        (["-I"], "-I"),
        (["-sE"], "-E"),
        (["-Xdev", "-S"], "-S"),
        (["-X", "dev", "-W", "error", "-BIc"], "-I"),
        (["--check-hash-based-pycs", "always", "-E"], "-E"),
    ],
)
def test_a_flag_that_shuts_us_out_is_named(options, flag, hilt_run, installed):
    rest = [] if options[-1].endswith("c") else ["-c"]
    done = hilt_run(installed, *options, *rest, PROGRAM)
    reason = f"{installed} {flag} disables hilt-autolog"
    line = f"{reason}: nothing will be recorded unless the program calls enable()"
    assert (done.returncode, done.stdout, done.stderr) == (4, "ran\n", f"hilt-run: {line}\n")


@pytest.mark.parametrize(
    "options", [["-c", PROGRAM, "-I"], ["-XI", "-c", PROGRAM], ["-WE", "-c", PROGRAM], ["-uc", PROGRAM, "-S"]]
)
def test_a_letter_in_an_argument_is_no_flag(options, hilt_run, installed):
    assert "hilt-run:" not in hilt_run(installed, *options).stderr


def test_a_script_s_own_flag_is_named_too(hilt_run, installed, script):
    done = hilt_run(script(f"#!{installed} -I\n{PROGRAM}"))
    assert done.stdout == "ran\n"
    assert "-I disables hilt-autolog" in done.stderr


@pytest.mark.parametrize("command", [["sh", "-c", "exit 4"], ["env", "sh", "-c", "exit 4"]])
def test_what_is_not_python_is_not_asked(command, hilt_run):
    done = hilt_run(*command)
    assert (done.returncode, done.stderr) == (4, "")


@pytest.mark.parametrize(
    ("name", "is_python"),
    [
        ("python", True),
        ("python3", True),
        ("python3.13t", True),
        ("pypy3.11", True),
        ("python.exe", True),
        ("pythonw", True),
        ("python3-config", False),
        ("pythonista", False),
        ("ipython", False),
        ("sh", False),
    ],
)
def test_python_is_known_by_its_name(name, is_python, script):
    tool = script("#!/bin/sh\n", name)
    assert (python_of([tool, "-V"], {}) is not None) == is_python


@pytest.mark.parametrize(
    "text", ["", "#!", "#!/usr/bin/env", "#!/usr/bin/env -S", "\x7fELF\0\0", "#!/no/python3\n"]
)
def test_a_first_line_that_says_nothing_says_nothing(text, script):
    assert why_not_recorded([script(text)], {"PATH": "/usr/bin"}) is None


def test_a_python_that_cannot_answer_is_not_accused(script):
    assert why_not_recorded([script("#!/bin/sh\nexit 1\n", "python3")], {}) is None
    assert why_not_recorded([script("no program at all", "python3")], {}) is None


def test_the_same_python_is_ours_without_a_virtual_environment(monkeypatch):
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    monkeypatch.setattr(
        "hilt_autolog.launcher.interpreter._has_startup_files", lambda *_: pytest.fail("was asked")
    )
    assert why_not_recorded([sys.executable, "-c", "0"], {}) is None


def test_a_renamed_interpreter_in_our_virtual_environment_is_ours(monkeypatch, script):
    monkeypatch.setattr(
        "hilt_autolog.launcher.interpreter._has_startup_files", lambda *_: pytest.fail("was asked")
    )
    monkeypatch.setattr(sys, "executable", script("", "python"))
    monkeypatch.setattr(sys, "base_prefix", "/elsewhere")
    assert why_not_recorded([script("", "python3")], {}) is None
