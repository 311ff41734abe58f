"""What the command line costs: python -m tests.benchmarks.commandline [--starts 40] [--megabytes 100]

CPU time (user and system) is what the kernel counted for each process. A start is compared with bare Python
in turns, and is the median of the differences. Reading is the best of five, of a log with the conversation of
the tests again and again, each time with ids of its own; the start of Python is in it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.startup import cpu_ms, measure
from tests.support import (
    sample_log,
    wheels,
)

HILT = [sys.executable, "-m", "hilt_autolog"]
BUDGET = 40.0  # milliseconds over bare Python
READING = {
    "validate": ["validate"],
    "search, words": ["search", "--count", "zebra"],
    "search, /a regular expression/": ["search", "--count", "/z[e]bra/"],
    "show --list": ["show", "--list"],
    "tail -n 20": ["tail", "-n", "20"],
}


def write(path: Path, size: int) -> int:
    """Write a log of about this many bytes, and return how many events it has."""
    events = [*sample_log.CONVERSATION, *sample_log.FAILURE]
    line = json.dumps(events, ensure_ascii=False)
    count = 0
    with path.open("wb") as file:
        while file.tell() < size:
            again = json.loads(
                line.replace('"event-', f'"event-{count}-').replace("conv_", f"conv_{count % 997}")
            )
            file.write(sample_log.lines(again))
            count += len(events)
    return count


def main() -> None:
    """Print the figures; exit with 1 if the start is over its budget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=40, help="starts of each variant")
    parser.add_argument("--megabytes", type=int, default=100, help="size of the log that is read")
    chosen = parser.parse_args()
    environ = {**wheels.clean_environ(PYTHONPATH=str(wheels.ROOT)), "TERM": "dumb"}

    variants = {
        "bare": [sys.executable, "-c", "0"],
        "hilt --help": [*HILT, "--help"],
        "hilt tail --help": [*HILT, "tail", "--help"],
    }
    found = measure({name: (command, environ) for name, command in variants.items()}, chosen.starts)
    print(f"CPU of a start, {chosen.starts} each, Python {sys.version.split()[0]}")
    more = {
        name: statistics.median(b - a for a, b in zip(found["bare"], times, strict=True))
        for name, times in found.items()
    }
    for name, times in found.items():
        print(f"  {name:<18} {statistics.median(times):6.1f} ms  {more[name]:+6.1f} ms")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.hilt.jsonl"
        events = write(path, chosen.megabytes * 1_000_000)
        size = path.stat().st_size / 1e6
        print(f"CPU of reading {size:.0f} MB, {events:,} events")
        for name, words in READING.items():
            ms = min(spent([*HILT, *words, str(path)], environ) for _ in range(5))
            print(f"  {name:<32} {ms:7.0f} ms  {size / ms * 1000:6.0f} MB/s")
    sys.exit(more["hilt --help"] > BUDGET)


def spent(command: list[str], environ: dict[str, str]) -> float:
    """Return the CPU milliseconds of a command that may end with 1: nothing was found."""
    return cpu_ms(["/bin/sh", "-c", '"$@"; [ $? -le 1 ]', "sh", *command], environ)


if __name__ == "__main__":
    main()
