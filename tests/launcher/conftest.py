from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.support import wheels

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    return wheels.wheel(wheels.source(folder / "source"), folder)


@pytest.fixture(scope="session")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a virtual environment with the wheel, and with providers for two SDKs that tests make."""
    python = wheels.environment(tmp_path_factory.mktemp("installed") / "venv")
    wheels.install(built, python)
    wheels.lend_dependencies(python)
    providers = wheels.site_packages(python) / "hilt_autolog" / "providers"
    with (providers / "__init__.py").open("a", encoding="utf-8") as table:
        table.write('PROVIDERS |= {"fakesdk": "fakesdk", "fakecloud.models": "fakecloud"}\n')
    return python


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a virtual environment without the package, but with a start-up file, as most have."""
    python = wheels.environment(tmp_path_factory.mktemp("bare") / "venv")
    wheels.lend_dependencies(python)
    return python


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a command in an empty folder and a clean environment."""

    def start(*command: object, **variables: str) -> subprocess.CompletedProcess[str]:
        return wheels.run(command, tmp_path, **variables)

    return start
