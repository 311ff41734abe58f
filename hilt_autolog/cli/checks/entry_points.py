"""How recording is switched on from outside: the variable HILT_AUTOLOG, and Python's start-up files."""

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

from . import Finding, ok, problem, run_python, warning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import PackagePath

FILES = ("hilt-autolog.pth", "hilt-autolog.start", "_hilt_autolog_start.py")
_VARIABLE = "HILT_AUTOLOG"
# HILT_AUTOLOG is no setting, but parsed like the boolean ones.
_SWITCH = next(row for row in SETTINGS if row.name == "strict")._replace(name="on", variable=_VARIABLE)
_PROBE = """
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


# --- the environment variable


def check_entry_point() -> Iterator[Finding]:
    """Check HILT_AUTOLOG, and whether this process obeys it."""
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
    elif reason := _ignored_because():
        yield problem(f"{_VARIABLE}={value}, but {reason}: only enable() records", value=value)
    else:
        yield ok(f"{_VARIABLE}={value}: each Python that is started in this environment records", value=value)


def _ignored_because() -> str | None:
    """Return why this process ignores HILT_AUTOLOG; None if it does not."""
    if sys.flags.no_site:
        return "this Python runs with -S and no start-up files"
    if sys.flags.ignore_environment:
        return "this Python runs with -I or -E and ignores environment variables"
    if hasattr(os, "getuid") and (os.getuid(), os.getgid()) != (os.geteuid(), os.getegid()):
        return "this process has other rights than the user who started it (set-uid)"
    return None


# --- the start-up files


def check_startup_files() -> Iterator[Finding]:
    """Check the start-up files, and whether they take effect in a second Python."""
    yield from _files()
    try:
        result = run_python(["-c", _PROBE], {**os.environ, _VARIABLE: "1"})
    except ChildProcessError as error:
        yield problem(f"{sys.executable} cannot be tried: {error}")
        return
    if result["waits"]:
        yield ok("they run in a new Python, which then waits for SDKs", **result)
        if result["home"] != import_hook.__file__:
            yield warning(
                f"a new Python takes hilt_autolog from {result['home']}, not {import_hook.__file__}"
            )
    elif result["start"] is None:
        yield problem(f"they do not run in a new Python: {_VARIABLE}=1 and hilt-run record nothing", **result)
    else:
        failure = f"fails: {result['error']}" if result["error"] else "waits for no SDK"
        yield problem(f"{result['start']} runs in a new Python, but {failure}", **result)


def _files() -> Iterator[Finding]:
    try:
        package = distribution("hilt-autolog")
    except PackageNotFoundError:
        yield warning(f"hilt-autolog is not installed for {sys.executable}: it runs from its source")
        return
    records = {str(file): file for file in package.files or ()}
    for name in FILES:
        yield _file(Path(str(package.locate_file(name))), records.get(name))


def _file(path: Path, record: PackagePath | None) -> Finding:
    """Check a start-up file against its entry in the installer's RECORD."""
    try:
        status, content = path.stat(), path.read_bytes()
    except OSError as error:
        return warning(f"{path}: {error.strerror}", file=str(path))
    facts = {"file": str(path), "sha256": hashlib.sha256(content).hexdigest()}
    if is_hidden(status):
        return warning(f"{path} is hidden: Python passes it over from 3.12 on (chflags nohidden)", **facts)
    if not _is_in_site(path.parent):
        return warning(f"{path} does not lie in a site-packages folder: Python passes it over", **facts)
    if record is None or record.hash is None or record.hash.value != _record_hash(content):
        return warning(f"{path} is not what was installed; its SHA-256 is {facts['sha256']}", **facts)
    return ok(f"{path} (SHA-256 {facts['sha256']})", **facts)


def is_hidden(status: os.stat_result) -> bool:
    """Return whether a file has the flag that makes Python skip it (macOS in .venv, Windows)."""
    return bool(
        getattr(status, "st_flags", 0) & stat.UF_HIDDEN
        or getattr(status, "st_file_attributes", 0) & stat.FILE_ATTRIBUTE_HIDDEN
    )


def _is_in_site(folder: Path) -> bool:
    sites = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
    return any(Path(path).exists() and folder.samefile(path) for path in sites)


def _record_hash(content: bytes) -> str:
    """Return a SHA-256 as RECORD spells it: URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
