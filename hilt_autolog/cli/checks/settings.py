"""The settings that a program started here would record by, and where each comes from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hilt_autolog.providers import registry
from hilt_autolog.settings import SETTINGS, Setting, Settings, SettingsError, load, parse_setting

from . import Finding, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator


def here() -> str:
    """Return where the search for pyproject.toml begins: here; at the root if here has been removed."""
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return os.sep


def effective() -> Settings:
    """Return the settings of a program that is started here and gives none to `enable()`."""
    return load({}, os.environ, here(), registry.sdks())[0]


def settings() -> Iterator[Finding]:
    """List the settings by where they come from, then each one that is not understood."""
    found, complaints = load({}, os.environ, here(), registry.sdks())
    without_variables, _ = load({}, {}, here(), registry.sdks())
    origins: dict[str, dict[str, object]] = {}
    for row in SETTINGS:
        origin = _origin(row, without_variables)
        origins.setdefault(origin, {})[row.name] = getattr(found, row.name)
    for origin, values in origins.items():
        said = ", ".join(f"{name}={_spelled(value)}" for name, value in values.items() if _is_said(value))
        yield ok(f"{origin}: {said}", origin=origin, values=values)
    for complaint in complaints:
        yield warning(complaint.removeprefix("hilt: "))


def _origin(row: Setting, without_variables: Settings) -> str:
    try:
        given = parse_setting({row.variable: row}, row.variable, os.environ.get(row.variable))
    except SettingsError:
        given = {}
    if given:
        return "environment"
    return "default" if getattr(without_variables, row.name) == row.default else "pyproject.toml"


def _is_said(value: object) -> bool:
    return value is not None and value != ()


def _spelled(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else str(value)
