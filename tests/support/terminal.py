"""A command on a terminal of its own."""

from __future__ import annotations

import os
import pty
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def screen_of(
    command: Sequence[str | Path], folder: Path, environ: Mapping[str, str], *, keys: bytes = b""
) -> bytes:
    """Run a command that succeeds, with all of its streams on a terminal; return what it shows there.

    Args:
        command: the program and its arguments.
        folder: the current folder.
        environ: all variables.
        keys: what is typed at the start.
    """
    terminal, side = pty.openpty()
    process = subprocess.Popen(command, cwd=folder, env=environ, stdin=side, stdout=side, stderr=side)
    os.close(side)
    if keys:
        os.write(terminal, keys)
    screen = b""
    try:
        while more := os.read(terminal, 65536):
            screen += more
    except OSError:  # the other side is closed
        pass
    os.close(terminal)
    assert process.wait(timeout=60) == 0
    return screen
