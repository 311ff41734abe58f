"""hilt validate: every line of a log held against the format, and against what events promise each other."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from hilt_autolog.cli.exit_codes import FINDINGS, OK, UNREADABLE
from hilt_autolog.cli.render.event_format import count
from hilt_autolog.cli.render.progress import Progress, total, watched_one_by_one
from hilt_autolog.cli.render.table import print_table
from hilt_autolog.cli.render.terminal import json_text, spelled_out, stdout_screen
from hilt_autolog.cli.select.sources import add_paths, opened, part
from hilt_autolog.reading.lines import ReadProblem

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator, Sequence

    from hilt_autolog.cli.render.terminal import Screen
    from hilt_autolog.reading.lines import LocatedEvent, Source


_MOST = 20
_COLUMNS = {"file": "~", "lines": ">", "valid": ">", "invalid": ">", "warnings": ">"}


@dataclass
class Verdict:
    """What was found in a file: how many lines hold a valid event, how many do not, and how many warn."""

    file: str
    valid: int = 0
    invalid: int = 0
    warnings: int = 0


class Examination:
    """Holds files against the format.

    Attributes:
        verdicts: What was found, by file.
        invalid: The first lines that hold no event, each with the reason.
        warnings: The first events that promise what the log does not keep.
        is_unreadable: Whether a file could not be read to its end.

    Args:
        most: How many of each are kept; all are counted.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.verdicts: dict[str, Verdict] = {}
        self.invalid: list[ReadProblem] = []
        self.warnings: list[ReadProblem] = []
        self.is_unreadable = False

    def read(self, sources: Sequence[Source], progress: Progress) -> None:
        """Examine files."""
        from hilt_autolog.reading.lines import ReadProblem, events
        from hilt_autolog.reading.validation import validate_event

        promises = ReferenceChecker()
        for source, ticking in watched_one_by_one(sources, progress):
            verdict = self.verdicts[source.name] = Verdict(source.name)
            for placed in ticking(events(source, self._refuse)):
                judged = validate_event(placed.event)
                wrong = judged if isinstance(judged, str) else promises.take(placed)
                if wrong is None:
                    verdict.valid += 1
                else:
                    self._refuse(ReadProblem(placed.file, placed.line, wrong.removeprefix("no HILT event: ")))
        for problem in promises.broken():
            self.verdicts[problem.file].warnings += 1
            if len(self.warnings) < self._most:
                self.warnings.append(problem)

    def _refuse(self, problem: ReadProblem) -> None:
        self.verdicts[problem.file].invalid += 1
        if len(self.invalid) < self._most:
            self.invalid.append(problem)
        self.is_unreadable |= problem.reason.startswith("unreadable")

    def sum(self, figure: str) -> int:
        """Return how many lines are `valid` or `invalid`, or how many `warnings` there are, in all files."""
        return sum(getattr(verdict, figure) for verdict in self.verdicts.values())

    @property
    def code(self) -> int:
        """Return the exit code that the findings mean; warnings mean none."""
        return UNREADABLE if self.is_unreadable else FINDINGS if self.sum("invalid") else OK


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_paths(parser)
    parser.add_argument(
        "--max-errors",
        type=int,
        default=_MOST,
        metavar="N",
        help=f"how many errors, and warnings, to name (default: {_MOST})",
    )
    parser.add_argument(
        "--verbose", action="store_true", help="name the files in order, too, and the warnings"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(chosen: Namespace) -> int:
    """Examine every line.

    Returns:
        0 if each holds a valid event, 1 if one does not, 3 if a file cannot be read.
    """
    sources = opened(chosen.paths).sources
    examination = Examination(max(chosen.max_errors, 0))
    with Progress(total(sources)) as progress:
        examination.read(sources, progress)
    if chosen.json:
        print(json_text(_as_json(examination), indent=2))
    else:
        _print(examination, chosen, stdout_screen(chosen.color))
    return examination.code


def _as_json(examination: Examination) -> dict[str, Any]:
    return {
        "valid": examination.code == OK,
        "files": [asdict(verdict) for verdict in examination.verdicts.values()],
        "errors": [problem._asdict() for problem in examination.invalid],
        "warnings": [problem._asdict() for problem in examination.warnings],
    }


def _print(examination: Examination, chosen: Namespace, screen: Screen) -> None:
    _print_problems(examination.invalid, screen.styled("error", "red"))
    _print_more(examination.sum("invalid") - len(examination.invalid), "error")
    if chosen.verbose:
        _print_problems(examination.warnings, screen.styled("warning", "yellow"))
        _print_more(examination.sum("warnings") - len(examination.warnings), "warning")
    verdicts = list(examination.verdicts.values())
    listed = [one for one in verdicts if chosen.verbose or one.invalid]
    if listed:
        print()
        rows = [(one.file, one.valid + one.invalid, one.valid, one.invalid, one.warnings) for one in listed]
        print_table(_COLUMNS, rows, screen)
        print()
    valid, invalid, warnings = map(examination.sum, ("valid", "invalid", "warnings"))
    words = f"{count(valid, 'valid event')}, {count(invalid, 'invalid line')}"
    words += f", {count(warnings, 'warning')}" if warnings else ""
    words += f" in {count(len(verdicts), 'file')}"
    print(screen.styled(words, "red" if invalid else "green"))


def _print_problems(problems: Sequence[ReadProblem], mark: str) -> None:
    for problem in problems:
        print(f"{spelled_out(problem.file)}:{problem.line}: {mark}: {spelled_out(problem.reason)}")


def _print_more(number: int, kind: str) -> None:
    if number:
        print(f"and {count(number, f'more {kind}')}")


Event = dict[str, Any]

_ENDS = ("completion", "system", "retrieval", "embedding")  # the actions that answer a prompt


class ReferenceChecker:
    """Takes events in any order, and tells at the end which promises are not kept.

    It remembers an id for each event, so it grows with the log: about 150 bytes an event.
    """

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._unknown: dict[str, list[tuple[str, int, str]]] = {}  # references to what has not been seen
        self._open: dict[str, tuple[str, int]] = {}  # prompts, and where they stand
        self._ended: set[str] = set()  # prompts yet to come: other files may tell their ends first

    def take(self, placed: LocatedEvent) -> str | None:
        """Take an event; return what is wrong with it if its id is another event's as well."""
        event, file, line = placed
        name, extensions = event.get("event_id"), part(event, "extensions")
        self._refer(extensions.get("reply_to"), (file, line, "reply_to"))
        if "history" in extensions:
            self._refer(part(extensions, "history").get("after"), (file, line, "history"))
        if event.get("action") in _ENDS:
            self._end(extensions.get("reply_to"))
        if not isinstance(name, str):
            return None
        if name in self._ids:
            return f"event_id: {name} is the id of an earlier event"
        self._ids.add(name)
        self._unknown.pop(name, None)
        if event.get("action") == "prompt":
            self._begin(name, (file, line))
        return None

    def _refer(self, target: object, place: tuple[str, int, str]) -> None:
        if isinstance(target, str) and target not in self._ids:
            self._unknown.setdefault(target, []).append(place)

    def _begin(self, prompt: str, place: tuple[str, int]) -> None:
        if prompt in self._ended:
            self._ended.discard(prompt)
        else:
            self._open[prompt] = place

    def _end(self, prompt: object) -> None:
        if isinstance(prompt, str) and self._open.pop(prompt, None) is None and prompt not in self._ids:
            self._ended.add(prompt)

    def broken(self) -> Iterator[ReadProblem]:
        """Yield what is not kept, once all events have been taken."""
        for target, places in self._unknown.items():
            for file, line, key in places:
                yield ReadProblem(file, line, f"{key}: no event has the id {target}")
        for file, line in self._open.values():
            yield ReadProblem(
                file, line, "the prompt has no end: its call still runs, or its process was killed"
            )
