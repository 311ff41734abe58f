"""The checks of `hilt doctor`: each examines one topic and yields findings.

What a program that starts now will find is examined in a second run of this Python: see `run_python`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hilt_autolog.contracts.types import JsonObject

_TIMEOUT = 60  # seconds: importing an SDK from a cold disk takes long


class Finding(NamedTuple):
    """A result of a check.

    Attributes:
        mark: "ok"; "warning": calls are recorded all the same; "problem": it keeps calls out of the log.
        text: a line for people.
        facts: the same for programs: JSON values by name.
    """

    mark: str
    text: str
    facts: JsonObject


def ok(text: str, **facts: object) -> Finding:
    """Return a finding that all is well."""
    return Finding("ok", text, facts)


def warning(text: str, **facts: object) -> Finding:
    """Return a finding that does not keep calls out of the log."""
    return Finding("warning", text, facts)


def problem(text: str, **facts: object) -> Finding:
    """Return a finding that keeps calls out of the log."""
    return Finding("problem", text, facts)


def run_python(arguments: list[str], environ: Mapping[str, str]) -> JsonObject:
    """Run this Python and return the JSON object in the last line of its output.

    Args:
        arguments: the arguments of `python`.
        environ: its environment variables.

    Raises:
        ChildProcessError: it cannot be started, takes longer than a minute, or prints no such line. The
            message is its last line on stderr, or else its exit code.
    """
    try:
        completed = subprocess.run(  # noqa: S603  this interpreter, with arguments from this package
            [sys.executable, *arguments],
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ChildProcessError(str(error)) from None
    try:
        result: JsonObject = json.loads(completed.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        last_line = completed.stderr.decode(errors="backslashreplace").strip().rpartition("\n")[2]
        raise ChildProcessError(last_line or f"it ended with exit code {completed.returncode}") from None
    return result
