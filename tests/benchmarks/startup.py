"""What we cost a program before it uses any SDK: python -m tests.benchmarks.startup [--starts 200]

Builds the wheel, installs it in a fresh virtual environment, and starts Python there and in an equal one
without it, in turns. CPU time (user and system) is what the kernel counted for each process; what we cost
is the median of the differences within a turn, because a shared machine changes its pace from turn to turn.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import timeit
from pathlib import Path

from hilt_autolog.instrumentation import import_hook
from hilt_autolog.providers import sdks
from tests.support import wheels

MODULES = "import sys; print(*sorted(sys.modules), sep='\\n')"


def cpu_ms(command: list[str], environ: dict[str, str]) -> float:
    """Return the CPU milliseconds of one run of a command."""
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    process = os.posix_spawn(command[0], command, environ, file_actions=quiet)
    _, status, used = os.wait4(process, 0)
    assert status == 0, command
    return 1000 * (used.ru_utime + used.ru_stime)


def measure(variants: dict[str, tuple[list[str], dict[str, str]]], starts: int) -> dict[str, list[float]]:
    """Run every variant in turns, each turn in another order; the first three turns only warm up."""
    found: dict[str, list[float]] = {name: [] for name in variants}
    names = list(variants)
    for turn in range(-3, starts):
        names.append(names.pop(0))
        for name in names:
            ms = cpu_ms(*variants[name])
            if turn >= 0:
                found[name].append(ms)
    return found


def gained(python: Path, plain: Path, environ: dict[str, str]) -> list[str]:
    """Return the modules that a start loads more than it does without us."""
    loaded = [
        subprocess.run([p, "-c", MODULES], env=environ, capture_output=True, text=True, check=True).stdout
        for p in (python, plain)
    ]
    return sorted(set(loaded[0].split()) - set(loaded[1].split()))


def import_ns() -> float:
    """Return what the finder adds to an import that nobody waits for, in nanoseconds."""
    undo = import_hook.when_imported(sdks(), print)
    find_spec = sys.meta_path[0].find_spec
    times = timeit.repeat(lambda: find_spec("uninteresting", None, None), number=100_000, repeat=7)
    empty = timeit.repeat(lambda: None, number=100_000, repeat=7)
    undo()
    return (min(times) - min(empty)) * 1e4


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=200, help="starts of each variant")
    starts = parser.parse_args().starts
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain, ours = wheels.environment(folder / "plain"), wheels.environment(folder / "ours")
        wheels.install(wheels.wheel(wheels.source(folder / "source"), folder), ours)
        off, on = wheels.clean_environ(), wheels.clean_environ(HILT_AUTOLOG="1")
        found = measure(
            {
                "plain Python": ([str(plain), "-c", "0"], off),
                "HILT_AUTOLOG unset": ([str(ours), "-c", "0"], off),
                "HILT_AUTOLOG=1": ([str(ours), "-c", "0"], on),
                "hilt-run": ([str(ours.with_name("hilt-run")), "/bin/true"], off),
            },
            starts,
        )
        print(f"CPU of a start, {starts} each, Python {sys.version.split()[0]}")
        for variant, times in found.items():
            more = statistics.median(b - a for a, b in zip(found["plain Python"], times, strict=True))
            print(f"  {variant:<20} {statistics.median(times):7.3f} ms   {more:+.3f} ms")
        print(f"modules more, unset: {', '.join(gained(ours, plain, off))}")
        print(f"modules more, set:   {', '.join(gained(ours, plain, on))}")
    print(f"an import that nobody waits for: {import_ns():.0f} ns")
    print(f"naming the SDKs: {timeit.timeit(sdks, number=1000) * 1000:.1f} us")


if __name__ == "__main__":
    main()
