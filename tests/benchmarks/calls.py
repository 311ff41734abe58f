"""What a call, and a chunk of a stream, costs the caller: CPU above bare, in microseconds.

    python tests/benchmarks/calls.py [rounds]

The OpenAI SDK over a transport inside of the process, so that there is no network to wait for. One process
makes bare calls, one makes them under a wrapper that does the least a log could (two dicts, orjson, two
writes), and one under hilt-autolog; they take turns, a batch each. The figures are the medians of the calls'
own CPU time, and the difference to the bare median.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx2
import openai
import orjson
from openai._base_client import SyncAPIClient

import hilt_autolog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

BATCH = 20
CHUNKS = 200
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello, how can I help?"},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 12, "completion_tokens": 9, "total_tokens": 21},
}


def chunk(index: int) -> bytes:
    """Return one event of a stream: a word, and at last the end."""
    last = index == CHUNKS - 1
    choice = {
        "index": 0,
        "delta": {} if last else {"content": f"word{index} "},
        "finish_reason": "stop" if last else None,
    }
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini"}
    return b"data: " + orjson.dumps({**body, "choices": [choice]}) + b"\n\n"


PIECES = [*map(chunk, range(CHUNKS)), b"data: [DONE]\n\n"]


class Pieces(httpx2.SyncByteStream):
    """The body of a streamed answer, an event a piece."""

    def __iter__(self) -> Iterator[bytes]:
        yield from PIECES


class Provider(httpx2.BaseTransport):
    """Answers at once."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request in the way that it asks for."""
        if b'"stream":true' in request.read():
            return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=Pieces())
        return httpx2.Response(200, json=ANSWER)


CLIENT = openai.OpenAI(
    api_key="none", base_url="http://127.0.0.1:1/v1", http_client=httpx2.Client(transport=Provider())
)
QUESTION: Any = [{"role": "user", "content": "Hello!"}]


def call() -> None:
    """Make a small call."""
    CLIENT.chat.completions.create(model="gpt-4o-mini", messages=QUESTION)


def stream() -> None:
    """Read a stream to its end."""
    for _ in CLIENT.chat.completions.create(model="gpt-4o-mini", messages=QUESTION, stream=True):
        pass


def bare() -> None:
    """Watch nothing."""


def least() -> None:
    """Watch calls with the least code that could log them."""
    original = SyncAPIClient.request
    log = os.open("least.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def request(self: Any, cast_to: Any, options: Any, **kwargs: Any) -> Any:
        os.write(log, orjson.dumps({"time": time.time(), "asked": options.json_data}) + b"\n")
        result = original(self, cast_to, options, **kwargs)
        said = {"text": result.choices[0].message.content, "tokens": result.usage.total_tokens}
        os.write(log, orjson.dumps({"time": time.time(), "said": said}) + b"\n")
        return result

    SyncAPIClient.request = request  # type: ignore[method-assign, assignment]


def hilt(chunks: str = "each") -> None:
    """Watch calls with hilt-autolog."""
    hilt_autolog.enable(path="{pid}.hilt.jsonl", chunks=chunks)


WAYS: dict[str, Callable[[], None]] = {
    "bare": bare,
    "least possible": least,
    "hilt": hilt,
    "hilt, chunks=each": hilt,
    "hilt, chunks=merged": partial(hilt, "merged"),
    "hilt, chunks=off": partial(hilt, "off"),
}


def work_in_turns(turns: Connection, way: str, work: Callable[[], None], folder: str) -> None:
    """Do a batch of `work`, watched in this way, whenever it is our turn; send back the CPU times in ns."""
    os.chdir(folder)
    WAYS[way]()
    for _ in range(BATCH):
        work()
    while batch := turns.recv():
        taken = []
        for _ in range(batch):
            began = time.thread_time_ns()
            work()
            taken.append(time.thread_time_ns() - began)
        turns.send(taken)


def measure(work: Callable[[], None], ways: list[str], rounds: int, batch: int) -> dict[str, float]:
    """Return the median CPU microseconds of `work` under each of the ways to watch it."""
    spawn = multiprocessing.get_context("spawn")
    times: dict[str, list[int]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        ends = {}
        for way in ways:
            ends[way], theirs = spawn.Pipe()
            spawn.Process(target=work_in_turns, args=(theirs, way, work, folder), daemon=True).start()
        for _ in range(rounds):
            for way in ways:
                ends[way].send(batch)
                times[way] += ends[way].recv()
        for end in ends.values():
            end.send(0)
    return {way: statistics.median(taken) / 1000 for way, taken in times.items()}


def main() -> None:
    """Measure, and print a table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    calls = measure(call, ["bare", "least possible", "hilt"], rounds, BATCH)
    print(f"a call                 {calls['bare']:8.1f} us bare")
    for way in ("least possible", "hilt"):
        print(f"  {way:20} {calls[way] - calls['bare']:+8.1f} us")
    modes = [way for way in WAYS if "chunks" in way]
    streams = measure(stream, ["bare", *modes], max(rounds // 10, 3), 2)
    print(f"a chunk of a stream    {streams['bare'] / CHUNKS:8.1f} us bare")
    for way in modes:
        print(f"  {way:20} {(streams[way] - streams['bare']) / CHUNKS:+8.1f} us")


if __name__ == "__main__":
    main()
