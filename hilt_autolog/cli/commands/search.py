"""hilt search: the events that contain a text, a line each, with the conversation that they belong to."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from hilt_autolog.cli.exit_codes import FINDINGS, OK, USAGE, CommandError
from hilt_autolog.cli.render import event_format
from hilt_autolog.cli.render.conversation_view import is_chain_marker
from hilt_autolog.cli.render.progress import Progress, sources_with_progress, total_size
from hilt_autolog.cli.render.terminal import (
    cell_width,
    escape_controls,
    json_text,
    pad,
    single_line,
    stdout_screen,
)
from hilt_autolog.cli.select.conversations import SHOWN_ID_LENGTH, session_id_in
from hilt_autolog.cli.select.sources import add_filters, add_paths, event_filter, open_log, report_problems
from hilt_autolog.format import section
from hilt_autolog.reading.columns import normalize

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterator

    from hilt_autolog.cli.render.terminal import Screen
    from hilt_autolog.cli.select.sources import EventFilter
    from hilt_autolog.contracts.types import JsonMapping
    from hilt_autolog.reading.lines import ReadProblem, Source


_CHUNK = "completion_chunk"
_SEARCHED_EXTENSIONS = ("tool", "model", "error_type", "error_code", "tool_call_id", "document_id")
_ACTION_WIDTH = 11  # cells
_WIDE_SCREEN = 90  # cells: with space for the whole time and the action
_LONG_TIME, _LONG_TIME_WIDTH = "%Y-%m-%d %H:%M:%S", 19
_SHORT_TIME, _SHORT_TIME_WIDTH = "%m-%d %H:%M", 11
_CONTEXT = 100  # characters before and after a match where lines have no width


class Hit(NamedTuple):
    """An event that matches.

    Attributes:
        event: the event.
        label: the role or key that the text has in the event; "" for the text of the event itself.
        text: the text that matches.
        match: the place of the first match in the text.
    """

    event: JsonMapping
    label: str
    text: str
    match: re.Match[str]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "text", metavar="WORDS", nargs="?", default="", help="words, or /a regular expression/"
    )
    add_paths(parser)
    parser.add_argument("--regex", action="store_true", help="the words are a regular expression")
    parser.add_argument("--case", action="store_true", help="distinguish upper and lower case")
    parser.add_argument("--count", action="store_true", help="print only how many events match")
    parser.add_argument("--json", action="store_true", help="print JSON lines: the events as logged")
    add_filters(parser)


def run(args: Namespace) -> int:
    """Print the events whose texts, messages, tools, models, errors or ids match.

    Returns:
        0, 1 if there is none, 3 if a file cannot be read.
    """
    try:
        pattern = SearchPattern(args.text, is_regex=args.regex, is_case_sensitive=args.case)
    except ValueError as error:
        raise CommandError(str(error), USAGE) from None
    log = open_log(args.paths)
    problems: list[ReadProblem] = []
    formatter = _HitFormatter(stdout_screen(args.color))
    number = 0
    with Progress(total_size(log.sources)) as progress:
        for hit in hits(log.sources, pattern, _search_filter(args), problems.append, progress):
            number += 1
            if not args.count:
                progress.clear()
                print(json_text(hit.event) if args.json else formatter.line(hit))
    if args.count:
        print(json_text({"count": number}) if args.json else number)
    return report_problems(problems) or (OK if number else FINDINGS)


def hits(
    sources: list[Source],
    pattern: SearchPattern,
    matches_filter: EventFilter,
    report: Callable[[ReadProblem], None],
    progress: Progress,
) -> Iterator[Hit]:
    """Yield the hits file by file, the file that was written last at the end.

    A line that cannot match is not even parsed, which saves more than half of the CPU time
    (`tests/benchmarks/reading.py`: search by words and by regex), and its errors are not reported.

    The name and id of a conversation, and the user, are in all of its events. They count only for the first
    event of a conversation that has no other hit before.
    """
    from hilt_autolog.reading.lines import events

    named: set[str] = set()
    line_filter = pattern.line_filter()
    for source, with_updates in sources_with_progress(sorted(sources, key=_modification_time), progress):
        for located in with_updates(events(source, report, line_filter)):
            event = normalize(located.event)
            if not matches_filter(event):
                continue
            hit = _first_hit(event, _texts(event), pattern)
            if hit is None and session_id_in(event) not in named:
                hit = _first_hit(event, _conversation_names(event), pattern)
            if hit is not None:
                named.add(session_id_in(event))
                yield hit


def _modification_time(source: Source) -> float:
    try:
        return os.stat(source.name).st_mtime
    except OSError:  # standard input; or a file that was removed, which reading it reports
        return 0.0


def _first_hit(event: JsonMapping, texts: Iterator[tuple[str, str]], pattern: SearchPattern) -> Hit | None:
    for label, text in texts:
        if (match := pattern.find(text)) is not None:
            return Hit(event, label, text, match)
    return None


def _texts(event: JsonMapping) -> Iterator[tuple[str, str]]:
    """Yield the texts of an event that are searched, each with its label; first those of the content."""
    content, extensions = section(event, "content"), section(event, "extensions")
    provenance, actor = section(event, "provenance"), section(event, "actor")
    yield "", event_format.as_text(content.get("text"))
    for message in event_format.messages_in(content):
        for part in event_format.parts_in(message):
            yield event_format.as_text(message.get("role")), event_format.part_text(part)
    for owner, keys in (
        (extensions, _SEARCHED_EXTENSIONS),
        (actor, ("id", "name")),
        (provenance, ("model", "provider", "response_id", "request_id")),
        (event, ("event_id",)),
    ):
        for key in keys:
            if isinstance(owner.get(key), str):
                yield key, owner[key]


def _conversation_names(event: JsonMapping) -> Iterator[tuple[str, str]]:
    """Yield the names of an event's conversation and user; none for a chain marker, not worth a line."""
    if is_chain_marker(event):
        return
    yield "conversation", event_format.as_text(section(event, "extensions").get("conversation"))
    yield "user", event_format.as_text(section(event, "extensions").get("user"))
    yield "session_id", session_id_in(event)


def _search_filter(args: Namespace) -> EventFilter:
    """Return the predicate for events that are searched: chunks only with `--action completion_chunk`."""
    matches = event_filter(args)
    return matches if args.action else lambda event: event.get("action") != _CHUNK and matches(event)


class _HitFormatter:
    """Formats hits as lines: time, conversation, action, and the match with its context."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        is_wide = screen.width is None or screen.width >= _WIDE_SCREEN
        self._time_format = _LONG_TIME if is_wide else _SHORT_TIME
        self._time_width = _LONG_TIME_WIDTH if is_wide else _SHORT_TIME_WIDTH
        self._columns = 3 if is_wide else 2

    def line(self, hit: Hit) -> str:
        """Return the line of a hit."""
        screen, event = self._screen, hit.event
        time = event_format.local_time(event)
        name = section(event, "extensions").get("conversation") or event.get("session_id")
        label = f"{hit.label}: " if hit.label else ""
        columns: list[tuple[str, int, tuple[str, ...]]] = [
            (f"{time:{self._time_format}}" if time else "", self._time_width, ("dim",)),
            (single_line(event_format.as_text(name))[:SHOWN_ID_LENGTH], SHOWN_ID_LENGTH, ()),
            (
                single_line(event_format.as_text(event.get("action"))),
                _ACTION_WIDTH,
                event_format.action_styles(event),
            ),
        ][: self._columns]
        head = "".join(screen.styled(pad(text, width), *styles) + "  " for text, width, styles in columns)
        used = sum(width + 2 for _, width, _ in columns) + len(label)
        available = None if screen.width is None else max(screen.width - used, 0)
        return (head + screen.styled(label, "dim") + self._excerpt(hit, available)).rstrip()

    def _excerpt(self, hit: Hit, width: int | None) -> str:
        """Return the match, highlighted, with as much context as fits in `width` cells."""
        screen, text = self._screen, hit.text
        begin, end = hit.match.span()
        match = _squeezed(hit.match[0])
        if width is None:
            width = cell_width(match) + 2 * _CONTEXT
        match = screen.truncate(match, width)
        before, after = _squeezed(text[max(begin - width, 0) : begin]), _squeezed(text[end : end + width])
        available = width - cell_width(match)
        before = _end(before, max(available // 3, available - cell_width(after)), screen.ellipsis)
        after = screen.truncate(after, available - cell_width(before))
        return before + screen.styled(match, "bold", "red") + after


def _squeezed(text: str) -> str:
    return escape_controls(re.sub(r"\s+", " ", text))


def _end(text: str, width: int, ellipsis: str) -> str:
    """Return the end of a text in at most `width` cells."""
    if cell_width(text) <= width:
        return text
    available, begin = width - len(ellipsis), len(text)
    while begin and (available := available - cell_width(text[begin - 1])) >= 0:
        begin -= 1
    return ellipsis + text[begin:].lstrip() if width >= len(ellipsis) else ""


# Characters that JSON writes in one way only.
_UNESCAPED = re.compile(r"[A-Za-z0-9 _.,:;!?@#$%&()*+=<>|~^{}\[\]'-]+")
_ESCAPED = b"\\u00"  # a writer may escape even those: a line with such an escape is always parsed
_SLASH = "/"


class SearchPattern:
    """Words, or `/a regular expression/`.

    Args:
        text: what to search for. Whitespace between words matches any whitespace, line ends included.
        is_regex: treat it as a regular expression, also without slashes.
        is_case_sensitive: distinguish upper and lower case.

    Raises:
        ValueError: the text is empty, or not a regular expression.
    """

    def __init__(self, text: str, *, is_regex: bool = False, is_case_sensitive: bool = False) -> None:
        if len(text) > len("//") and text[0] == text[-1] == _SLASH:
            text, is_regex = text[1:-1], True
        if not text.strip():
            raise ValueError("there is nothing to search for")
        words = text.split()
        regex = text if is_regex else r"\s+".join(map(re.escape, words))
        try:
            self._regex = re.compile(regex, 0 if is_case_sensitive else re.IGNORECASE)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"no regular expression: {text}: {error}") from None
        literals = [] if is_regex else [piece for word in words for piece in _UNESCAPED.findall(word)]
        self._literal = max(literals, key=len, default="").encode()
        self._is_case_sensitive = is_case_sensitive

    def find(self, text: str) -> re.Match[str] | None:
        """Return the first match in a text; None if there is none."""
        return self._regex.search(text)

    def line_filter(self) -> Callable[[bytes], bool] | None:
        """Return a fast predicate for lines of JSON that may match; None if every line must be parsed."""
        literal = self._literal
        if not literal:
            return None
        if self._is_case_sensitive:
            return lambda line: literal in line or _ESCAPED in line
        lower = literal.lower()
        return lambda line: lower in line.lower() or _ESCAPED in line
