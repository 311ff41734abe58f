"""What a call, and a chunk of a stream, costs the caller: CPU above bare, in microseconds.

    python tests/benchmarks/calls.py [rounds]

The OpenAI SDK over a transport inside of the process, so that there is no network to wait for. A bare client
takes turns, call by call and in random order, with one under hilt-autolog, and then with one whose `request`
does the least a log could (two dicts, orjson, two writes). The figures are the medians of the calls' own CPU
time, and their difference.
"""

from __future__ import annotations

import os
import random
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


REQUEST, PROCESS = SyncAPIClient.request, SyncAPIClient._process_response  # before they are wrapped


class Bare(openai.OpenAI):
    """A client that nobody watches."""

    request = REQUEST
    _process_response = PROCESS


class Least(Bare):
    """A client with the least code that could log its calls."""

    log = -1

    def request(self, cast_to: Any, options: Any, **kwargs: Any) -> Any:
        """Make the call, and write a line before and after it."""
        os.write(self.log, orjson.dumps({"time": time.time(), "asked": options.json_data}) + b"\n")
        result = REQUEST(self, cast_to, options, **kwargs)
        said = {"text": result.choices[0].message.content, "tokens": result.usage.total_tokens}
        os.write(self.log, orjson.dumps({"time": time.time(), "said": said}) + b"\n")
        return result


def client(kind: type[openai.OpenAI]) -> openai.OpenAI:
    """Return a client of this kind for the provider that answers at once."""
    transport = httpx2.Client(transport=Provider())
    return kind(api_key="none", base_url="http://127.0.0.1:1/v1", http_client=transport)


def call(client: openai.OpenAI) -> None:
    """Make a small call."""
    client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION)


def stream(client: openai.OpenAI) -> None:
    """Read a stream to its end."""
    for _ in client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION, stream=True):
        pass


QUESTION: Any = [{"role": "user", "content": "Hello!"}]


def measure(
    work: Callable[[openai.OpenAI], None], kind: type[openai.OpenAI], turns: int
) -> tuple[float, float]:
    """Return the median CPU microseconds of `work` with a bare client, and with one of this kind."""
    clients = client(Bare), client(kind)
    times: tuple[list[int], list[int]] = [], []
    for turn in range(-turns // 10, turns):  # the first turns only warm up
        for which in random.sample((0, 1), 2):  # nobody always follows the same one
            who, taken = clients[which], times[which]
            began = time.thread_time_ns()
            work(who)
            if turn >= 0:
                taken.append(time.thread_time_ns() - began)
    bare, other = (statistics.median(taken) / 1000 for taken in times)
    return bare, other


def main() -> None:
    """Measure, and print a table."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "{pid}.hilt.jsonl")
        Least.log = os.open(os.path.join(folder, "least.jsonl"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        with hilt_autolog.enable(path=path):
            bare, hilt = measure(call, openai.OpenAI, turns)
            print(f"a call                 {bare:8.1f} us bare")
            print(f"  hilt                 {hilt - bare:+8.1f} us")
            bare, least = measure(call, Least, turns)
            print(f"  least possible       {least - bare:+8.1f} us")
        for chunks in ("each", "merged", "off"):
            with hilt_autolog.enable(path=path, chunks=chunks):
                bare, hilt = (us / CHUNKS for us in measure(stream, openai.OpenAI, turns // 20))
            print(f"a chunk                {bare:8.1f} us bare")
            print(f"  hilt, chunks={chunks:7} {hilt - bare:+8.1f} us")


if __name__ == "__main__":
    main()
