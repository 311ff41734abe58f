"""hilt doctor: how recording is switched on, what is recorded, where to, and what prevents it."""

from __future__ import annotations

import json
import platform
import sys
from typing import TYPE_CHECKING

from hilt_autolog import __version__
from hilt_autolog.cli.checks import Finding, problem
from hilt_autolog.cli.checks.coverage import coverage_json, coverage_table, installed_coverage
from hilt_autolog.cli.checks.entry_points import check_entry_point, check_startup_files
from hilt_autolog.cli.checks.logs import check_log_path, check_recent_logs, check_sheets
from hilt_autolog.cli.checks.sdks import check_sdks
from hilt_autolog.cli.checks.settings import check_settings
from hilt_autolog.cli.exit_codes import FINDINGS, OK
from hilt_autolog.cli.render.terminal import Screen, escape_line, stdout_screen

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterable

    from hilt_autolog.contracts.types import JsonObject

    Report = dict[str, list[Finding]]  # by topic

CHECKS: dict[str, Callable[[], Iterable[Finding]]] = {
    "entry point": check_entry_point,
    "start-up files": check_startup_files,
    "SDKs": check_sdks,
    "settings": check_settings,
    "log": check_log_path,
    "written so far": check_recent_logs,
    "sheets": check_sheets,
}
_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}
_PLAIN = Screen(width=None, has_colours=False)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--coverage", action="store_true", help="print what of each SDK is recorded, and stop"
    )


def run(args: Namespace) -> int:
    """Run all checks and print their findings.

    Returns:
        0 if calls are recorded, 1 if something keeps them out of the log.
    """
    if args.coverage:
        return _print_coverage(is_json=args.json)
    report = run_checks()
    if args.json:
        print(json.dumps(report_json(report), indent=2))
    else:
        print(report_text(report, stdout_screen(args.color)))
    return FINDINGS if _problem_count(report) else OK


def _print_coverage(*, is_json: bool) -> int:
    """Print the coverage, and return 0 if all SDKs could be examined."""
    sdks = installed_coverage()
    if is_json:
        print(json.dumps(coverage_json(sdks), indent=2))
    else:
        print("\n".join(map(escape_line, coverage_table(sdks).splitlines())))
    return FINDINGS if any(sdk.error for sdk in sdks) else OK


def run_checks() -> Report:
    """Return the findings by topic; a check that raises is a problem itself and does not stop the others."""
    report: Report = {}
    for topic, check in CHECKS.items():
        findings = report[topic] = []
        try:
            findings.extend(check())
        except Exception as error:
            findings.append(problem(f"cannot be examined: {type(error).__name__}: {error}"))
    return report


def report_json(report: Report) -> JsonObject:
    """Return a report as a JSON object."""
    return {
        "hilt_autolog": __version__,
        "python": {"version": platform.python_version(), "executable": sys.executable},
        "problems": _problem_count(report),
        "findings": [
            {"topic": topic, **finding._asdict()}
            for topic, findings in report.items()
            for finding in findings
        ],
    }


def report_text(report: Report, screen: Screen = _PLAIN) -> str:
    """Return a report as text."""
    lines = [f"hilt-autolog {__version__}, Python {platform.python_version()} ({sys.executable})"]
    for topic, findings in report.items():
        lines += ["", topic]
        for level, text, _ in findings:
            lines.append(f"  {screen.styled(f'{level:<8}', _COLOURS[level])} {escape_line(text)}")
    number = _problem_count(report)
    verdict = f"{number} {'problem keeps' if number == 1 else 'problems keep'}" if number else "nothing keeps"
    return "\n".join([*lines, "", f"{verdict} calls out of the log"])


def _problem_count(report: Report) -> int:
    return sum(finding.mark == "problem" for findings in report.values() for finding in findings)
