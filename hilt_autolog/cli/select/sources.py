"""Which logs a command reads and which of their events it takes: paths, `--since`, `--action` and others."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hilt_autolog.cli.exit_codes import OK, UNREADABLE, CommandError
from hilt_autolog.cli.render.terminal import say
from hilt_autolog.format import ACTIONS, session_id_of

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Sequence

    from hilt_autolog.reading.lines import ReadProblem
    from hilt_autolog.reading.reader import Log

Event = dict[str, Any]

ENDLESS = "~"  # sorts after every moment
_MOST_PROBLEMS = 10  # that are told one by one


def add_paths(parser: ArgumentParser) -> None:
    """Add the logs to read, as `paths`."""
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="files, folders, globs, or - for standard input; else where the settings let logs be written",
    )


def add_filters(parser: ArgumentParser) -> None:
    """Add the options that say which events are taken; `wanted` obeys them."""
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
    group.add_argument("--model", metavar="NAME", help="asked for, or that answered; its beginning is enough")
    group.add_argument(
        "--conversation", metavar="NAME", help="as the program named it, or the beginning of its session id"
    )


def is_filtered(chosen: Namespace) -> bool:
    """Return whether any of the options of `add_filters` is given."""
    return any((chosen.since, chosen.until, chosen.action, chosen.model, chosen.conversation))


def event_filter(chosen: Namespace) -> Callable[[Event], bool]:
    """Return the question whether an event is one that `add_filters` let the user ask for."""
    from hilt_autolog.reading.timestamps import sortable_time

    tests: list[Callable[[Event], bool]] = []
    if chosen.since or chosen.until:
        begin, end = chosen.since or "0", chosen.until or ENDLESS
        tests.append(lambda event: begin <= sortable_time(event) < end)
    if chosen.action:
        tests.append(lambda event: event.get("action") in chosen.action)
    if chosen.model:
        tests.append(lambda event: any(name.startswith(chosen.model) for name in models(event)))
    if chosen.conversation:
        tests.append(lambda event: is_of(event, chosen.conversation))
    return lambda event: all(test(event) for test in tests)


def models(event: Event) -> list[str]:
    """Return the models that an event names: who answered, or what was asked for."""
    provenance, extensions, actor = (part(event, key) for key in ("provenance", "extensions", "actor"))
    names = [provenance.get("model"), extensions.get("model")]
    if actor.get("type") == "agent":
        names.append(actor.get("id"))
    return [name for name in names if isinstance(name, str)]


def is_of(event: Event, conversation: str) -> bool:
    """Return whether an event belongs to a conversation.

    Args:
        event: What a log has.
        conversation: Its plain name, whether the event has that or only the id made of it; or the beginning
            of its session id.
    """
    if part(event, "extensions").get("conversation") == conversation:
        return True
    session = event.get("session_id")
    return isinstance(session, str) and session.startswith((conversation, session_id_of(conversation)))


def part(event: Event, key: str) -> dict[str, Any]:
    """Return the object that an event has under a key; an empty one, if it has none there."""
    found = event.get(key)
    return found if isinstance(found, dict) else {}


def check_input(paths: Sequence[str]) -> None:
    """Stop if standard input is asked for, and there is none."""
    if sys.stdin is None and "-" in paths:
        raise CommandError("there is no standard input")


def check_output() -> None:
    """Stop if standard output is to have data, and there is none."""
    if sys.stdout is None:
        raise CommandError("there is no standard output")


def opened(paths: Sequence[str]) -> Log:
    """Return the log of these paths, which is read when it is iterated.

    Raises:
        Stop: there is no such file, or no log in a folder.
    """
    from hilt_autolog.reading.reader import read

    check_input(paths)
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
    """Tell on stderr what could not be read, and return the exit code that this means.

    A bad line is told and passed over; a file that cannot be read is an error.
    """
    for problem in problems[:_MOST_PROBLEMS]:
        tell(problem)
    if len(problems) > _MOST_PROBLEMS:
        say(f"and {len(problems) - _MOST_PROBLEMS} more; `hilt validate` lists them")
    return UNREADABLE if any(problem.reason.startswith("unreadable") for problem in problems) else OK


def tell(problem: ReadProblem) -> None:
    """Tell on stderr what could not be read."""
    line = f"{problem.line}" if problem.line > 0 else f" line {-problem.line} from the end"
    line = " last line" if problem.line == -1 else line
    say(f"{problem.file}:{line}: {problem.reason}")


def _begin(text: str) -> str:
    return _moment(text, 0)


def _end(text: str) -> str:
    return _moment(text, 1)


def _moment(text: str, side: int) -> str:
    from hilt_autolog.reading.timestamps import format_time

    from .time_ranges import span

    try:
        return format_time(span(text, datetime.now(UTC))[side])
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
