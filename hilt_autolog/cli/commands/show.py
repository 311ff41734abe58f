"""hilt show: one conversation as a readable thread, or the list of them."""

from __future__ import annotations

import heapq
import os
from typing import TYPE_CHECKING

from hilt_autolog.cli.exit_codes import FINDINGS, CommandError
from hilt_autolog.cli.render import event_format
from hilt_autolog.cli.render.conversation_view import ConversationView
from hilt_autolog.cli.render.progress import Progress, total_size, with_progress
from hilt_autolog.cli.render.table import print_table
from hilt_autolog.cli.render.terminal import json_text, print_lines, print_stderr, stdout_screen
from hilt_autolog.cli.select.conversations import (
    SHOWN_ID_LENGTH,
    Conversation,
    ConversationIndex,
    session_id_in,
)
from hilt_autolog.cli.select.sources import add_filters, event_filter, open_log, report_problems
from hilt_autolog.format import cell_dollars
from hilt_autolog.reading.columns import normalize
from hilt_autolog.reading.lines import sortable_time

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable, Iterator, Sequence

    from hilt_autolog.cli.render.terminal import Screen
    from hilt_autolog.contracts.types import JsonMapping
    from hilt_autolog.reading.lines import ReadProblem
    from hilt_autolog.reading.reader import Log

_COLUMNS = {"when": "<", "conversation": "~", "calls": ">", "tokens": ">", "$": ">", "first words": "~"}
_FIGURES = ("calls", "tokens", "$")
_WIDE_SCREEN = 80  # cells: with space for the figures
_FIRST_WORDS = 200  # characters; more than a table has space for
_LOG_SUFFIXES = (".jsonl", ".gz", ".zst")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar="CONVERSATION | PATH",
        help="first, if it is no file: the name of a conversation, the beginning of its session id, the id "
        "of one of its events, or last (the default); then files, folders, globs or -",
    )
    parser.add_argument("--list", action="store_true", help="list the conversations, and stop")
    parser.add_argument("--messages", metavar="EVENT_ID", help="print all messages of a prompt's request")
    parser.add_argument("--full", action="store_true", help="shorten no text, and show the steps of chains")
    parser.add_argument("--no-pager", action="store_true", help="print all at once, also on a terminal")
    parser.add_argument("--json", action="store_true", help="print one JSON document, the events as logged")
    add_filters(parser)


def run(args: Namespace) -> int:
    """Print a conversation, a list of them, or the messages of an event.

    Returns:
        0, 1 if there is no such conversation, 3 if a file cannot be read.
    """
    name, paths = _split_words(args.words)
    log = open_log(paths)
    if args.messages:
        _print(_message_lines(log, args), args)
        return report_problems(log.problems)
    matches = event_filter(args)
    with Progress(total_size(log.sources)) as progress:
        events = map(normalize, with_progress(log, progress))
        index = ConversationIndex((event for event in events if matches(event)), name)
    if args.list:
        _print_list([index.find(name)] if name else index.all, args)
    else:
        conversation = index.find(name)
        if name is None and len(index.all) > 1:
            print_stderr(f"the newest of {len(index.all)} conversations; `hilt show --list` lists them")
        shown = [event for event in _events_of(conversation, log) if matches(event)]
        if not shown:
            raise CommandError("the log was changed while it was read")
        _print(_conversation_lines(conversation, shown, args), args)
    return report_problems(log.problems)


def _print(lines: Iterable[str], args: Namespace) -> None:
    print_lines(lines, pages=not (args.no_pager or args.json))


def _split_words(words: list[str]) -> tuple[str | None, list[str]]:
    """Return the name of a conversation and the paths; the first word is a name unless it is a path."""
    import glob

    if not words:
        return None, []
    first = words[0]
    if first == "-" or os.path.exists(os.path.expanduser(first)) or first.endswith(_LOG_SUFFIXES):
        return None, words
    return (None, words) if glob.glob(first, recursive=True) else (first, words[1:])


def _events_of(conversation: Conversation, log: Log) -> list[JsonMapping]:
    """Return the events of a conversation by time; a line without its session id is not even parsed."""
    from hilt_autolog.reading.lines import Source, events

    session_id = conversation.session_id
    name = session_id.encode()
    is_plain = name.replace(b"_", b"").replace(b"-", b"").isalnum()  # JSON may escape other characters
    line_filter = (lambda line: name in line) if is_plain else None

    def events_in(source: Source) -> list[JsonMapping]:
        logged = (normalize(located.event) for located in events(source, _ignore_problem, line_filter))
        return [event for event in logged if session_id_in(event) == session_id]

    return list(heapq.merge(*map(events_in, log.sources), key=sortable_time))


def _ignore_problem(problem: ReadProblem) -> None:
    """Ignore a problem: the first pass over the log has collected it."""


def _conversation_lines(
    conversation: Conversation, events: list[JsonMapping], args: Namespace
) -> Iterator[str]:
    if args.json:
        yield json_text({**conversation.as_json(), "events": events}, indent=2)
        return
    view = ConversationView(stdout_screen(args.color), is_full=args.full)
    yield from view.heading(conversation, events[0])
    yield from view.lines(events)
    yield from view.summary(conversation)


def _print_list(conversations: Sequence[Conversation], args: Namespace) -> None:
    if args.json:
        print(json_text([conversation.as_json() for conversation in conversations], indent=2))
        return
    screen = stdout_screen(args.color)
    columns = {heading: align for heading, align in _COLUMNS.items() if _fits(screen, heading)}
    rows = [[row[heading] for heading in columns] for row in map(_row, conversations)]
    print_table(columns, rows, screen)


def _fits(screen: Screen, heading: str) -> bool:
    return heading not in _FIGURES or screen.width is None or screen.width >= _WIDE_SCREEN


def _row(conversation: Conversation) -> dict[str, object]:
    begin = event_format.local_time({"timestamp": conversation.begin})
    totals = conversation.totals
    return {
        "when": f"{begin:%Y-%m-%d %H:%M}" if begin else "",
        "conversation": conversation.name or conversation.session_id[:SHOWN_ID_LENGTH],
        "calls": totals.calls,
        "tokens": totals.tokens,
        "$": None if totals.cost is None else cell_dollars(totals.cost),
        "first words": conversation.first_text[:_FIRST_WORDS],
    }


def _message_lines(log: Log, args: Namespace) -> list[str]:
    event = next((event for event in log if event.get("event_id") == args.messages), None)
    if event is None:
        raise CommandError(f"no event has the id {args.messages}", FINDINGS)
    try:
        messages = log.messages_of(event)
    except LookupError as error:
        raise CommandError(f"its messages cannot be rebuilt: {error}", FINDINGS) from None
    if args.json:
        return [json_text(messages, indent=2)]
    lines = ConversationView(stdout_screen(args.color), is_full=args.full).messages(messages)
    return list(lines)[1:]  # without the empty line before the first
