"""Running an example as people do: by itself, and under hilt-run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HILT_RUN = (
    "import sys; sys.argv[0] = 'hilt-run'; from hilt_autolog.launcher.run import main; sys.exit(main())"
)
OURS = ("HILT_", "OPENAI_", "ANTHROPIC_", "GEMINI_", "GOOGLE_")
# pytest 9.2 capture.py imports readline, which sets these in the environment of the workers of xdist.
SIZE = ("COLUMNS", "LINES")


def commands(example):
    """The commands that run an example, by name."""
    script = str(ROOT / "examples" / example)
    return {
        "plain": [sys.executable, script],
        "hilt-run": [sys.executable, "-c", HILT_RUN, sys.executable, script],
    }


def environment(**environ):
    """An environment without the keys, settings and screen of the person who runs the tests."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(OURS) and key not in SIZE}
    found = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return kept | {"PYTHONPATH": found, "PYTHONWARNINGS": "error"} | environ


def run(command, folder, **environ):
    """Run a command in a folder."""
    env = environment(**environ)
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
