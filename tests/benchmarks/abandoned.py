"""What 10,000 streams that a program leaves behind keep of memory: python -m tests.benchmarks.abandoned

Each is asked for, gives its first item, and is dropped; in process, through the real SDKs. The log is written
as ever. Memory is what the system counts for the process (RSS), after some streams to warm up.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
import tempfile
from pathlib import Path

import hilt_autolog
from tests.support.in_process import IN_PROCESS

ASKED = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 100, "stream": True}
MOST_MB = 5.0
WARM_UP = 1000


def create(sdk: str, kind: str):
    """Return the function of a new client that makes a stream, and the model to ask."""
    client = IN_PROCESS[sdk].offline(kind)
    made = client.chat.completions.create if sdk == "openai" else client.messages.create
    return made, IN_PROCESS[sdk].sdk.asked


def leave(sdk: str, count: int) -> None:
    """Leave so many streams behind, each after its first item."""
    make, model = create(sdk, "sync")
    for _ in range(count):
        next(iter(make(model=model, **ASKED)))


async def leave_async(sdk: str, count: int) -> None:
    """Do the same in an event loop."""
    make, model = create(sdk, "async")
    for _ in range(count):
        stream = await make(model=model, **ASKED)
        await anext(aiter(stream))
        del stream
        await asyncio.sleep(0)  # the loop closes what was dropped


def more_mb(sdk: str, kind: str, count: int) -> float:
    """Return the MB that a process has more after so many streams than it had after the first ones."""
    used = []
    for number in (min(count, WARM_UP), count):
        leave(sdk, number) if kind == "sync" else asyncio.run(leave_async(sdk, number))
        gc.collect()
        used.append(rss_mb())
    return used[1] - used[0]


def rss_mb() -> float:
    """Return the MB of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> int:
    """Print what each SDK keeps, sync and async; return 1 if it is too much."""
    parser = argparse.ArgumentParser(description="Memory kept by streams that were left.")
    parser.add_argument("--streams", type=int, default=10_000)
    count = parser.parse_args().streams
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        hilt_autolog.enable(path=os.path.join(folder, "log.hilt.jsonl"), strict=True)
        for sdk in IN_PROCESS:
            for kind in ("sync", "async"):
                more = more_mb(sdk, kind, count)
                worst = max(worst, more)
                print(f"{sdk:<10} {kind:<6} {count} streams left: {more:+.1f} MB")
        hilt_autolog.disable()
    print(f"at most {MOST_MB} MB are allowed")
    return int(worst > MOST_MB)


if __name__ == "__main__":
    sys.exit(main())
