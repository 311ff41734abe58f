"""hilt doctor --coverage: of the SDKs that are installed here, and of a fake one in every state."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from hilt_autolog.cli import main
from hilt_autolog.cli.checks.coverage import (
    MODES,
    OperationCoverage,
    SdkCoverage,
    coverage_table,
    declared_operations,
)
from hilt_autolog.cli.checks.probes import declared_coverage
from hilt_autolog.providers import sdks
from tests.support import fake_openai, wheels

GONE = {"anthropic": {"completions"}}  # what the newest versions do not offer any more
ALL = dict.fromkeys(MODES, True)


def covering(python, *options, cwd):
    done = wheels.run([python, "-m", "hilt_autolog", "doctor", "--coverage", *options], cwd)
    assert done.stderr == ""
    return done.returncode, done.stdout


def operations(package, *names):
    """Let the fake package offer these: modules of its resources."""
    for name in names:
        module = package.joinpath("resources", *name.split(".")).with_suffix(".py")
        module.parent.mkdir(parents=True, exist_ok=True)
        module.touch()


@pytest.mark.parametrize("sdk", sorted(sdks()))
def test_every_provider_says_what_it_covers(sdk):
    probes = {probe for one in declared_coverage(sdk) for probe in one.targets}
    assert probes
    assert all(probe.module.partition(".")[0] == sdk.partition(".")[0] for probe in probes)
    rows = declared_operations(sdk)
    assert len({row.operation for row in rows}) == len(rows)
    for row in rows:
        assert row.modes["sync"] or row.modes["async"]
        assert set(row.modes.values()) <= {True, None}


def test_the_sdks_that_are_installed_here_have_it_all(capsys):
    """Their newest versions; the matrix has the others."""
    assert main(["doctor", "--coverage", "--json"]) == 0
    coverage = {sdk["sdk"]: sdk for sdk in json.loads(capsys.readouterr().out)}
    assert coverage.keys() == sdks()
    for name, sdk in coverage.items():
        if sdk["version"] is None:
            pytest.skip(f"needs {name}")
        assert re.match(r"\d+\.\d", sdk["version"])
        assert sdk["operations"] == [
            {"operation": row.operation, "offered": row.operation not in GONE.get(name, ()), **row.modes}
            for row in declared_operations(name)
        ]


def test_a_function_that_this_version_lacks(venv, folder):
    operations(
        fake_openai.install(venv, lacking=fake_openai.FUNCTIONS[2:4]), "chat.completions", "embeddings"
    )
    code, output = covering(venv, cwd=folder)
    assert code == 0
    lines = output.splitlines()
    assert [line.split() for line in lines[:2]] == [
        ["SDK", "operation", "sync", "async", "stream", "raw"],
        ["openai", "3.54.0", "chat.completions", "yes", "yes", "yes", "no"],
    ]
    assert lines[2].split() == ["responses", "not", "in", "this", "version"]
    (embeddings,) = (line.split() for line in lines if "embeddings" in line)
    assert embeddings == ["embeddings", "yes", "yes", "-", "no"]


def test_an_sdk_that_cannot_be_imported(venv, folder):
    (fake_openai.install(venv) / "__init__.py").write_text("import nowhere\n")
    code, output = covering(venv, cwd=folder)
    assert code == 1
    trouble = "ChildProcessError: ModuleNotFoundError: No module named 'nowhere'"
    assert re.search(rf"^openai 3\.54\.0 +cannot be examined: {re.escape(trouble)}$", output, re.MULTILINE)
    assert json.loads(covering(venv, "--json", cwd=folder)[1]) == [
        {"sdk": "openai", "version": "3.54.0", "trouble": trouble, "operations": []}
    ]


def test_what_we_need_ourselves_is_missing(venv, folder):
    (wheels.site_packages(venv) / "lent.pth").unlink()
    code, output = covering(venv, cwd=folder)
    assert code == 1
    assert re.search(
        r"^openai 3\.54\.0 +cannot be examined: our own code fails: Module", output, re.MULTILINE
    )


def test_the_table():
    rows = [
        OperationCoverage("chat", ALL),
        OperationCoverage("images", ALL | {"stream": None, "raw": False}),
        OperationCoverage("sound", ALL, False),
    ]
    sdks = [SdkCoverage("a", "1.0", rows), SdkCoverage("b.c", None, rows), SdkCoverage("d", "", rows[:1])]
    assert coverage_table(sdks).splitlines()[:-2] == [
        "SDK    operation  sync    async   stream  raw",
        "a 1.0  chat       yes     yes     yes     yes",
        "       images     yes     yes     -       no",
        "       sound      not in this version",
        "b.c    not installed",
        "d      chat       yes     yes     yes     yes",
    ]


def test_a_distribution_of_another_name():
    pytest.importorskip("perplexity")
    program = "from hilt_autolog.cli.checks.sdks import version_of; print(version_of('perplexity'))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"\d+\.\d+\S*\n", done.stdout)
