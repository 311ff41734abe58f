"""The logs that a command reads, and the events that it takes: paths, `--since`, `--action` and others."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentTypeError
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from hilt_autolog.cli.exit_codes import OK, UNREADABLE, CommandError
from hilt_autolog.cli.render.terminal import print_stderr
from hilt_autolog.format import ACTIONS, section, session_id_of

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Sequence

    from hilt_autolog.contracts.types import JsonMapping
    from hilt_autolog.reading.lines import ReadProblem
    from hilt_autolog.reading.reader import Log

    EventFilter = Callable[[JsonMapping], bool]


_FIRST_TIME = "0"  # sorts before every timestamp
_LAST_TIME = "~"  # sorts after every timestamp
_MAX_PROBLEMS = 10  # reported one by one; of more, the number


def add_paths(parser: ArgumentParser) -> None:
    """Add the argument `paths`: the logs to read."""
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="files, folders, globs, or - for standard input; else where the settings let logs be written",
    )


def add_filters(parser: ArgumentParser) -> None:
    """Add the options that select events; see `event_filter`."""
    group = parser.add_argument_group("which events")
    group.add_argument(
        "--since", type=_begin, metavar="TIME", help="from then on: 2h, 3d, today, 2026-01-31, 14:30"
    )
    group.add_argument("--until", type=_end, metavar="TIME", help="before then; a day counts whole")
    group.add_argument(
        "--action",
        action="append",
        choices=ACTIONS,
        metavar="ACTION",
        help="prompt, completion, tool_call, tool_result, system, ...; repeatable",
    )
    group.add_argument("--model", metavar="NAME", help="the model of the call; the beginning is enough")
    group.add_argument(
        "--conversation", metavar="NAME", help="as the program named it, or the beginning of its session id"
    )


def is_filtered(args: Namespace) -> bool:
    """Return whether any option of `add_filters` is set."""
    return any((args.since, args.until, args.action, args.model, args.conversation))


def event_filter(args: Namespace) -> EventFilter:
    """Return the predicate for events that the options of `add_filters` describe."""
    from hilt_autolog.reading.lines import sortable_time

    predicates: list[EventFilter] = []
    if args.since or args.until:
        begin, end = args.since or _FIRST_TIME, args.until or _LAST_TIME
        predicates.append(lambda event: begin <= sortable_time(event) < end)
    if args.action:
        predicates.append(lambda event: event.get("action") in args.action)
    if args.model:
        predicates.append(lambda event: any(name.startswith(args.model) for name in model_names(event)))
    if args.conversation:
        predicates.append(lambda event: is_in_conversation(event, args.conversation))
    return lambda event: all(predicate(event) for predicate in predicates)


def model_names(event: JsonMapping) -> list[str]:
    """Return the models that an event names: the one that answered, the one of the request."""
    provenance, extensions, actor = (section(event, key) for key in ("provenance", "extensions", "actor"))
    names = [provenance.get("model"), extensions.get("model")]
    if actor.get("type") == "agent":
        names.append(actor.get("id"))
    return [name for name in names if isinstance(name, str)]


def is_in_conversation(event: JsonMapping, name: str) -> bool:
    """Return whether an event belongs to a conversation.

    Args:
        event: an event of a log.
        name: the conversation's name, also where the event has only the session id that is derived from it;
            or the beginning of its session id.
    """
    if section(event, "extensions").get("conversation") == name:
        return True
    session_id = event.get("session_id")
    return isinstance(session_id, str) and session_id.startswith((name, session_id_of(name)))


def require_stdin(paths: Sequence[str]) -> None:
    """Raise CommandError if the paths include standard input ("-") and there is none."""
    if sys.stdin is None and "-" in paths:
        raise CommandError("there is no standard input")


def require_stdout() -> None:
    """Raise CommandError if there is no standard output."""
    if sys.stdout is None:
        raise CommandError("there is no standard output")


def open_log(paths: Sequence[str]) -> Log:
    """Return the log of these paths; it is read when it is iterated.

    Raises:
        CommandError: a path does not exist, or a folder has no log.
    """
    from hilt_autolog.reading.reader import read

    require_stdin(paths)
    try:
        log = read(*paths)
    except FileNotFoundError as error:
        hint = "" if paths else ", where the settings let logs be written; name the files or folders to read"
        raise CommandError(f"{error}{hint}") from None
    if not log.sources:
        raise CommandError(
            f"no *.hilt.jsonl in {', '.join(paths) if paths else 'the folder that the settings name'}"
        )
    return log


def report_problems(problems: Sequence[ReadProblem]) -> int:
    """Report on stderr what could not be read, and return the exit code.

    Invalid lines are reported and skipped, exit code 0; a file that cannot be read is an error, exit code 3.
    """
    for problem in problems[:_MAX_PROBLEMS]:
        report_problem(problem)
    if len(problems) > _MAX_PROBLEMS:
        print_stderr(f"and {len(problems) - _MAX_PROBLEMS} more; `hilt validate` lists them")
    return UNREADABLE if any(problem.reason.startswith("unreadable") for problem in problems) else OK


def report_problem(problem: ReadProblem) -> None:
    """Report on stderr a line or file that could not be read."""
    line = f"{problem.line}" if problem.line > 0 else f" line {-problem.line} from the end"
    line = " last line" if problem.line == -1 else line
    print_stderr(f"{problem.file}:{line}: {problem.reason}")


def _begin(text: str) -> str:
    return _timestamp(text, 0)


def _end(text: str) -> str:
    return _timestamp(text, 1)


def _timestamp(text: str, index: int) -> str:
    """Return the begin (index 0) or the end (1) of a time range as timestamps of events are written."""
    from hilt_autolog.reading.lines import format_time

    try:
        return format_time(parse_time_range(text, datetime.now(UTC))[index])
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"(?:[0-9]+[smhdw])+")
_HOUR = re.compile(r"[0-9]{1,2}:")
_AGO_PART = re.compile(r"([0-9]+)([smhdw])")
_EXAMPLES = "2h, 3d, 1h30m, today, yesterday, 2026-01-31, 14:30 or 2026-01-31T14:30"


class TimeRange(NamedTuple):
    """A day from its beginning to its end, or a moment, which is both."""

    begin: datetime
    end: datetime


def parse_time_range(text: str, now: datetime) -> TimeRange:
    """Return the time range that a text names, in UTC.

    Args:
        text: a time ago (`90s`, `30m`, `2h`, `3d`, `1w`, `1h30m`), `today`, `yesterday`, a day, a time of
            today, or both, as ISO 8601 writes them; in the local time zone unless it names one.
        now: the current time, with its time zone.

    Raises:
        ValueError: the text is none of these, or its date is out of range.
    """
    word = text.strip().lower()
    try:
        if _AGO.fullmatch(word):
            ago = timedelta()
            for number, unit in _AGO_PART.findall(word):
                ago += timedelta(**{_UNITS[unit]: int(number)})
            return _moment(now - ago)
        today = now.astimezone().date()
        if word in ("today", "yesterday"):
            return _day(today - timedelta(days=word == "yesterday"))
        if _HOUR.match(word):
            return _moment(datetime.combine(today, time.fromisoformat(word.zfill(5))))
        if ":" in word or "t" in word:
            return _moment(datetime.fromisoformat(text.strip()))
        return _day(date.fromisoformat(text.strip()))
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text!r} is no time: use {_EXAMPLES}") from None


def _moment(moment: datetime) -> TimeRange:
    utc = moment.astimezone(UTC)
    return TimeRange(utc, utc)


def _day(day: date) -> TimeRange:
    begin, end = (datetime.combine(d, time()).astimezone(UTC) for d in (day, day + timedelta(days=1)))
    return TimeRange(begin, end)
