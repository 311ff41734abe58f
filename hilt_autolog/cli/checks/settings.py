"""The effective settings of a program that is started in this folder, and where each comes from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hilt_autolog.providers import sdks
from hilt_autolog.settings import SETTINGS, Setting, Settings, SettingsError, load, parse_setting

from . import Finding, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator


def working_directory() -> str:
    """Return the folder where the search for pyproject.toml begins; the root if this folder was removed."""
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return os.sep


def effective_settings() -> Settings:
    """Return the settings of a program that is started in this folder and calls `enable()` without any."""
    return load({}, os.environ, working_directory(), sdks())[0]


def check_settings() -> Iterator[Finding]:
    """List the settings by origin, then each invalid one."""
    effective, errors = load({}, os.environ, working_directory(), sdks())
    without_variables, _ = load({}, {}, working_directory(), sdks())
    origins: dict[str, dict[str, object]] = {}
    for row in SETTINGS:
        origin = _origin(row, without_variables)
        origins.setdefault(origin, {})[row.name] = getattr(effective, row.name)
    for origin, values in origins.items():
        pairs = ", ".join(f"{name}={_as_text(value)}" for name, value in values.items() if _is_set(value))
        yield ok(f"{origin}: {pairs}", origin=origin, values=values)
    for error in errors:
        yield warning(error.removeprefix("hilt: "))


def _origin(row: Setting, without_variables: Settings) -> str:
    try:
        variable = parse_setting({row.variable: row}, row.variable, os.environ.get(row.variable))
    except SettingsError:
        variable = {}
    if variable:
        return "environment"
    return "default" if getattr(without_variables, row.name) == row.default else "pyproject.toml"


def _is_set(value: object) -> bool:
    return value is not None and value != ()


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else str(value)
