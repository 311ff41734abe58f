"""The doors that open from outside: the variable HILT_AUTOLOG, and the files that an interpreter runs."""

from __future__ import annotations

import base64
import hashlib
import os
import site
import stat
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from hilt_autolog.instrumentation import import_hook
from hilt_autolog.settings import SETTINGS, SettingsError, parse_setting

from . import Finding, ok, problem, warning
from .child_process import ask_child

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import PackagePath

FILES = ("hilt-autolog.pth", "hilt-autolog.start", "_hilt_autolog_start.py")
_VARIABLE = "HILT_AUTOLOG"
# Read as the table's switches are.
_SWITCH = next(row for row in SETTINGS if row.name == "strict")._replace(name="on", variable=_VARIABLE)
_HOOK = """
import json, sys
waits = "hilt_autolog.instrumentation.import_hook" in sys.modules
start = getattr(sys.modules.get("_hilt_autolog_start"), "__file__", None)
home = error = None
try:
    from hilt_autolog.instrumentation import import_hook
    home = import_hook.__file__
except BaseException as caught:
    error = f"{type(caught).__name__}: {caught}"
print(json.dumps({"waits": waits, "start": start, "home": home, "error": error}))
"""


# --- the variable


def entry_point() -> Iterator[Finding]:
    """Examine HILT_AUTOLOG, and whether this process may heed it."""
    value = os.environ.get(_VARIABLE, "")
    try:
        switch = parse_setting({_VARIABLE: _SWITCH}, _VARIABLE, value)
    except SettingsError as error:
        yield problem(f"{error}; so it switches nothing on", value=value)
        return
    if not switch:
        yield warning(f"{_VARIABLE} is not set: only hilt-run and enable() record", value=None)
    elif not switch["on"]:
        yield problem(f"{_VARIABLE}={value} switches enable() off too: only hilt-run records", value=value)
    elif shut := _shut():
        yield problem(f"{_VARIABLE}={value}, but {shut}: only enable() records", value=value)
    else:
        yield ok(f"{_VARIABLE}={value}: each Python that is started in this environment records", value=value)


def _shut() -> str | None:
    """Return why this process does not heed HILT_AUTOLOG."""
    if sys.flags.no_site:
        return "this Python runs with -S and no start-up files"
    if sys.flags.ignore_environment:
        return "this Python runs with -I or -E and heeds no variables"
    if hasattr(os, "getuid") and (os.getuid(), os.getgid()) != (os.geteuid(), os.getegid()):
        return "this process has other rights than the user who started it (set-uid)"
    return None


# --- the files


def startup() -> Iterator[Finding]:
    """Examine the start-up files, and whether they do their work in a Python that starts now."""
    yield from _files()
    try:
        found = ask_child(["-c", _HOOK], {**os.environ, _VARIABLE: "1"})
    except ChildProcessError as error:
        yield problem(f"{sys.executable} cannot be tried: {error}")
        return
    if found["waits"]:
        yield ok("they run in a new Python, which then waits for SDKs", **found)
        if found["home"] != import_hook.__file__:
            yield warning(f"a new Python takes hilt_autolog from {found['home']}, not {import_hook.__file__}")
    elif found["start"] is None:
        yield problem(f"they do not run in a new Python: {_VARIABLE}=1 and hilt-run record nothing", **found)
    else:
        why = f"fails: {found['error']}" if found["error"] else "waits for no SDK"
        yield problem(f"{found['start']} runs in a new Python, but {why}", **found)


def _files() -> Iterator[Finding]:
    try:
        installed = distribution("hilt-autolog")
    except PackageNotFoundError:
        yield warning(f"hilt-autolog is not installed for {sys.executable}: it runs from its source")
        return
    listed = {str(file): file for file in installed.files or ()}
    for name in FILES:
        yield _file(Path(str(installed.locate_file(name))), listed.get(name))


def _file(path: Path, listed: PackagePath | None) -> Finding:
    """Examine a start-up file, by what the installer has listed of it."""
    try:
        found, content = path.stat(), path.read_bytes()
    except OSError as error:
        return warning(f"{path}: {error.strerror}", file=str(path))
    facts = {"file": str(path), "sha256": hashlib.sha256(content).hexdigest()}
    if is_hidden(found):
        return warning(f"{path} is hidden: Python passes it over from 3.12 on (chflags nohidden)", **facts)
    if not _is_in_site(path.parent):
        return warning(f"{path} does not lie in a site-packages folder: Python passes it over", **facts)
    if listed is None or listed.hash is None or listed.hash.value != _as_listed(content):
        return warning(f"{path} is not what was installed; its SHA-256 is {facts['sha256']}", **facts)
    return ok(f"{path} (SHA-256 {facts['sha256']})", **facts)


def is_hidden(found: os.stat_result) -> bool:
    """Return whether a file has the flag that makes Python pass it over (macOS in .venv, Windows)."""
    return bool(
        getattr(found, "st_flags", 0) & stat.UF_HIDDEN
        or getattr(found, "st_file_attributes", 0) & stat.FILE_ATTRIBUTE_HIDDEN
    )


def _is_in_site(folder: Path) -> bool:
    sites = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
    return any(Path(place).exists() and folder.samefile(place) for place in sites)


def _as_listed(content: bytes) -> str:
    """Return a SHA-256 as an installer's RECORD spells it."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
