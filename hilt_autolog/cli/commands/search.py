"""hilt search: the events that say something, a line each, with the conversation that they belong to."""

from __future__ import annotations

import os
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from hilt_autolog.cli.exit_codes import FINDINGS, USAGE, CommandError
from hilt_autolog.cli.render import event_format
from hilt_autolog.cli.render.conversation_view import is_step
from hilt_autolog.cli.render.part_renderer import messages_of, parts_of
from hilt_autolog.cli.render.progress import Progress, total, watched_one_by_one
from hilt_autolog.cli.render.terminal import cells, in_line, json_text, padded, stdout_screen, visible
from hilt_autolog.cli.select.conversations import NAME, session_of
from hilt_autolog.cli.select.sources import (
    add_filters,
    add_paths,
    event_filter,
    opened,
    part,
    report_problems,
)
from hilt_autolog.reading.columns import normalize

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterator

    from hilt_autolog.cli.render.terminal import Screen
    from hilt_autolog.reading.lines import ReadProblem, Source


Event = dict[str, Any]

_CHUNK = "completion_chunk"
_ACTION = 11  # cells
_AROUND = 100  # letters before and after, where lines have no width
_OF_EXTENSIONS = ("tool", "model", "error_type", "error_code", "tool_call_id", "document_id")
_WIDE = 90  # cells of a screen with room for the whole time and the action
_LONGEST = datetime(2026, 12, 31)  # noqa: DTZ001  any would do


class Hit(NamedTuple):
    """An event that says what was searched for: where, in which text, and where in that."""

    event: Event
    label: str
    text: str
    match: re.Match[str]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "what", metavar="WORDS", nargs="?", default="", help="words, or /a regular expression/"
    )
    add_paths(parser)
    parser.add_argument("--regex", action="store_true", help="the words are a regular expression")
    parser.add_argument("--case", action="store_true", help="large letters differ from small ones")
    parser.add_argument("--count", action="store_true", help="print how many events say it")
    parser.add_argument("--json", action="store_true", help="print JSON lines: the events as they stand")
    add_filters(parser)


def run(chosen: Namespace) -> int:
    """Print the events whose texts, messages, tools, models, errors or ids hold what is searched for.

    Returns:
        0, 1 if there is none, 3 if a file cannot be read.
    """
    try:
        needle = SearchPattern(chosen.what, is_regex=chosen.regex, heeds_case=chosen.case)
    except ValueError as error:
        raise CommandError(str(error), USAGE) from None
    log = opened(chosen.paths)
    problems: list[ReadProblem] = []
    lines = _Lines(stdout_screen(chosen.color))
    number = 0
    with Progress(total(log.sources)) as progress:
        for hit in hits(log.sources, needle, _takes(chosen), problems.append, progress):
            number += 1
            if not chosen.count:
                progress.clear()
                print(json_text(hit.event) if chosen.json else lines.line(hit))
    if chosen.count:
        print(json_text({"count": number}) if chosen.json else number)
    return report_problems(problems) or (0 if number else FINDINGS)


def hits(
    sources: list[Source],
    needle: SearchPattern,
    takes: Callable[[Event], bool],
    report: Callable[[ReadProblem], None],
    progress: Progress,
) -> Iterator[Hit]:
    """Yield what is found, file after file, the one that was written last at the end.

    Lines that cannot hold it are not even parsed. The name or the id of a conversation, which all of its
    events have, is found once, and only if nothing of it was found before.
    """
    from hilt_autolog.reading.lines import events

    named: set[str] = set()
    may_matter = needle.may_be_in()
    for source, ticking in watched_one_by_one(sorted(sources, key=_written), progress):
        for placed in ticking(events(source, report, may_matter)):
            event = normalize(placed.event)
            if not takes(event):
                continue
            hit = _hit(event, _texts(event), needle)
            if hit is None and session_of(event) not in named:
                hit = _hit(event, _names(event), needle)
            if hit is not None:
                named.add(session_of(event))
                yield hit


def _written(source: Source) -> float:
    try:
        return os.stat(source.name).st_mtime
    except OSError:  # standard input; or gone, which reading it will tell
        return 0.0


def _hit(event: Event, texts: Iterator[tuple[str, str]], needle: SearchPattern) -> Hit | None:
    for label, text in texts:
        if (match := needle.find(text)) is not None:
            return Hit(event, label, text, match)
    return None


def _texts(event: Event) -> Iterator[tuple[str, str]]:
    """Yield what of an event is searched, each with what it is: first what was said."""
    content, extensions = part(event, "content"), part(event, "extensions")
    provenance, actor = part(event, "provenance"), part(event, "actor")
    yield "", event_format.word(content.get("text"))
    for message in messages_of(content):
        for found in parts_of(message):
            yield event_format.word(message.get("role")), event_format.part_text(found)
    for owner, keys in (
        (extensions, _OF_EXTENSIONS),
        (actor, ("id", "name")),
        (provenance, ("model", "provider", "response_id", "request_id")),
        (event, ("event_id",)),
    ):
        for key in keys:
            if isinstance(owner.get(key), str):
                yield key, owner[key]


def _names(event: Event) -> Iterator[tuple[str, str]]:
    """Yield the names of an event's conversation; a step of a chain is no event to show for it."""
    if is_step(event):
        return
    yield "conversation", event_format.word(part(event, "extensions").get("conversation"))
    yield "session_id", session_of(event)


def _takes(chosen: Namespace) -> Callable[[Event], bool]:
    """Return the question whether an event is searched: pieces of streams are, if they are asked for."""
    takes = event_filter(chosen)
    return takes if chosen.action else lambda event: event.get("action") != _CHUNK and takes(event)


class _Lines:
    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        is_wide = screen.width is None or screen.width >= _WIDE
        self._time = "%Y-%m-%d %H:%M:%S" if is_wide else "%m-%d %H:%M"
        self._columns = 3 if is_wide else 2

    def line(self, hit: Hit) -> str:
        """Return when, in which conversation, by whom, and the words around."""
        screen, event = self._screen, hit.event
        time = event_format.local_time(event)
        name = part(event, "extensions").get("conversation") or event.get("session_id")
        label = f"{hit.label}: " if hit.label else ""
        columns = [
            (f"{time:{self._time}}" if time else "", len(f"{_LONGEST:{self._time}}"), ("dim",)),
            (in_line(event_format.word(name))[:NAME], NAME, ()),
            (in_line(event_format.word(event.get("action"))), _ACTION, event_format.style(event)),
        ][: self._columns]
        head = "".join(screen.styled(padded(text, width), *styles) + "  " for text, width, styles in columns)
        taken = sum(width + 2 for _, width, _ in columns) + len(label)
        room = None if screen.width is None else max(screen.width - taken, 0)
        return (head + screen.styled(label, "dim") + self._around(hit, room)).rstrip()

    def _around(self, hit: Hit, room: int | None) -> str:
        """Return the words that were found, marked, with as much around them as there is room for."""
        screen, text = self._screen, hit.text
        begin, end = hit.match.span()
        found = _squeezed(hit.match[0])
        if room is None:
            room = cells(found) + 2 * _AROUND
        found = screen.cut(found, room)
        before, after = _squeezed(text[max(begin - room, 0) : begin]), _squeezed(text[end : end + room])
        left = room - cells(found)
        before = _end(before, max(left // 3, left - cells(after)), screen.ellipsis)
        after = screen.cut(after, left - cells(before))
        return before + screen.styled(found, "bold", "red") + after


def _squeezed(text: str) -> str:
    return visible(re.sub(r"\s+", " ", text))


def _end(text: str, width: int, ellipsis: str) -> str:
    """Return the end of a text in at most `width` cells."""
    if cells(text) <= width:
        return text
    room, begin = width - len(ellipsis), len(text)
    while begin and (room := room - cells(text[begin - 1])) >= 0:
        begin -= 1
    return ellipsis + text[begin:].lstrip() if width >= len(ellipsis) else ""


_PLAIN = re.compile(r"[A-Za-z0-9 _.,:;!?@#$%&()*+=<>|~^{}\[\]'-]+")  # what JSON has no other spelling for
_ESCAPED = b"\\u00"  # but for writers that escape all they can
_SLASH = "/"


class SearchPattern:
    """Words, or `/a regular expression/`.

    Args:
        text: What is searched for. Any spaces between words match any others, and ends of lines.
        is_regex: It is a regular expression, also without slashes.
        heeds_case: Large letters differ from small ones.

    Raises:
        ValueError: it is empty, or no regular expression.
    """

    def __init__(self, text: str, *, is_regex: bool = False, heeds_case: bool = False) -> None:
        if len(text) > len("//") and text[0] == text[-1] == _SLASH:
            text, is_regex = text[1:-1], True
        if not text.strip():
            raise ValueError("say what to search for")
        words = text.split()
        try:
            self._pattern = re.compile(
                text if is_regex else r"\s+".join(map(re.escape, words)), 0 if heeds_case else re.IGNORECASE
            )
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"no regular expression: {text}: {error}") from None
        plain = [piece for word in words for piece in _PLAIN.findall(word)] if not is_regex else []
        self._piece = max(plain, key=len, default="").encode()
        self._heeds_case = heeds_case

    def find(self, text: str) -> re.Match[str] | None:
        """Return where a text has it first; None, if nowhere."""
        return self._pattern.search(text)

    def may_be_in(self) -> Callable[[bytes], bool] | None:
        """Return a quick question whether a line of JSON may hold it; None, if only reading it tells."""
        piece = self._piece
        if not piece:
            return None
        if self._heeds_case:
            return lambda line: piece in line or _ESCAPED in line
        small = piece.lower()
        return lambda line: small in line.lower() or _ESCAPED in line
