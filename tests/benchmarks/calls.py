"""What a call, and a chunk of a stream, costs the caller: CPU above bare, in microseconds.

    python tests/benchmarks/calls.py [rounds]

The OpenAI SDK over a transport inside of the process, so that there is no network to wait for. Bare calls,
calls under a wrapper that does the least a log could (two dicts, orjson, two writes), and calls under
hilt-autolog take turns, a batch each; the figures are the medians of the calls' own CPU time, and the
difference to the bare median.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

import httpx2
import openai
import orjson
from openai._base_client import SyncAPIClient

import hilt_autolog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


def bare(folder: str) -> Callable[[], object]:
    """Watch nothing; return the undo."""
    return lambda: folder


def least(folder: str) -> Callable[[], object]:
    """Watch calls with the least code that could log them."""
    original = SyncAPIClient.request
    log = os.open(os.path.join(folder, "least.jsonl"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def request(self: Any, cast_to: Any, options: Any, **kwargs: Any) -> Any:
        os.write(log, orjson.dumps({"time": time.time(), "asked": options.json_data}) + b"\n")
        result = original(self, cast_to, options, **kwargs)
        text = result.choices[0].message.content
        os.write(
            log,
            orjson.dumps({"time": time.time(), "said": text, "tokens": result.usage.total_tokens}) + b"\n",
        )
        return result

    SyncAPIClient.request = request  # type: ignore[method-assign, assignment]

    def undo() -> None:
        SyncAPIClient.request = original  # type: ignore[method-assign]
        os.close(log)

    return undo


def hilt(chunks: str) -> Callable[[str], Callable[[], object]]:
    """Watch calls with hilt-autolog."""

    def enable(folder: str) -> Callable[[], object]:
        hilt_autolog.enable(path=os.path.join(folder, "{pid}.hilt.jsonl"), chunks=chunks)
        return hilt_autolog.disable

    return enable


def measure(work: Callable[[], None], ways: dict[str, Any], rounds: int, batch: int) -> dict[str, float]:
    """Return the median CPU microseconds of `work` under each of the ways to watch it."""
    times: dict[str, list[int]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for name, watch in ways.items():
                undo = watch(folder)
                work()  # the first call of a batch opens the log
                for _ in range(batch):
                    began = time.thread_time_ns()
                    work()
                    times[name].append(time.thread_time_ns() - began)
                undo()
    return {name: statistics.median(taken) / 1000 for name, taken in times.items()}


def main() -> None:
    """Measure, and print a table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    calls = measure(call, {"bare": bare, "least possible": least, "hilt": hilt("each")}, rounds, BATCH)
    print(f"a call                 {calls['bare']:8.1f} us bare")
    for name in ("least possible", "hilt"):
        print(f"  {name:20} {calls[name] - calls['bare']:+8.1f} us")
    modes = {f"hilt, chunks={mode}": hilt(mode) for mode in ("each", "merged", "off")}
    streams = measure(stream, {"bare": bare, **modes}, max(rounds // 10, 3), 2)
    print(f"a chunk of a stream    {streams['bare'] / CHUNKS:8.1f} us bare")
    for name in modes:
        print(f"  {name:20} {(streams[name] - streams['bare']) / CHUNKS:+8.1f} us")


if __name__ == "__main__":
    main()
