"""Run the tests of capturing against every line of SDK versions that we say we support.

    python tests/matrix.py          all lines
    python tests/matrix.py A C      these only

Each line gets a virtual environment of its own, made by uv where there is one, else by venv and pip, and
removed afterwards. The exit code is 0 if every line has passed, 2 for a line that is not in the table.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
AREAS = (
    "tests/conformance",
    "tests/frameworks",
    "tests/instrumentation",
    "tests/integrations",
    "tests/launcher",
    "tests/manual",
    "tests/processes",
    "tests/providers",
    "tests/recording",
    "tests/runs",
    "tests/runtime",
)
LINES = {  # what is installed; the rest is the newest that goes with it
    "A": "",
    "B": "google-genai==3.6.* google-generativeai==0.8.*",
    "C": "openai==1.109.* anthropic==0.54.*",  # the last of 1.x, and what we ask for at least
    "D": "openai==2.54.* anthropic==1.17.* google-genai==1.75.*",
    "E": "langchain-core==0.3.86 langgraph==0.6.11",
    "frameworks": "litellm openai-agents pydantic-ai-slim[openai,anthropic] claude-agent-sdk",
    "anthropic-0.125": "anthropic==0.125.*",  # the last of 0.x
    "google-genai-2.34": "google-genai==2.34.*",
    "openai-3.54": "openai==3.54.*",
}
ONLY = {"frameworks": ("tests/frameworks",)}  # lines for some of the tests


def main(wanted: list[str]) -> int:
    """Run the lines that are named, or all of them, and print a table of how they went."""
    if unknown := [line for line in wanted if line not in LINES]:
        print(f"no such line: {', '.join(unknown)}; there are {', '.join(LINES)}", file=sys.stderr)
        return 2
    outcomes = {line: outcome(line) for line in wanted or LINES}
    print(f"\n{'line':<16}{'passed':>8}{'failed':>8}{'skipped':>9}")
    for line, counts in outcomes.items():
        print(f"{line:<16}{counts['passed']:>8}{counts['failed']:>8}{counts['skipped']:>9}")
    return int(any(counts["failed"] or not counts["passed"] for counts in outcomes.values()))


def outcome(line: str) -> Counter[str]:
    """Install a line in an empty environment, run the tests there, and count how they went."""
    print(f"== {line}", flush=True)
    with tempfile.TemporaryDirectory(prefix="matrix-") as folder:
        python = environment(Path(folder) / "venv", LINES[line])
        report = Path(folder) / "report.xml"
        command = [
            python,
            "-m",
            "pytest",
            "-q",
            "-n",
            "2",
            "-p",
            "no:cacheprovider",
            f"--junitxml={report}",
            *ONLY.get(line, AREAS),
        ]
        ended = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
        counts = counted(report) if report.exists() else Counter()
        if ended.returncode and not counts["failed"]:  # pytest itself has failed
            counts["failed"] = 1
        return counts


def environment(folder: Path, requirements: str) -> Path:
    """Make a virtual environment with this package, editable, and what its tests need; return its Python."""
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    packages = ["-e", f"{ROOT}[dev]", *requirements.split()]
    if uv := shutil.which("uv"):
        # With pip in it (--seed), which the tests of installing use.
        run(uv, "venv", "-q", "--seed", "--python", sys.executable, str(folder))
        run(uv, "pip", "install", "-q", "--python", str(python), *packages)
    else:
        run(sys.executable, "-m", "venv", str(folder))
        run(str(python), "-m", "pip", "install", "-q", *packages)
    return python


def run(*command: str) -> None:
    """Run a command that must succeed."""
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True)


def counted(report: Path) -> Counter[str]:
    """Read pytest's JUnit report; a test that could not be set up has failed."""
    counts: Counter[str] = Counter()
    for suite in ET.parse(report).getroot().iter("testsuite"):
        number = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
        failed = number["failures"] + number["errors"]
        counts.update(
            passed=number["tests"] - failed - number["skipped"], failed=failed, skipped=number["skipped"]
        )
    return counts


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
