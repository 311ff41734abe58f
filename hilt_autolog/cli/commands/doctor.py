"""hilt doctor: which door is open, what is watched, where the log goes, and why nothing is logged if so."""

from __future__ import annotations

import json
import platform
import sys
from typing import TYPE_CHECKING, Any

from hilt_autolog import __version__
from hilt_autolog.cli.checks import Finding, problem
from hilt_autolog.cli.checks.coverage import coverage, coverage_json, coverage_table
from hilt_autolog.cli.checks.entry_points import entry_point, startup
from hilt_autolog.cli.checks.logs import newest, place
from hilt_autolog.cli.checks.sdks import sdks
from hilt_autolog.cli.checks.settings import settings
from hilt_autolog.cli.checks.sheets import sheets
from hilt_autolog.cli.exit_codes import FINDINGS, OK
from hilt_autolog.cli.render.terminal import Screen, spelled_out, stdout_screen

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterable

CHECKS: dict[str, Callable[[], Iterable[Finding]]] = {
    "door": entry_point,
    "start-up files": startup,
    "SDKs": sdks,
    "settings": settings,
    "log": place,
    "written so far": newest,
    "sheets": sheets,
}
_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}
_PLAIN = Screen(width=None, has_colours=False)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--coverage", action="store_true", help="print what of each SDK is watched, and stop")


def run(chosen: Namespace) -> int:
    """Examine everything and print what is found.

    Returns:
        0 if calls are recorded, 1 if something keeps them out of the log.
    """
    if chosen.coverage:
        return _cover(is_json=chosen.json)
    report = examine()
    print(
        json.dumps(as_json(report), indent=2) if chosen.json else as_text(report, stdout_screen(chosen.color))
    )
    return FINDINGS if _problems(report) else OK


def _cover(*, is_json: bool) -> int:
    """Print what is covered, and return 0 if all could be examined."""
    found = coverage()
    lines = coverage_table(found).splitlines()
    print(json.dumps(coverage_json(found), indent=2) if is_json else "\n".join(map(spelled_out, lines)))
    return FINDINGS if any(sdk.trouble for sdk in found) else OK


def examine() -> dict[str, list[Finding]]:
    """Return the findings by topic. A check that fails itself is a problem, with the others unharmed."""
    report: dict[str, list[Finding]] = {}
    for topic, check in CHECKS.items():
        found = report[topic] = []
        try:
            found.extend(check())
        except Exception as error:
            found.append(problem(f"cannot be examined: {type(error).__name__}: {error}"))
    return report


def as_json(report: dict[str, list[Finding]]) -> dict[str, Any]:
    """Return a report as JSON values."""
    return {
        "hilt_autolog": __version__,
        "python": {"version": platform.python_version(), "executable": sys.executable},
        "problems": _problems(report),
        "findings": [
            {"topic": topic, **finding._asdict()} for topic, found in report.items() for finding in found
        ],
    }


def as_text(report: dict[str, list[Finding]], screen: Screen = _PLAIN) -> str:
    """Return a report as lines for people."""
    lines = [f"hilt-autolog {__version__}, Python {platform.python_version()} ({sys.executable})"]
    for topic, found in report.items():
        lines += ["", topic]
        for mark, text, _ in found:
            lines.append(f"  {screen.styled(f'{mark:<8}', _COLOURS[mark])} {spelled_out(text)}")
    count = _problems(report)
    verdict = f"{count} {'problem keeps' if count == 1 else 'problems keep'}" if count else "nothing keeps"
    return "\n".join([*lines, "", f"{verdict} calls out of the log"])


def _problems(report: dict[str, list[Finding]]) -> int:
    return sum(finding.mark == "problem" for found in report.values() for finding in found)
