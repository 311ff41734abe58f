"""hilt tail: the last events of a log, a line each, and with -f those that are written from now on."""

from __future__ import annotations

import heapq
import select
import sys
import time
from argparse import ArgumentTypeError
from collections import Counter, deque
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from hilt_autolog.cli.exit_codes import OK, USAGE, CommandError
from hilt_autolog.cli.render.event_format import ChunkJoiner, as_text, stream_key
from hilt_autolog.cli.render.rows import RowPrinter
from hilt_autolog.cli.render.terminal import print_stderr, stdout_screen
from hilt_autolog.cli.select.sources import (
    add_filters,
    add_paths,
    event_filter,
    open_log,
    report_problem,
    report_problems,
    require_stdin,
)
from hilt_autolog.reading.columns import normalize
from hilt_autolog.reading.lines import Source, events, newest_first, sortable_time

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterable, Iterator

    from hilt_autolog.cli.select.sources import EventFilter
    from hilt_autolog.contracts.types import JsonMapping
    from hilt_autolog.reading.lines import ReadProblem

    ReportProblem = Callable[[ReadProblem], None]

_POLL_INTERVAL = 0.1  # seconds between two reads of a log that is followed


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_paths(parser)
    parser.add_argument("-f", "--follow", action="store_true", help="print what is written from now on, too")
    parser.add_argument(
        "-n", "--lines", type=_line_count, default=20, metavar="N", help="how many of the last (default: 20)"
    )
    parser.add_argument("--chunks", action="store_true", help="print each chunk of a stream, not all as one")
    parser.add_argument("--json", action="store_true", help="print JSON lines: the events as logged")
    add_filters(parser)


def run(args: Namespace) -> int:
    """Print the last events.

    Returns:
        0, or 3 if a file cannot be read.
    """
    printer = _EventPrinter(args)
    if args.follow:
        _follow(args, printer)
        return OK
    problems: list[ReadProblem] = []
    printer.print(last_events(open_log(args.paths).sources, _tail_request(args), problems.append))
    printer.print_open_streams()
    return report_problems(problems)


class _EventPrinter:
    """Prints events as rows; with `--chunks` or `--json` each chunk, else one row for a stream."""

    def __init__(self, args: Namespace) -> None:
        self._rows = RowPrinter(stdout_screen(args.color), is_json=args.json, is_live=args.follow)
        self._joins_chunks = _joins_chunks(args)
        self._joiner = ChunkJoiner()

    def print(self, events: Iterable[JsonMapping]) -> None:
        for event in events:
            for row in self._joiner.add(event) if self._joins_chunks else (event,):
                self._rows.print(row)

    def print_open_streams(self) -> None:
        for row in self._joiner.flush():
            self._rows.print(row)


def _joins_chunks(args: Namespace) -> bool:
    return not (args.chunks or args.json)


def _follow(args: Namespace, printer: _EventPrinter) -> None:
    """Print the last events and then new ones, until a pipe ends, the user stops, or stdout is closed.

    Following begins before the last events are read. An event that is written in between is read twice and
    recognized by its id; in the opposite order it would be lost.
    """
    from hilt_autolog.reading.follow import follow, is_pipe
    from hilt_autolog.reading.reader import default_source

    require_stdin(args.paths)
    names = args.paths or [default_source()]
    try:
        followed = follow(*names, report=report_problem, back=0)
    except ValueError as error:
        raise CommandError(str(error), USAGE) from None
    matches = event_filter(args)
    printed: set[str] = set()
    if not any(map(is_pipe, names)):
        first = [located for located in iter(lambda: next(followed), None) if not _is_archived(located.file)]
        last = last_events(_existing_sources(args), _tail_request(args), _report_unless_unfinished)
        printer.print(last)
        printed = {as_text(event.get("event_id")) for event in last} - {""}
        followed = chain(first, followed)
    for located in followed:
        if located is None:
            _wait()
        elif matches(event := normalize(located.event)) and as_text(event.get("event_id")) not in printed:
            printer.print([event])
    printer.print_open_streams()


def _existing_sources(args: Namespace) -> list[Source]:
    """Return the files that exist already; there may be none yet."""
    try:
        return open_log(args.paths).sources
    except CommandError as error:
        print_stderr(f"{error}; waiting")
        return []


def _report_unless_unfinished(problem: ReadProblem) -> None:
    """Report a problem unless it is an incomplete last line, which its writer may complete."""
    if not (problem.line == -1 and problem.reason.startswith("torn")):
        report_problem(problem)


@cache
def _is_archived(file: str) -> bool:
    return Source(file).is_compressed()


def _wait() -> None:
    """Wait for the poll interval.

    Raises:
        BrokenPipeError: the reader of stdout has exited, as in `hilt tail -f | grep -m 1 error`.
    """
    try:
        poll = select.poll()
        poll.register(sys.stdout, 0)  # reports errors only
    except (AttributeError, OSError, ValueError):  # not on this system, or stdout is no file
        time.sleep(_POLL_INTERVAL)
        return
    if poll.poll(_POLL_INTERVAL * 1000):
        raise BrokenPipeError


def _line_count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ArgumentTypeError(f"{text!r} is no number of lines")
    return int(text)


class TailRequest(NamedTuple):
    """Which events are the last.

    Attributes:
        number: how many rows.
        matches: the predicate for events.
        joins_chunks: whether all chunks of a stream count as one row.
    """

    number: int
    matches: EventFilter
    joins_chunks: bool


def _tail_request(args: Namespace) -> TailRequest:
    return TailRequest(args.lines, event_filter(args), _joins_chunks(args))


def last_events(sources: Iterable[Source], tail: TailRequest, report: ReportProblem) -> list[JsonMapping]:
    """Return the last events of several sources in the order of their time."""
    by_source = [_last_of_source(source, tail, report) for source in sources] if tail.number else []
    return _newest(heapq.merge(*by_source, key=sortable_time), tail)


def _last_of_source(source: Source, tail: TailRequest, report: ReportProblem) -> list[JsonMapping]:
    """Return the last events of a file, read backwards unless it is compressed."""
    if source.is_compressed():
        forward = (normalize(located.event) for located in events(source, report))
        return _newest(filter(tail.matches, forward), tail)
    backward = map(normalize, newest_first(source, report))
    return list(_until_enough(filter(tail.matches, backward), tail))[::-1]


def _until_enough(backward: Iterable[JsonMapping], tail: TailRequest) -> Iterator[JsonMapping]:
    rows = set()
    for number, event in enumerate(backward):
        rows.add(_row_key(event, tail) or number)
        if len(rows) > tail.number:
            return
        yield event


def _newest(forward: Iterable[JsonMapping], tail: TailRequest) -> list[JsonMapping]:
    window: deque[tuple[object, JsonMapping]] = deque()
    rows: Counter[object] = Counter()
    for number, event in enumerate(forward):
        row = _row_key(event, tail) or number
        window.append((row, event))
        rows[row] += 1
        while len(rows) > tail.number:
            oldest, _ = window.popleft()
            rows[oldest] -= 1
            if not rows[oldest]:
                del rows[oldest]
    return [event for _, event in window]


def _row_key(event: JsonMapping, tail: TailRequest) -> object:
    """Return the key of the row that an event shares with others; None if it has a row of its own."""
    return stream_key(event) if tail.joins_chunks else None
