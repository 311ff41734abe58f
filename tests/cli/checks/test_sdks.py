"""The findings of doctor on the SDKs: a fake openai in every state, and the real one."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

from hilt_autolog.cli.checks import run_python
from tests.support import fake_openai, wheels

WATCHED = ("ok", "openai is watched, by all 6 functions")


def missing(*functions: str) -> str:
    return ", ".join(f"openai.{function}" for function in functions)


def test_an_sdk_that_is_watched(pristine, doctor):
    assert doctor(pristine).findings["SDKs"] == [("ok", "openai 3.54.0"), WATCHED]


@pytest.mark.parametrize(
    ("version", "mark", "text"),
    [
        ("1.40.0rc1", "ok", "openai 1.40.0rc1"),
        (
            "1.39.4",
            "warning",
            "openai 1.39.4 is older than 1.40, the oldest that is tested: best effort",
        ),
        ("1.12", "warning", "openai 1.12 is older than 1.40, the oldest that is tested: best effort"),
        ("1.9.0", "warning", "openai 1.9.0 is older than 1.12: not supported"),
        (None, "warning", "openai has no known version"),
    ],
)
def test_an_sdk_of_another_age(version, mark, text, venv, doctor):
    (wheels.site_packages(venv) / "lent.pth").unlink()  # there is a real openai behind it
    fake_openai.install(venv, version)
    assert doctor(venv).findings["SDKs"][0] == (mark, text)


def test_an_sdk_that_lacks_a_function(venv, doctor):
    lacking = fake_openai.FUNCTIONS[2:4]
    fake_openai.install(venv, lacking=lacking)
    report = doctor(venv)
    assert report.findings["SDKs"][1] == (
        "warning",
        f"not watched, because this openai has no such function: {missing(*lacking)}",
    )
    assert report.code == 0
    (watching,) = (one["facts"]["watching"] for one in report.whole["findings"] if "watching" in one["facts"])
    assert watching == {f"openai.{function}": function not in lacking for function in fake_openai.FUNCTIONS}


def test_an_sdk_that_lacks_them_all(venv, doctor):
    package = fake_openai.install(venv, lacking=fake_openai.FUNCTIONS)
    report = doctor(venv)
    assert report.findings["SDKs"][1] == (
        "problem",
        f"nothing of openai is watched: {package / '__init__.py'} has no {missing(*fake_openai.FUNCTIONS)}",
    )
    assert report.code == 1


def test_a_module_of_the_program_that_shadows_an_sdk(pristine, doctor, folder):
    (folder / "openai.py").write_text("print('not the one you think')\n")
    assert doctor(pristine).findings["SDKs"][1] == (
        "problem",
        f"nothing of openai is watched: {folder / 'openai.py'} has no {missing(*fake_openai.FUNCTIONS)}",
    )


def test_an_sdk_that_cannot_be_imported(venv, doctor):
    package = fake_openai.install(venv)
    (package / "__init__.py").write_text("import nowhere\n")
    assert doctor(venv).findings["SDKs"][1] == (
        "problem",
        "openai cannot be imported: ModuleNotFoundError: No module named 'nowhere'",
    )


def test_what_we_need_ourselves_is_missing(venv, doctor):
    (wheels.site_packages(venv) / "lent.pth").unlink()
    mark, text = doctor(venv).findings["SDKs"][1]
    assert mark == "problem"
    assert text.startswith("openai cannot be watched, our own code fails: ModuleNotFoundError at ")


def test_no_sdk(venv, doctor):
    site = wheels.site_packages(venv)
    (site / "lent.pth").unlink()
    for path in site.glob("openai*"):
        shutil.rmtree(path)
    report = doctor(venv)
    assert report.findings["SDKs"] == [
        ("problem", "none of the SDKs that are watched is installed: openai"),
        ("ok", "openai is not installed"),
    ]
    assert report.code == 1


def test_an_sdk_that_the_settings_leave_out(venv, doctor):
    providers = wheels.site_packages(venv) / "hilt_autolog" / "providers"
    with (providers / "__init__.py").open("a", encoding="utf-8") as table:
        table.write('PROVIDERS |= {"fakecloud.models": "fakecloud"}\n')
    report = doctor(venv, HILT_PROVIDERS="fakecloud.models")
    assert report.findings["SDKs"] == [
        ("problem", "providers=fakecloud.models, but only openai is installed"),
        ("ok", "fakecloud.models is not installed"),
        ("warning", "openai is installed, but left out by providers=fakecloud.models"),
    ]
    assert doctor(venv, HILT_PROVIDERS="openai").findings["SDKs"] == [
        ("ok", "openai 3.54.0"),
        WATCHED,
        ("ok", "fakecloud.models is not installed"),
    ]


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
def test_the_real_sdk_has_them_all(sdk):
    pytest.importorskip(sdk)
    environ = wheels.clean_environ(PYTHONPATH=os.pathsep.join([str(wheels.ROOT), *sys.path]))
    result = run_python(["-m", "hilt_autolog.cli.checks.probes", sdk], environ)
    assert result["watching"].keys() >= {f"{sdk}.{function}" for function in fake_openai.FUNCTIONS}
    assert set(result["watching"].values()) == {True}
    assert result["faults"] == {}
