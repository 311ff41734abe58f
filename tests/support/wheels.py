"""A built wheel, and virtual environments to install it in: recording starts there as for users."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[2]


def source(folder: Path) -> Path:
    """Copy what a build reads to `folder`."""
    shutil.copytree(
        ROOT / "hilt_autolog", folder / "hilt_autolog", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    (folder / "README.md").touch()  # its text is not at issue
    return folder


def wheel(source: Path, target: Path) -> Path:
    """Build the wheel of a source tree."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    return next(target.glob("*.whl"))


def environment(folder: Path) -> Path:
    """Make an empty virtual environment and return its Python."""
    venv.create(folder, symlinks=os.name != "nt", with_pip=False)
    return folder / ("Scripts" if os.name == "nt" else "bin") / "python"


def site_packages(python: Path) -> Path:
    """Return the folder in which a virtual environment's packages lie."""
    home = python.parent.parent
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(home), "platbase": str(home)}))


def lend_dependencies(python: Path) -> None:
    """Let a virtual environment import what is installed here; no start-up file of ours runs there."""
    (site_packages(python) / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")


def pip(python: Path, *arguments: str) -> None:
    """Run this environment's pip for another one, without any index."""
    command = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "--python", str(python)]
    subprocess.run([*command, *arguments], check=True, capture_output=True, text=True)


def install(wheel: Path, python: Path) -> None:
    """Install a wheel, without its dependencies."""
    pip(python, "install", "--no-index", "--no-deps", "--compile", str(wheel))


def clean_environ(**variables: str) -> dict[str, str]:
    """Return the environment without what would steer Python, us or our output, and with these variables.

    COLUMNS and LINES may be there although nobody has set them: pytest 9.2 capture.py imports readline, which
    puts them into the environment of the workers of xdist.
    """
    steering = ("PYTHON", "HILT_", "COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
    return kept | variables


def run(command: Iterable[object], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder and in a clean environment with these variables."""
    return subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=clean_environ(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
