"""A call runs few functions of ours, and seldom goes from file to file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import openai
import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.untraced,  # coverage changes what a call runs through
    pytest.mark.skipif(openai.__version__.partition(".")[0] < "3", reason="the limits are those of openai 3"),
]


@pytest.fixture(scope="module")
def figures():
    """The benchmark's table, {row: (calls, hops)}, of a process in which no other test has run."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HILT_")}
    environ = kept | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "examples")])}
    command = [sys.executable, "-m", "tests.benchmarks.frames"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    rows = (line.rsplit(maxsplit=2) for line in done.stdout.splitlines()[1:])
    return {name.strip(): (int(calls), int(hops)) for name, calls, hops in rows}


def test_a_plain_chat_call(figures):
    calls, hops = figures["a chat"]
    assert calls <= 60
    assert hops <= 40


def test_a_chunk_of_a_stream(figures):
    assert figures["a chunk"][0] <= 6


def test_a_tool_of_a_framework(figures):
    assert figures["a tool"][0] <= 120
