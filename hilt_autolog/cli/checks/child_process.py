"""Another run of this Python: what is true of a program that starts now is asked of one that does."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS = 60  # an SDK on a cold disk


def ask_child(arguments: list[str], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what this Python says when it is started: the JSON object in the last line of its output.

    Args:
        arguments: what follows `python`.
        environ: its environment.

    Raises:
        ChildProcessError: it says nothing of the kind; the message is its last line on stderr, if it has one.
    """
    try:
        done = subprocess.run(  # noqa: S603  the Python that runs us, and a program of ours
            [sys.executable, *arguments],
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ChildProcessError(str(error)) from None
    try:
        said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        last = done.stderr.decode(errors="backslashreplace").strip().rpartition("\n")[2]
        raise ChildProcessError(last or f"it ended with exit code {done.returncode}") from None
    return said
