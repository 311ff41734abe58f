"""hilt tail: the last events of a log, a line each, and those that are written from now on."""

from __future__ import annotations

import heapq
import select
import sys
import time
from argparse import ArgumentTypeError
from collections import Counter, deque
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from hilt_autolog.cli.exit_codes import OK, USAGE, CommandError
from hilt_autolog.cli.render.event_format import ChunkFolder, stream_of, word
from hilt_autolog.cli.render.rows import Rows
from hilt_autolog.cli.render.terminal import say, stdout_screen
from hilt_autolog.cli.select.sources import (
    add_filters,
    add_paths,
    check_input,
    event_filter,
    opened,
    report_problems,
    tell,
)
from hilt_autolog.reading.columns import normalize
from hilt_autolog.reading.lines import events
from hilt_autolog.reading.reverse import newest_first
from hilt_autolog.reading.timestamps import sortable_time

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterable, Iterator

    from hilt_autolog.reading.lines import ReadProblem, Source


Event = dict[str, Any]

_PAUSE = 0.1  # seconds between two looks at a log that is followed


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_paths(parser)
    parser.add_argument("-f", "--follow", action="store_true", help="print what is written from now on, too")
    parser.add_argument(
        "-n", "--lines", type=_count, default=20, metavar="N", help="how many of the last (default: 20)"
    )
    parser.add_argument("--chunks", action="store_true", help="print each piece of a stream, not all in one")
    parser.add_argument("--json", action="store_true", help="print JSON lines: the events as they stand")
    add_filters(parser)


def run(chosen: Namespace) -> int:
    """Print the last events.

    Returns:
        0, or 3 if a file cannot be read.
    """
    printer = _Printer(chosen)
    if chosen.follow:
        _follow(chosen, printer)
        return OK
    problems: list[ReadProblem] = []
    printer.print(_last(chosen, opened(chosen.paths).sources, problems.append))
    printer.print_rest()
    return report_problems(problems)


class _Printer:
    """Prints events as the command line asks for them."""

    def __init__(self, chosen: Namespace) -> None:
        self._rows = Rows(stdout_screen(chosen.color), is_json=chosen.json, is_live=chosen.follow)
        self._folds = _folds(chosen)
        self._folded = ChunkFolder()

    def print(self, events: Iterable[Event]) -> None:
        for event in events:
            for row in self._folded.take(event) if self._folds else (event,):
                self._rows.print(row)

    def print_rest(self) -> None:
        for row in self._folded.rest():
            self._rows.print(row)


def _last(chosen: Namespace, sources: Iterable[Source], report: Callable[[ReadProblem], None]) -> list[Event]:
    return last(sources, TailRequest(chosen.lines, event_filter(chosen), _folds(chosen)), report)


def _folds(chosen: Namespace) -> bool:
    return not (chosen.chunks or chosen.json)


def _follow(chosen: Namespace, printer: _Printer) -> None:
    """Print the last events, and those that come, until a pipe ends, or the user or the reader goes.

    The followed files are looked at before their last events are read. What is written in between is found
    twice, and told apart by its id; the other way round it would be lost.
    """
    from hilt_autolog.reading.follow import follow, is_pipe
    from hilt_autolog.reading.reader import default_source

    check_input(chosen.paths)
    names = chosen.paths or [default_source()]
    try:
        coming = follow(*names, report=tell, back=0)
    except ValueError as error:
        raise CommandError(str(error), USAGE) from None
    takes = event_filter(chosen)
    seen: set[str] = set()
    if not any(map(is_pipe, names)):
        first = [found for found in iter(lambda: next(coming), None) if not _is_archived(found.file)]
        there = _last(chosen, _sources(chosen), _tell_unless_unfinished)
        printer.print(there)
        seen = {word(event.get("event_id")) for event in there} - {""}
        coming = chain(first, coming)
    for found in coming:
        if found is None:
            _wait()
        elif takes(event := normalize(found.event)) and word(event.get("event_id")) not in seen:
            printer.print([event])
    printer.print_rest()


def _sources(chosen: Namespace) -> list[Source]:
    """Return the files that are there already; they may all be yet to come."""
    try:
        return opened(chosen.paths).sources
    except CommandError as nothing:
        say(f"{nothing}; waiting")
        return []


def _tell_unless_unfinished(problem: ReadProblem) -> None:
    """Tell what could not be read, unless it is a last line that somebody is about to finish."""
    if not (problem.line == -1 and problem.reason.startswith("torn")):
        tell(problem)


@cache
def _is_archived(file: str) -> bool:
    from hilt_autolog.reading.lines import Source

    return Source(file).is_compressed()


def _wait() -> None:
    """Wait a moment.

    Raises:
        BrokenPipeError: whoever reads what is printed has gone, as in `hilt tail -f | grep -m 1 error`.
    """
    try:
        poll = select.poll()
        poll.register(sys.stdout, 0)  # tells of errors only
    except (AttributeError, OSError, ValueError):  # not on this system, or stdout is no file
        time.sleep(_PAUSE)
        return
    if poll.poll(_PAUSE * 1000):
        raise BrokenPipeError


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ArgumentTypeError(f"{text!r} is no number of lines")
    return int(text)


class TailRequest(NamedTuple):
    """What is asked for.

    Attributes:
        number: How many rows.
        takes: Whether an event is wanted.
        folds: Whether all the pieces of a stream make one row, and not each of them.
    """

    number: int
    takes: Callable[[Event], bool]
    folds: bool


def last(sources: Iterable[Source], wish: TailRequest, report: Callable[[ReadProblem], None]) -> list[Event]:
    """Return the last events of several sources, in the order of their time."""
    found = [_of_source(source, wish, report) for source in sources] if wish.number else []
    return _newest(heapq.merge(*found, key=sortable_time), wish)


def _of_source(source: Source, wish: TailRequest, report: Callable[[ReadProblem], None]) -> list[Event]:
    """Return the last events of a file: read from its end, if it has one."""
    if source.is_compressed():
        forward = (normalize(placed.event) for placed in events(source, report))
        return _newest((event for event in forward if wish.takes(event)), wish)
    backward = map(normalize, newest_first(source, report))
    return list(_until_enough((event for event in backward if wish.takes(event)), wish))[::-1]


def _until_enough(backward: Iterable[Event], wish: TailRequest) -> Iterator[Event]:
    rows = set()
    for number, event in enumerate(backward):
        rows.add(_row(event, wish) or number)
        if len(rows) > wish.number:
            return
        yield event


def _newest(forward: Iterable[Event], wish: TailRequest) -> list[Event]:
    kept: deque[tuple[object, Event]] = deque()
    rows: Counter[object] = Counter()
    for number, event in enumerate(forward):
        row = _row(event, wish) or number
        kept.append((row, event))
        rows[row] += 1
        while len(rows) > wish.number:
            oldest, _ = kept.popleft()
            rows[oldest] -= 1
            if not rows[oldest]:
                del rows[oldest]
    return [event for _, event in kept]


def _row(event: Event, wish: TailRequest) -> object:
    """Return the row that an event has in common with others; None, if it makes one by itself."""
    return stream_of(event) if wish.folds else None
