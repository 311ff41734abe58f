"""What reading a large log costs: python -m tests.benchmarks.reading [--megabytes 1000] [--turns 3]

Makes a log of mixed events with torn lines, and runs each command over it in a process of its own, with
DuckDB and where it is hidden. CPU seconds are user and system time as the kernel counted them for the
process, all its threads together, start included; of the turns the best and the median, because a shared
machine changes its pace. Memory is the most that was resident.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks import mixed_log

COMMAND = "import sys; {hidden}from hilt_autolog.cli import main; sys.exit(main(sys.argv[1:]))"
HIDDEN = "sys.modules['duckdb'] = None; "
ROW = "{:<22}{:>8}{:>12}{:>8}{:>8}{:>6}{:>11}"
QUERY = "SELECT model, count(*), sum(cost_usd) FROM events GROUP BY model"


class Figure(NamedTuple):
    """What one run took."""

    cpu: float  # seconds
    wall: float  # seconds
    memory: float  # MB


def run(words: list[str], *, is_hidden: bool, folder: Path) -> Figure:
    """Run a command and return what it took; what it prints goes to a file."""
    program = COMMAND.format(hidden=HIDDEN if is_hidden else "")
    told = [
        (os.POSIX_SPAWN_OPEN, number, str(folder / name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for number, name in ((1, "stdout"), (2, "stderr"))
    ]
    begun = os.times().elapsed
    process = os.posix_spawn(
        sys.executable, [sys.executable, "-c", program, *words], os.environ, file_actions=told
    )
    _, status, used = os.wait4(process, 0)
    assert os.waitstatus_to_exitcode(status) in (0, 1), (folder / "stderr").read_text()
    return Figure(used.ru_utime + used.ru_stime, os.times().elapsed - begun, used.ru_maxrss / 1024)


def told(folder: Path) -> int:
    """Return how many bad lines the last run has reported."""
    lines = (folder / "stderr").read_text().splitlines()
    more = sum(int(line.split()[2]) for line in lines if line.startswith("hilt: and "))
    return more + sum(".jsonl:" in line for line in lines)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000, help="size of the log")
    parser.add_argument("--turns", type=int, default=3, help="runs of each command")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "mixed.hilt.jsonl"
        truth = mixed_log.write(log, chosen.megabytes * 10**6)
        print(", ".join(f"{number:,} {what}" for what, number in truth._asdict().items()))
        commands = {
            "search (words)": ["search", "nowhere", str(log)],  # a line without it is not parsed
            "search (regex)": ["search", "/nowhere/", str(log)],
            "stats": ["stats", str(log)],
            "stats --breakdown": ["stats", str(log), "--breakdown"],
            "query": ["query", QUERY, str(log)],
            "convert --to parquet": ["convert", str(log), "-o", str(folder / "o.parquet")],
            "convert --to csv": ["convert", str(log), "-o", str(folder / "o.csv")],
        }
        print(ROW.format("command", "DuckDB", "cpu s best", "median", "wall s", "MB", "bad lines"))
        for command, words in commands.items():
            for is_hidden in (False, True):
                if is_hidden and command in ("query", "convert --to parquet"):
                    continue
                figures = [run(words, is_hidden=is_hidden, folder=folder) for _ in range(chosen.turns)]
                cpu = [figure.cpu for figure in figures]
                wall, memory = min(f.wall for f in figures), max(f.memory for f in figures)
                seconds = [f"{number:.2f}" for number in (min(cpu), statistics.median(cpu), wall)]
                has = "no" if is_hidden else "yes"
                print(ROW.format(command, has, *seconds, f"{memory:.0f}", told(folder)), flush=True)


if __name__ == "__main__":
    main()
