"""Measure the branch coverage of what records a call, and fail if it is too low.

    python tests/branch_coverage.py                     all tests of it
    python tests/branch_coverage.py tests/log -x        these only, with options of pytest

The packages and the least percentage are in pyproject.toml, under `tool.coverage`. Programs that tests start
are counted, except those that run in an environment of their own. The exit code is pytest's if a test fails,
and 2 if the percentage is too low.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
AREAS = (
    "tests/conformance",
    "tests/instrumentation",
    "tests/integrations",
    "tests/log",
    "tests/manual",
    "tests/processes",
    "tests/providers",
    "tests/recording",
    "tests/runs",
    "tests/runtime",
)
# CPython 3.11 may fail to start a thread while another installs a tracer; pytest reports that as an
# unraisable exception. The plain run of the tests turns such warnings into errors.
OPTIONS = ("-q", "-m", "not untraced", "-W", "ignore::pytest.PytestUnraisableExceptionWarning", "-n", "auto")


def main(arguments: list[str]) -> int:
    """Run the tests, put their data together, and print what is not covered."""
    with tempfile.TemporaryDirectory() as folder:
        environ = os.environ | {"COVERAGE_FILE": str(Path(folder, "coverage"))}
        steps = (
            ["run", "-m", "pytest", *OPTIONS, *(arguments or AREAS)],
            ["combine", "--quiet"],
            ["report"],
        )
        commands = [[sys.executable, "-m", "coverage", *step] for step in steps]
        codes = [subprocess.run(step, cwd=ROOT, env=environ, check=False).returncode for step in commands]
    return next(filter(None, codes), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
