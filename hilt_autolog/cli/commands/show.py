"""hilt show: one conversation as a readable thread, or the list of them."""

from __future__ import annotations

import heapq
import os
from typing import TYPE_CHECKING, Any

from hilt_autolog.cli.exit_codes import FINDINGS, CommandError
from hilt_autolog.cli.render import event_format
from hilt_autolog.cli.render.conversation_view import ConversationView
from hilt_autolog.cli.render.progress import Progress, total, watched
from hilt_autolog.cli.render.table import print_table
from hilt_autolog.cli.render.terminal import json_text, print_lines, say, stdout_screen
from hilt_autolog.cli.select.conversations import NAME, Conversation, Conversations, session_of
from hilt_autolog.cli.select.sources import add_filters, event_filter, opened, report_problems
from hilt_autolog.reading.columns import normalize
from hilt_autolog.reading.timestamps import sortable_time

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable, Iterator, Sequence

    from hilt_autolog.cli.render.terminal import Screen
    from hilt_autolog.reading.lines import ReadProblem
    from hilt_autolog.reading.reader import Log

Event = dict[str, Any]

_COLUMNS = {"when": "<", "conversation": "~", "calls": ">", "tokens": ">", "$": ">", "first words": "~"}
_FIGURES = ("calls", "tokens", "$")
_WIDE = 80  # cells of a screen with room for them
_MOST_WORDS = 200  # letters: a table has no room for more
_ENDINGS = (".jsonl", ".gz", ".zst")


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
    parser.add_argument("--messages", metavar="EVENT_ID", help="print the messages that a prompt stands for")
    parser.add_argument("--full", action="store_true", help="shorten no text, and show the steps of chains")
    parser.add_argument("--no-pager", action="store_true", help="print all at once, also on a terminal")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document, the events as they stand"
    )
    add_filters(parser)


def run(chosen: Namespace) -> int:
    """Print a conversation, a list of them, or the messages of an event.

    Returns:
        0, 1 if there is no such conversation, 3 if a file cannot be read.
    """
    word, paths = _told_apart(chosen.words)
    log = opened(paths)
    if chosen.messages:
        _print(_messages(log, chosen), chosen)
        return report_problems(log.problems)
    takes = event_filter(chosen)
    with Progress(total(log.sources)) as progress:
        found = Conversations(
            (event for event in map(normalize, watched(log, progress)) if takes(event)), word
        )
    if chosen.list:
        _print_list([found.meant(word)] if word else found.all, chosen)
    else:
        one = found.meant(word)
        if word is None and len(found.all) > 1:
            say(f"the newest of {len(found.all)} conversations; `hilt show --list` lists them")
        events = [event for event in _events_of(one, log) if takes(event)]
        if not events:
            raise CommandError("the log was changed while it was read")
        _print(_shown(one, events, chosen), chosen)
    return report_problems(log.problems)


def _print(lines: Iterable[str], chosen: Namespace) -> None:
    print_lines(lines, pages=not (chosen.no_pager or chosen.json))


def _told_apart(words: list[str]) -> tuple[str | None, list[str]]:
    """Return the word for a conversation, if the first of these is no path, and the paths."""
    import glob

    if not words:
        return None, []
    first = words[0]
    if first == "-" or os.path.exists(os.path.expanduser(first)) or first.endswith(_ENDINGS):
        return None, words
    return (None, words) if glob.glob(first, recursive=True) else (first, words[1:])


def _events_of(one: Conversation, log: Log) -> list[Event]:
    """Return the events of a conversation by time; lines that cannot be of it are not even parsed."""
    from hilt_autolog.reading.lines import events

    name = one.session_id.encode()
    is_plain = name.replace(b"_", b"").replace(b"-", b"").isalnum()  # JSON spells other letters in two ways
    may_matter = (lambda line: name in line) if is_plain else None
    found = (map(normalize, (p.event for p in events(s, _heed_not, may_matter))) for s in log.sources)
    kept = ([event for event in one_file if session_of(event) == one.session_id] for one_file in found)
    return list(heapq.merge(*kept, key=sortable_time))


def _heed_not(problem: ReadProblem) -> None:
    """Take a problem that the first reading has told."""


def _shown(one: Conversation, events: list[Event], chosen: Namespace) -> Iterator[str]:
    if chosen.json:
        yield json_text({**one.as_json(), "events": events}, indent=2)
        return
    thread = ConversationView(stdout_screen(chosen.color), is_full=chosen.full)
    yield from thread.heading(one, events[0])
    yield from thread.lines(events)
    yield from thread.sums(one)


def _print_list(found: Sequence[Conversation], chosen: Namespace) -> None:
    if chosen.json:
        print(json_text([one.as_json() for one in found], indent=2))
        return
    screen = stdout_screen(chosen.color)
    taken = [heading for heading in _COLUMNS if _has_room(screen, heading)]
    rows = [[row[heading] for heading in taken] for row in map(_row, found)]
    print_table({heading: _COLUMNS[heading] for heading in taken}, rows, screen)


def _has_room(screen: Screen, heading: str) -> bool:
    return heading not in _FIGURES or screen.width is None or screen.width >= _WIDE


def _row(one: Conversation) -> dict[str, object]:
    begun = event_format.local_time({"timestamp": one.begin})
    return {
        "when": f"{begun:%Y-%m-%d %H:%M}" if begun else "",
        "conversation": one.name or one.session_id[:NAME],
        "calls": one.calls,
        "tokens": one.tokens,
        "$": None if one.cost is None else event_format.dollars(one.cost).removeprefix("$"),
        "first words": one.words[:_MOST_WORDS],
    }


def _messages(log: Log, chosen: Namespace) -> list[str]:
    event = next((event for event in log if event.get("event_id") == chosen.messages), None)
    if event is None:
        raise CommandError(f"no event has the id {chosen.messages}", FINDINGS)
    try:
        messages = log.messages_of(event)
    except LookupError as error:
        raise CommandError(f"its messages cannot be rebuilt: {error}", FINDINGS) from None
    if chosen.json:
        return [json_text(messages, indent=2)]
    lines = ConversationView(stdout_screen(chosen.color), is_full=chosen.full).messages(messages)
    return list(lines)[1:]  # without the empty line before the first
