"""The command that runs the tests against every line of SDK versions."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from hilt_autolog.providers import sdks
from tests import matrix

ROOT = Path(__file__).parent.parent
OF_READING = {"analytics", "cli", "converters", "examples", "log", "pricing", "reading", "session", "sinks"}


def test_every_sdk_is_installed():
    """In every line, by the extra `dev`; some under a name that is not quite their module's."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asked = [re.match(r"[\w-]+", one)[0] for extra in extras.values() for one in extra]
    for sdk in sdks():
        assert any(name.startswith(re.sub("[._]", "-", sdk)) for name in asked), sdk


def test_all_tests_of_capturing_are_run():
    """The folders that are left out need no SDK, or the newest."""
    areas = {path.name for path in (ROOT / "tests").iterdir() if any(path.glob("test_*.py"))}
    assert {f"tests/{area}" for area in areas - OF_READING} == set(matrix.AREAS)


def test_a_line_is_named_after_what_it_installs():
    for line, requirements in matrix.LINES.items():
        name, _, version = line.rpartition("-")
        assert not name or requirements == f"{name}=={version}.*"


def test_a_line_that_is_not_in_the_table():
    command = [sys.executable, ROOT / "tests" / "matrix.py", "C", "openai-0.28"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"no such line: openai-0.28; there are {', '.join(matrix.LINES)}\n"


def test_a_test_that_could_not_be_set_up_has_failed(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text('<testsuites><testsuite tests="9" failures="1" errors="2" skipped="3"/></testsuites>')
    assert matrix.counted(report) == {"passed": 3, "failed": 3, "skipped": 3}


@pytest.mark.parametrize(
    ("counts", "code"),
    [
        ({"passed": 3}, 0),
        ({"passed": 3, "skipped": 1}, 0),
        ({"passed": 3, "failed": 1}, 1),
        ({"skipped": 3}, 1),  # nothing was tried
    ],
)
def test_the_table_and_the_exit_code(counts, code, monkeypatch, capsys):
    monkeypatch.setattr(matrix, "outcome", lambda _: matrix.Counter(counts))
    assert matrix.main(["D"]) == code
    header, row = capsys.readouterr().out.strip().splitlines()
    assert header.split() == ["line", "passed", "failed", "skipped"]
    assert row.split() == ["D", *(str(counts.get(name, 0)) for name in header.split()[1:])]


def test_ci_knows_its_line_and_the_readme_s_commands():
    ci = ROOT / ".ci" / "run"
    if not ci.exists():
        pytest.skip("a source distribution has no .ci")
    text, readme = ci.read_text(), (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"matrix\.py (\S+)", text)) <= set(matrix.LINES)
    for marker in re.findall(r"^readme (\w+)$", text, re.MULTILINE):
        assert re.search(rf"^<!-- {marker} -->\n+```\w*\n[^`]+\n```$", readme, re.MULTILINE), marker
