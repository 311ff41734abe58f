"""Long texts on a terminal go through the pager that the user has chosen; whatever else is printed."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from .terminal import is_terminal

if TYPE_CHECKING:
    from collections.abc import Iterable

_NONE = ("", "cat")


def print_lines(lines: Iterable[str], *, pages: bool = True) -> None:
    """Print lines, by $PAGER (or less, which ends by itself where all fits on the screen) if `pages`.

    Without a terminal at both ends nothing is paged.
    """
    pager = _pager() if pages and is_terminal(sys.stdin) and is_terminal(sys.stdout) else None
    if pager is None:
        for line in lines:
            print(line)
        return
    out = pager.stdin
    if out is None:
        return
    try:
        with out:
            for line in lines:
                out.write(f"{line}\n")
    except (BrokenPipeError, KeyboardInterrupt):  # the user has seen enough
        pass
    while True:
        with suppress(KeyboardInterrupt):  # it belongs to the pager
            pager.wait()
            return


def _pager() -> subprocess.Popen[str] | None:
    command = os.environ.get("PAGER", "less").strip()
    if command in _NONE or os.environ.get("TERM") == "dumb":
        return None
    environ = {"LESS": "FRX", "LESSCHARSET": "utf-8", **os.environ}
    try:
        return subprocess.Popen(  # noqa: S603  the user says which program
            shlex.split(command),
            stdin=subprocess.PIPE,
            env=environ,
            text=True,
            encoding="utf-8",
            errors="backslashreplace",
        )
    except (OSError, ValueError):  # there is none, or it is no command
        return None
