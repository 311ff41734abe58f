"""A call runs few functions of ours, and seldom goes from file to file."""

from __future__ import annotations

import os
import sys

import openai
import pytest

from tests.support import wheels

pytestmark = [
    pytest.mark.untraced,  # coverage changes what a call runs through
    pytest.mark.skipif(openai.__version__.partition(".")[0] < "3", reason="the limits are those of openai 3"),
]


@pytest.fixture(scope="module")
def figures():
    """The benchmark's table, {row: (calls, hops)}, of a process in which no other test has run."""
    paths = os.pathsep.join([str(wheels.ROOT), str(wheels.ROOT / "examples")])
    done = wheels.run([sys.executable, "-m", "tests.benchmarks.frames"], wheels.ROOT, PYTHONPATH=paths)
    assert done.returncode == 0, done.stderr
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
