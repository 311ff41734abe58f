"""The findings of doctor on HILT_AUTOLOG and the start-up files, in real environments."""

from __future__ import annotations

import os
import shutil
import sys
from types import SimpleNamespace

import pytest

from hilt_autolog.cli.checks import entry_points
from tests.support import wheels

RUNS = ("ok", "they run in a new Python, which then waits for SDKs")
SHUT = ("problem", "they do not run in a new Python: HILT_AUTOLOG=1 and hilt-run record nothing")
ROOT = wheels.ROOT


# --- the variable


@pytest.mark.parametrize(
    ("value", "mark", "text"),
    [
        ("1", "ok", "HILT_AUTOLOG=1: each Python that is started in this environment records"),
        ("On", "ok", "HILT_AUTOLOG=On: each Python that is started in this environment records"),
        ("", "warning", "HILT_AUTOLOG is not set: only hilt-run and enable() record"),
        (None, "warning", "HILT_AUTOLOG is not set: only hilt-run and enable() record"),
        ("0", "problem", "HILT_AUTOLOG=0 switches enable() off too: only hilt-run records"),
        ("no", "problem", "HILT_AUTOLOG=no switches enable() off too: only hilt-run records"),
        (
            "oui",
            "problem",
            "HILT_AUTOLOG='oui': not one of 1, true, yes, on, 0, false, no, off; so it switches nothing on",
        ),
    ],
)
def test_the_variable(value, mark, text, monkeypatch):
    monkeypatch.delenv("HILT_AUTOLOG", raising=False)
    if value is not None:
        monkeypatch.setenv("HILT_AUTOLOG", value)
    assert [finding[:2] for finding in entry_points.check_entry_point()] == [(mark, text)]


@pytest.mark.parametrize(
    ("flag", "why"),
    [
        ("-E", "this Python runs with -I or -E and ignores environment variables"),
        ("-I", "this Python runs with -I or -E and ignores environment variables"),
        ("-S", "this Python runs with -S and no start-up files"),
    ],
)
def test_a_python_that_ignores_the_variable(flag, why, pristine, doctor):
    report = doctor(
        pristine,
        flag,
        "-m",
        "hilt_autolog",
        HILT_AUTOLOG="1",
        PYTHONPATH=str(wheels.site_packages(pristine)),
    )
    assert report.findings["entry point"] == [
        ("problem", f"HILT_AUTOLOG=1, but {why}: only enable() records")
    ]
    assert report.code == 1


def test_a_set_uid_process_ignores_the_variable(monkeypatch):
    monkeypatch.setenv("HILT_AUTOLOG", "1")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    why = "this process has other rights than the user who started it (set-uid)"
    assert [finding[:2] for finding in entry_points.check_entry_point()] == [
        ("problem", f"HILT_AUTOLOG=1, but {why}: only enable() records")
    ]


# --- the files


def test_files_as_they_were_installed(pristine, doctor):
    report = doctor(pristine, HILT_AUTOLOG="1")
    site = wheels.site_packages(pristine)
    sums = {
        f["facts"]["file"]: f["facts"]["sha256"] for f in report.whole["findings"] if "sha256" in f["facts"]
    }
    assert sorted(sums) == sorted(str(site / name) for name in entry_points.FILES)
    assert report.findings["start-up files"] == [
        *(("ok", f"{path} (SHA-256 {digest})") for path, digest in sums.items()),
        RUNS,
    ]
    assert report.code == 0


def test_a_file_that_is_missing(venv, doctor):
    file = wheels.site_packages(venv) / "hilt-autolog.pth"
    file.unlink()
    report = doctor(venv)
    assert report.findings["start-up files"][0] == ("warning", f"{file}: No such file or directory")
    assert report.findings["start-up files"][-1] == SHUT
    assert report.code == 1


def test_a_file_that_cannot_be_read(venv, doctor):
    file = wheels.site_packages(venv) / "hilt-autolog.pth"
    file.unlink()
    file.mkdir()
    assert doctor(venv).findings["start-up files"][0] == ("warning", f"{file}: Is a directory")


def test_a_file_that_somebody_has_changed(venv, doctor):
    file = wheels.site_packages(venv) / "hilt-autolog.pth"
    file.write_text(f"# mine\n{file.read_text()}")
    report = doctor(venv)
    mark, text = report.findings["start-up files"][0]
    digest = report.whole["findings"][1]["facts"]["sha256"]
    assert (mark, text) == ("warning", f"{file} is not what was installed; its SHA-256 is {digest}")
    assert report.findings["start-up files"][-1] == RUNS
    assert report.code == 0


def test_a_start_up_file_that_does_nothing(venv, doctor):
    file = wheels.site_packages(venv) / "_hilt_autolog_start.py"
    file.write_text("def run(): pass\n")
    assert doctor(venv).findings["start-up files"][-1] == (
        "problem",
        f"{file} runs in a new Python, but waits for no SDK",
    )


def test_a_start_up_file_that_fails(venv, doctor, tmp_path):
    (tmp_path / "shadow" / "hilt_autolog").mkdir(parents=True)
    (tmp_path / "shadow" / "hilt_autolog" / "__init__.py").write_text("1 / 0\n")
    shadow = str(tmp_path / "shadow")
    program = f"import sys; sys.path.remove({shadow!r}); from hilt_autolog.cli import main; sys.exit(main())"
    report = doctor(venv, "-c", program, PYTHONPATH=shadow)
    file = wheels.site_packages(venv) / "_hilt_autolog_start.py"
    assert report.findings["start-up files"][-1] == (
        "problem",
        f"{file} runs in a new Python, but fails: ZeroDivisionError: division by zero",
    )


def test_files_that_python_passes_over(venv, doctor, tmp_path):
    site = wheels.site_packages(venv)
    target = tmp_path / "target"  # as `pip install --target` lays it out
    target.mkdir()
    for path in site.glob("*hilt*"):
        shutil.move(path, target)
    report = doctor(venv, PYTHONPATH=str(target))
    assert report.findings["start-up files"] == [
        *(
            (
                "warning",
                f"{target / name} does not lie in a site-packages folder: Python passes it over",
            )
            for name in entry_points.FILES
        ),
        SHUT,
    ]


@pytest.mark.parametrize(
    ("found", "hidden"),
    [
        (SimpleNamespace(st_flags=0x8000), True),  # UF_HIDDEN on macOS
        (SimpleNamespace(st_flags=0x40), False),
        (SimpleNamespace(st_file_attributes=0x2), True),  # FILE_ATTRIBUTE_HIDDEN on Windows
        (SimpleNamespace(st_file_attributes=0x20), False),
        (SimpleNamespace(), False),
    ],
)
def test_the_flag_that_hides_a_file(found, hidden):
    assert entry_points.is_hidden(found) is hidden


def test_a_hidden_file(monkeypatch, tmp_path):
    file = tmp_path / "hilt-autolog.pth"
    file.write_text("import _hilt_autolog_start; _hilt_autolog_start.run()\n")
    monkeypatch.setattr(entry_points, "is_hidden", lambda _: True)
    assert entry_points._file(file, None)[:2] == (
        "warning",
        f"{file} is hidden: Python passes it over from 3.12 on (chflags nohidden)",
    )


def test_a_package_that_is_not_installed(doctor, tmp_path):
    python = wheels.environment(tmp_path / "empty")
    report = doctor(python, PYTHONPATH=str(ROOT))
    assert report.findings["start-up files"] == [
        ("warning", f"hilt-autolog is not installed for {python}: it runs from its source"),
        SHUT,
    ]


def test_another_copy_of_the_package_than_new_programs_get(venv, doctor):
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from hilt_autolog.cli import main; sys.exit(main())"
    )
    installed = wheels.site_packages(venv) / "hilt_autolog" / "instrumentation" / "import_hook.py"
    other = ROOT / "hilt_autolog" / "instrumentation" / "import_hook.py"
    assert doctor(venv, "-c", program).findings["start-up files"][-2:] == [
        RUNS,
        ("warning", f"a new Python takes hilt_autolog from {installed}, not {other}"),
    ]


def test_a_python_that_cannot_be_started_again(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    mark, text, _ = list(entry_points.check_startup_files())[-1]
    assert (mark, text.partition(": ")[0]) == ("problem", f"{tmp_path / 'gone'} cannot be tried")
    assert "No such file or directory" in text


def test_a_python_that_says_nothing_when_it_is_started(venv, doctor):
    (wheels.site_packages(venv) / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if 'doctor' not in sys.orig_argv:\n"
        "    print('not today', file=sys.stderr)\n"
        "    os._exit(3)\n"
    )
    report = doctor(venv)
    assert report.findings["start-up files"][-1] == ("problem", f"{venv} cannot be tried: not today")
    assert report.findings["SDKs"][-1] == ("problem", "openai cannot be imported: not today")
