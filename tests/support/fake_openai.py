"""A package that looks like openai from where we wrap it, and is imported in no time."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.support import wheels

if TYPE_CHECKING:
    from pathlib import Path

FUNCTIONS = (
    "_base_client:SyncAPIClient.request",
    "_base_client:AsyncAPIClient.request",
    "_base_client:SyncAPIClient._process_response",
    "_base_client:AsyncAPIClient._process_response",
    "_streaming:Stream.__init__",
    "_streaming:AsyncStream.__init__",
)


def install(python: Path, version: str | None = "3.54.0", lacking: tuple[str, ...] = ()) -> Path:
    """Install the fake package into an environment, in place of the one before.

    Args:
        python: the environment's Python.
        version: what its metadata says; without, there is no metadata.
        lacking: those of `FUNCTIONS` that it does not have.
    """
    site = wheels.site_packages(python)
    package = site / "openai"
    for old in [package, *site.glob("openai-*.dist-info")]:
        shutil.rmtree(old, ignore_errors=True)
    package.mkdir()
    (package / "__init__.py").write_text("from . import _base_client, _streaming\n")
    for module in ("_base_client", "_streaming"):
        (package / f"{module}.py").write_text(_source(module, lacking))
    if version is not None:
        metadata = site / f"openai-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: openai\nVersion: {version}\n")
    return package


def _source(module: str, lacking: tuple[str, ...]) -> str:
    lines = []
    for function in FUNCTIONS:
        place, _, name = function.partition(":")
        if place == module and function not in lacking:
            owner, _, method = name.partition(".")
            lines += [f"{owner} = globals().get('{owner}') or type('{owner}', (), {{}})"]
            lines += [f"{owner}.{method} = lambda self, *args, **kwargs: None"]
    return "\n".join(lines) + "\n"
