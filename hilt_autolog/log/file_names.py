"""Names of log files: the fields of a path template, and any text as a safe part of a path."""

from __future__ import annotations

import os
import re
import sys

from hilt_autolog.clock import id_and_timestamp, random_hex

from .syscalls import Syscalls

FIELDS = ("app", "date", "time", "host", "pid", "session")

_FIELD = re.compile(r"\{([^{}]*)\}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_WINDOWS_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)", re.IGNORECASE)
_LONGEST = 64  # characters
_SUFFIX = ".hilt.jsonl"


def check_template(template: str) -> None:
    """Raise ValueError for a template with an unknown field; the message lists the known ones."""
    for field in _FIELD.findall(template):
        if field not in FIELDS:
            valid = " ".join(f"{{{name}}}" for name in FIELDS)
            raise ValueError(f"unknown field {{{field}}} in the path {template!r}; there are {valid}")


def is_generated(template: str) -> bool:
    """Return whether each process gets its own file name, and must create the file itself."""
    return "{pid}" in template or "{session}" in template


def fill_template(template: str, app: str) -> str:
    """Return the path of a log that a process begins now.

    Args:
        template: a path with fields in braces.
        app: the program's name.

    Returns:
        The template with `{date}` and `{time}` in UTC and `{session}` as twelve random hexadecimal digits.
    """
    timestamp = id_and_timestamp()[1]
    values = {
        "app": app,
        "date": timestamp[:10],
        "time": timestamp[11:19].replace(":", "") + "Z",
        "host": os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", ""),
        "pid": str(Syscalls.getpid()),
        "session": random_hex(48),
    }
    return _FIELD.sub(lambda field: safe_name(values[field[1]]), template)


def numbered_path(path: str, number: int) -> str:
    """Return the path for the n-th attempt at a name that is taken: `a.hilt.jsonl`, `a-1.hilt.jsonl`, ..."""
    if not number:
        return path
    stem = path.removesuffix(_SUFFIX) if path.endswith(_SUFFIX) else os.path.splitext(path)[0]
    return f"{stem}-{number}{path[len(stem) :]}"


def safe_name(text: str) -> str:
    """Return any text as one part of a file name that is safe on every system.

    Args:
        text: an app's name, a host, an id from outside, or any other text.

    Returns:
        1 to 64 characters of `A-Z a-z 0-9 . _ -`, with no dot or dash at the beginning, no dot at the end,
        and never a name that Windows reserves for a device.
    """
    name = _UNSAFE.sub("_", text)
    if not name or name[0] in ".-" or _WINDOWS_DEVICE.match(name):
        name = "_" + name
    name = name[:_LONGEST]
    return name[:-1] + "_" if name.endswith(".") else name


def app_name() -> str:
    """Return the name of the running program: its script, or the module of `python -m`."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is not None and spec.name:
        return str(spec.name).removesuffix(".__main__")
    script = sys.argv[0] if sys.argv else ""
    name = os.path.basename(script).removesuffix(".py")
    return "python" if name in ("", "-c", "-") else name
