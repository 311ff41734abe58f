"""Running an example as people do: by itself, and under hilt-run."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support import wheels
from tests.support.wheels import ROOT

HILT_RUN = (
    "import sys; sys.argv[0] = 'hilt-run'; from hilt_autolog.launcher.run import main; sys.exit(main())"
)
KEYS = ("OPENAI_", "ANTHROPIC_", "GEMINI_", "GOOGLE_")


def commands(example):
    """The commands that run an example, by name."""
    script = str(ROOT / "examples" / example)
    return {
        "plain": [sys.executable, script],
        "hilt-run": [sys.executable, "-c", HILT_RUN, sys.executable, script],
    }


def environment(**environ):
    """A clean environment, without the keys of the person who runs the tests too."""
    kept = {key: value for key, value in wheels.clean_environ().items() if not key.startswith(KEYS)}
    found = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return kept | {"PYTHONPATH": found, "PYTHONWARNINGS": "error"} | environ


def run(command, folder, **environ):
    """Run a command in a folder."""
    env = environment(**environ)
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
