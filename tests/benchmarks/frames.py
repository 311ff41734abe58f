"""How many functions of ours run for a call, a chunk and a tool.

    PYTHONPATH=examples python -m tests.benchmarks.frames [-v]

Each call of a function of the package counts once, and each change from one of its files to another is a hop.
Unlike times these figures are the same on every machine. `tests/recording/test_frames.py` holds them down.
"""

from __future__ import annotations

import os
import sys
import tempfile
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

import hilt_autolog
from tests.support.in_process import offline

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE = os.path.dirname(hilt_autolog.__file__)
ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
TOOL_CALL = {"type": "tool_call", "name": "double", "args": {"number": 4}}


class Frames(NamedTuple):
    """What ran: (file, function) of each call, in order."""

    calls: list[tuple[str, str]]

    @property
    def hops(self) -> int:
        """How often the next call is in another file."""
        return sum(one[0] != other[0] for one, other in zip(self.calls, self.calls[1:], strict=False))


def frames(do: Callable[[], object]) -> Frames:
    """Run something, and return the functions of ours that were called."""
    calls: list[tuple[str, str]] = []

    def profile(frame, event, _argument):
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            file = os.path.relpath(frame.f_code.co_filename, PACKAGE)
            calls.append((file, frame.f_code.co_name))

    sys.setprofile(profile)
    try:
        do()
    finally:
        sys.setprofile(None)
    return Frames(calls)


def fewest(do: Callable[[], object]) -> Frames:
    """Run something a few times, and return the shortest: once a second the file is checked, too."""
    return min((frames(do) for _ in range(5)), key=lambda way: len(way.calls))


def of_a_chat() -> Frames:
    """A plain chat call."""
    client = offline()
    return fewest(lambda: client.chat.completions.create(**ASK))


def of_a_chunk() -> Frames:
    """A chunk of a stream, within the second in which its template is valid."""
    stream = iter(offline().chat.completions.create(**ASK, stream=True))
    next(stream)
    return fewest(stream.__next__)


def of_a_tool() -> Frames:
    """A tool of LangChain's, run for a tool call."""
    from langchain_core.tools import tool

    @tool
    def double(number: int) -> int:
        """Double a number."""
        return 2 * number

    ids = count()
    return fewest(lambda: double.invoke(TOOL_CALL | {"id": f"call_{next(ids)}"}))


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder, hilt_autolog.enable(path=f"{folder}/log.hilt.jsonl"):
        print(f"{'':<12}{'calls':>7}{'hops':>7}")
        for name, measure in (("a chat", of_a_chat), ("a chunk", of_a_chunk), ("a tool", of_a_tool)):
            figures = measure()
            print(f"{name:<12}{len(figures.calls):>7}{figures.hops:>7}")
            if "-v" in sys.argv[1:]:
                print(*(f"    {file} {function}" for file, function in figures.calls), sep="\n")


if __name__ == "__main__":
    main()
