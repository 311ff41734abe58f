"""What the writer's tests share: a writer whose own lines are marked, and scripts run as programs."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

from hilt_autolog.log.writer import Writer

ROOT = Path(__file__).resolve().parents[2]

PRELUDE = """
import os, signal, sys, threading
sys.path.insert(0, {root!r})
from tests.support.writers import writer
log = writer(sys.argv[1])
"""


class Clock:
    """A clock that stops until it is moved."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def writer(folder, template="logs/{app}-{pid}.hilt.jsonl", **given):
    """A writer whose own lines say what they are."""
    return Writer(
        template,
        app="app",
        directory=str(folder),
        **{
            "first_event": lambda: {"own": "opened"},
            "last_event": lambda: {"own": "closed"},
            "dropped_event": lambda counts: {"own": "dropped", "counts": counts},
            **given,
        },
    )


def files(folder):
    return sorted(Path(folder).rglob("*.hilt.jsonl"))


def lines(path):
    """All lines of a file; fails on a torn tail, a glued or a broken line."""
    data = Path(path).read_bytes()
    assert data.endswith(b"\n")
    return [json.loads(line) for line in data.splitlines()]


def events(path):
    """The lines of a file without the writer's own."""
    return [line for line in lines(path) if "own" not in line]


def run(folder, script, **options):
    """Runs a script with `log`, a writer into `folder`, and returns what became of the process."""
    code = PRELUDE.format(root=str(ROOT)) + textwrap.dedent(script)
    command = [sys.executable, "-W", "error", "-X", "faulthandler=0", "-c", code, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)
