from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import pytest

from hilt_autolog import cli
from tests.support import fake_openai, wheels

if TYPE_CHECKING:
    from pathlib import Path


class Report(NamedTuple):
    """The output of `hilt doctor --json`: exit code, whole report, and findings as (mark, text) by topic."""

    code: int
    whole: dict
    findings: dict[str, list[tuple[str, str]]]


Doctor = Callable[..., Report]


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel, what it needs, and a fake openai 3.54.0.

    The providers of other SDKs are removed: these tests are not about them.
    """
    folder = tmp_path_factory.mktemp("pristine")
    python = wheels.environment(folder / "venv")
    wheels.install(wheels.wheel(wheels.source(folder / "source"), folder), python)
    wheels.lend_dependencies(python)
    fake_openai.install(python)
    providers = wheels.site_packages(python) / "hilt_autolog" / "providers"
    with (providers / "__init__.py").open("a", encoding="utf-8") as table:
        table.write('PROVIDERS = {"openai": "openai"}\n')
    return python


@pytest.fixture
def venv(pristine: Path, tmp_path: Path) -> Path:
    """The Python of a copy of that environment, which the test may spoil."""
    home = shutil.copytree(pristine.parent.parent, tmp_path / "venv", symlinks=True)
    return home / pristine.relative_to(pristine.parent.parent)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The empty folder that commands run in."""
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


@pytest.fixture
def doctor(folder: Path) -> Doctor:
    """Run `hilt doctor --json` in a clean environment, and read it."""

    def run(python: Path, *command: str, **variables: str) -> Report:
        words = [python, *(command or ("-m", "hilt_autolog")), "doctor", "--json"]
        done = wheels.run(words, folder, **variables)
        assert done.stderr == ""
        whole = json.loads(done.stdout)
        findings: dict[str, list[tuple[str, str]]] = {}
        for finding in whole["findings"]:
            findings.setdefault(finding["topic"], []).append((finding["mark"], finding["text"]))
        return Report(done.returncode, whole, findings)

    return run


class Said(NamedTuple):
    """What a command did: its exit code, and the lines on stdout and stderr."""

    code: int
    out: list[str]
    err: list[str]


Hilt = Callable[..., Said]


@pytest.fixture
def hilt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Hilt]:
    """Run a command in this process, in an empty folder, with stdout and stderr that are no terminals."""
    for name in os.environ:
        if name.startswith("HILT_") or name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "PAGER"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> Said:
        code = cli.main(list(map(str, words)))
        out, err = capsys.readouterr()
        return Said(code, out.splitlines(), err.splitlines())

    yield run
    monkeypatch.undo()
    time.tzset()
