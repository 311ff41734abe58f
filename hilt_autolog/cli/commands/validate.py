"""hilt validate: every line of a log against the format, and the references between events."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from hilt_autolog.cli.exit_codes import FINDINGS, OK, UNREADABLE
from hilt_autolog.cli.render.progress import Progress, sources_with_progress, total_size
from hilt_autolog.cli.render.table import print_table
from hilt_autolog.cli.render.terminal import escape_line, json_text, stdout_screen
from hilt_autolog.cli.select.sources import add_paths, open_log
from hilt_autolog.format import count, section
from hilt_autolog.reading.lines import ReadProblem

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator, Sequence

    from hilt_autolog.cli.render.terminal import Screen
    from hilt_autolog.contracts.types import JsonObject
    from hilt_autolog.reading.lines import LocatedEvent, Source


_MAX_ERRORS = 20
_COLUMNS = {"file": "~", "lines": ">", "valid": ">", "invalid": ">", "warnings": ">"}


@dataclass
class FileReport:
    """The counts of a file: lines with a valid event, lines without one, and warnings."""

    file: str
    valid: int = 0
    invalid: int = 0
    warnings: int = 0


class Validator:
    """Validates files.

    Attributes:
        reports: the counts by file.
        errors: the first lines that hold no valid event, each with the reason.
        warnings: the first events whose references are unresolved.
        is_unreadable: whether a file could not be read to its end.

    Args:
        max_errors: how many errors, and how many warnings, are kept; all are counted.
    """

    def __init__(self, max_errors: int) -> None:
        self._max_errors = max_errors
        self.reports: dict[str, FileReport] = {}
        self.errors: list[ReadProblem] = []
        self.warnings: list[ReadProblem] = []
        self.is_unreadable = False

    def read(self, sources: Sequence[Source], progress: Progress) -> None:
        """Validate files."""
        from hilt_autolog.reading.lines import events
        from hilt_autolog.reading.validation import validate_event

        references = ReferenceChecker()
        for source, with_updates in sources_with_progress(sources, progress):
            report = self.reports[source.name] = FileReport(source.name)
            for located in with_updates(events(source, self._add_error)):
                event = validate_event(located.event)
                error = event if isinstance(event, str) else references.add(located)
                if error is None:
                    report.valid += 1
                else:
                    reason = error.removeprefix("no HILT event: ")
                    self._add_error(ReadProblem(located.file, located.line, reason))
        for problem in references.unresolved():
            self.reports[problem.file].warnings += 1
            if len(self.warnings) < self._max_errors:
                self.warnings.append(problem)

    def _add_error(self, problem: ReadProblem) -> None:
        self.reports[problem.file].invalid += 1
        if len(self.errors) < self._max_errors:
            self.errors.append(problem)
        self.is_unreadable |= problem.reason.startswith("unreadable")

    def sum(self, figure: str) -> int:
        """Return the sum of `valid`, `invalid` or `warnings` over all files."""
        return sum(getattr(report, figure) for report in self.reports.values())

    @property
    def exit_code(self) -> int:
        """The exit code for the errors; warnings do not change it."""
        return UNREADABLE if self.is_unreadable else FINDINGS if self.sum("invalid") else OK


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_paths(parser)
    parser.add_argument(
        "--max-errors",
        type=int,
        default=_MAX_ERRORS,
        metavar="N",
        help=f"how many errors, and warnings, to list (default: {_MAX_ERRORS})",
    )
    parser.add_argument(
        "--verbose", action="store_true", help="list the warnings, and the files without errors, too"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: Namespace) -> int:
    """Validate every line.

    Returns:
        0 if each holds a valid event, 1 if one does not, 3 if a file cannot be read.
    """
    sources = open_log(args.paths).sources
    validator = Validator(max(args.max_errors, 0))
    with Progress(total_size(sources)) as progress:
        validator.read(sources, progress)
    if args.json:
        print(json_text(_as_json(validator), indent=2))
    else:
        _print(validator, args, stdout_screen(args.color))
    return validator.exit_code


def _as_json(validator: Validator) -> JsonObject:
    return {
        "valid": validator.exit_code == OK,
        "files": [asdict(report) for report in validator.reports.values()],
        "errors": [problem._asdict() for problem in validator.errors],
        "warnings": [problem._asdict() for problem in validator.warnings],
    }


def _print(validator: Validator, args: Namespace, screen: Screen) -> None:
    valid, invalid, warnings = map(validator.sum, ("valid", "invalid", "warnings"))
    _print_problems(validator.errors, screen.styled("error", "red"))
    _print_rest(invalid - len(validator.errors), "error")
    if args.verbose:
        _print_problems(validator.warnings, screen.styled("warning", "yellow"))
        _print_rest(warnings - len(validator.warnings), "warning")
    reports = list(validator.reports.values())
    rows = [
        (report.file, report.valid + report.invalid, report.valid, report.invalid, report.warnings)
        for report in reports
        if args.verbose or report.invalid
    ]
    if rows:
        print()
        print_table(_COLUMNS, rows, screen)
        print()
    summary = f"{count(valid, 'valid event')}, {count(invalid, 'invalid line')}"
    summary += f", {count(warnings, 'warning')}" if warnings else ""
    summary += f" in {count(len(reports), 'file')}"
    print(screen.styled(summary, "red" if invalid else "green"))


def _print_problems(problems: Sequence[ReadProblem], label: str) -> None:
    for problem in problems:
        print(f"{escape_line(problem.file)}:{problem.line}: {label}: {escape_line(problem.reason)}")


def _print_rest(number: int, noun: str) -> None:
    if number:
        print(f"and {count(number, f'more {noun}')}")


_END_ACTIONS = ("completion", "system", "retrieval", "embedding")  # they end a prompt's call


class ReferenceChecker:
    """Checks that ids are unique, that references resolve, and that each prompt has an end.

    Events may come in any order. This keeps an id for each event, so it grows with the log: about 150 bytes
    an event.
    """

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._missing: dict[str, list[tuple[str, int, str]]] = {}  # id -> file, line and key that refer to it
        self._open: dict[str, tuple[str, int]] = {}  # prompts without an end: file and line
        self._ended: set[str] = set()  # prompts still to come: other files may hold their ends first

    def add(self, located: LocatedEvent) -> str | None:
        """Add an event; return the error if its id is the id of an earlier event."""
        event, file, line = located
        event_id, extensions = event.get("event_id"), section(event, "extensions")
        self._add_reference(extensions.get("reply_to"), (file, line, "reply_to"))
        if "history" in extensions:
            self._add_reference(section(extensions, "history").get("after"), (file, line, "history"))
        if event.get("action") in _END_ACTIONS:
            self._add_end(extensions.get("reply_to"))
        if not isinstance(event_id, str):
            return None
        if event_id in self._ids:
            return f"event_id: {event_id} is the id of an earlier event"
        self._ids.add(event_id)
        self._missing.pop(event_id, None)
        if event.get("action") == "prompt":
            self._add_prompt(event_id, (file, line))
        return None

    def _add_reference(self, event_id: object, location: tuple[str, int, str]) -> None:
        if isinstance(event_id, str) and event_id not in self._ids:
            self._missing.setdefault(event_id, []).append(location)

    def _add_prompt(self, event_id: str, location: tuple[str, int]) -> None:
        if event_id in self._ended:
            self._ended.discard(event_id)
        else:
            self._open[event_id] = location

    def _add_end(self, prompt_id: object) -> None:
        if not isinstance(prompt_id, str):
            return
        if self._open.pop(prompt_id, None) is None and prompt_id not in self._ids:
            self._ended.add(prompt_id)

    def unresolved(self) -> Iterator[ReadProblem]:
        """Yield the unresolved references and the prompts without an end, once all events are added."""
        for event_id, locations in self._missing.items():
            for file, line, key in locations:
                yield ReadProblem(file, line, f"{key}: no event has the id {event_id}")
        for file, line in self._open.values():
            yield ReadProblem(
                file, line, "the prompt has no end: its call still runs, or its process was killed"
            )
