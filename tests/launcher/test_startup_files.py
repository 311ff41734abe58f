"""What the wheel puts at the root of site-packages, and that it goes again."""

from __future__ import annotations

import ast
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support import wheels

if TYPE_CHECKING:
    from pathlib import Path

STARTUP = wheels.ROOT / "hilt_autolog" / "launcher" / "startup"
ROOT_FILES = ["_hilt_autolog_start.py", "hilt-autolog.pth", "hilt-autolog.start"]
FINDERS = (
    "import sys; "
    "print([type(f).__module__ for f in sys.meta_path].count('hilt_autolog.instrumentation.import_hook'))"
)


def calls(lines: list[str]) -> list[tuple[str, ...]]:
    """Read the one call of a .pth file's `import module; module.function()`, or of a .start file."""
    found: list[tuple[str, ...]] = []
    for line in lines:
        if line.startswith("#"):
            continue
        if not line.startswith("import "):
            found.append(tuple(line.split(":")))
            continue
        imported, call = ast.parse(line).body
        assert isinstance(imported, ast.Import)
        assert isinstance(call, ast.Expr)
        assert isinstance(call.value, ast.Call)
        assert not call.value.args
        assert not call.value.keywords
        module, _, function = ast.unparse(call.value.func).rpartition(".")
        assert [name.name for name in imported.names] == [module]
        found.append((module, function))
    return found


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if not path.is_dir())


def test_both_start_up_files_make_one_and_the_same_call():
    for name in ("hilt-autolog.pth", "hilt-autolog.start"):
        assert calls((STARTUP / name).read_text().splitlines()) == [("_hilt_autolog_start", "run")]


@pytest.mark.parametrize("name", ["hilt-autolog.pth", "hilt-autolog.start"])
def test_a_start_up_file_is_plain(name):
    text = (STARTUP / name).read_text(encoding="ascii")
    assert text.endswith("\n")
    assert all(len(line) < 80 for line in text.splitlines())
    assert not any(word in text for word in ("exec", "eval", "base64", "__import__", "compile"))


def test_the_startup_module_is_short_and_imports_nothing():
    text = (STARTUP / "_hilt_autolog_start.py").read_text()
    assert len(text.splitlines()) < 60
    top = [node for node in ast.parse(text).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert top == []


def test_the_wheel_has_the_reference(built):
    folder = wheels.ROOT / "hilt_autolog" / "docs"
    pages = {f"hilt_autolog/docs/{page.name}" for page in folder.glob("*.md")}
    assert pages
    assert pages <= {*zipfile.ZipFile(built).namelist()}


def test_the_wheel_has_three_startup_files_at_its_root_only(built):
    names = zipfile.ZipFile(built).namelist()
    assert sorted(name for name in names if "/" not in name) == ROOT_FILES
    assert [name for name in names if "startup" in name or name.endswith((".pth", ".start"))] == ROOT_FILES[
        1:
    ]


def test_uninstalling_leaves_no_file(built, tmp_path, run):
    python = wheels.environment(tmp_path / "venv")
    before = files(tmp_path)
    wheels.install(built, python)
    assert run(python, "-c", FINDERS, HILT_AUTOLOG="1").stdout == "1\n"
    assert all((wheels.site_packages(python) / name).is_file() for name in ROOT_FILES)
    wheels.pip(python, "uninstall", "-y", "hilt-autolog")
    assert files(tmp_path) == before


def test_an_editable_install_has_them_too_and_follows_the_source(tmp_path, run):
    python = wheels.environment(tmp_path / "venv")
    wheels.lend_dependencies(python)
    source = wheels.source(tmp_path / "source")
    project = source / "pyproject.toml"
    wheel = "[tool.hatch.build.targets.wheel]\n"
    project.write_text(
        project.read_text().replace(wheel, f'{wheel}dev-mode-dirs = ["."]\n')
    )  # without `editables`
    wheels.pip(python, "install", "--no-index", "--no-deps", "--no-build-isolation", "-e", str(source))
    assert run(python, "-c", FINDERS, HILT_AUTOLOG="1").stdout == "1\n"
    with (source / "hilt_autolog" / "providers" / "__init__.py").open("a") as providers:
        providers.write('PROVIDERS["newcomer"] = "newcomer"\n')
    see = "from hilt_autolog.providers import sdks; print('newcomer' in sdks())"
    assert run(python, "-c", see).stdout == "True\n"
    assert (wheels.site_packages(python) / "hilt-autolog.start").is_file()
