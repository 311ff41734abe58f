"""hilt tail: the last events of a log, a line each, and those that are written from now on."""

from __future__ import annotations

import heapq
import select
import sys
import time
from argparse import ArgumentTypeError
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from .exits import OK, USAGE, Stop
from .folding import Folded, stream_of
from .glance import word
from .rows import Rows
from .sources import add_filters, add_paths, check_input, complained, opened, tell, told, wanted
from .terminal import say, stdout_screen

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterable, Iterator

    from hilt_autolog.io.lines import Problem, Source

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
    problems: list[Problem] = []
    printer.print(merged_last(opened(chosen.paths).sources, chosen, problems.append))
    printer.print_rest()
    return complained(problems)


class _Printer:
    """Prints events as the command line asks for them."""

    def __init__(self, chosen: Namespace) -> None:
        self._rows = Rows(stdout_screen(chosen.color), is_json=chosen.json)
        self._folds = folds(chosen)
        self._folded = Folded()

    def print(self, events: Iterable[Event]) -> None:
        for event in events:
            for row in self._folded.take(event) if self._folds else (event,):
                self._rows.print(row)

    def print_rest(self) -> None:
        for row in self._folded.rest():
            self._rows.print(row)


def _follow(chosen: Namespace, printer: _Printer) -> None:
    """Print the last events, and those that come, until a pipe ends, or the user or the reader goes.

    The followed files are looked at before their last events are read. What is written in between is found
    twice, and told apart by its id; the other way round it would be lost.
    """
    from hilt_autolog.io.following import follow, is_pipe
    from hilt_autolog.io.reader import written_to

    check_input(chosen.paths)
    names = chosen.paths or [written_to()]
    takes = wanted(chosen)
    try:
        coming = follow(*names, report=tell, back=0)
    except ValueError as error:
        raise Stop(str(error), USAGE) from None
    seen: set[str] = set()
    if not any(map(is_pipe, names)):
        new = [
            told(found.event) for found in iter(lambda: next(coming), None) if not _is_archived(found.file)
        ]
        try:
            sources = opened(chosen.paths).sources
        except Stop as nothing:
            say(f"{nothing}; waiting")
            sources = []
        last = merged_last(
            sources, chosen, lambda problem: None if _is_unfinished(problem) else tell(problem)
        )
        seen = {word(event.get("event_id")) for event in last} - {""}
        printer.print(last)
        printer.print(event for event in new if takes(event) and word(event.get("event_id")) not in seen)
    for found in coming:
        if found is None:
            _wait()
        elif takes(event := told(found.event)) and word(event.get("event_id")) not in seen:
            printer.print([event])


def _is_archived(file: str) -> bool:
    from hilt_autolog.io.lines import Source

    return Source(file).is_compressed()


def _is_unfinished(problem: Problem) -> bool:
    return problem.line == -1 and problem.reason.startswith("torn")


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


def folds(chosen: Namespace) -> bool:
    """Return whether all the pieces of a stream make one row, and not each of them."""
    return not (chosen.chunks or chosen.json)


def merged_last(
    sources: Iterable[Source], chosen: Namespace, report: Callable[[Problem], None]
) -> list[Event]:
    """Return the events that make the last rows of several sources, in the order of their time.

    Args:
        sources: The files.
        chosen: Says how many rows, and which events.
        report: Takes what could not be read.
    """
    from hilt_autolog.io.moments import moment_of

    takes = wanted(chosen)
    found = heapq.merge(*(_last(source, chosen, takes, report) for source in sources), key=moment_of)
    return _newest(found, chosen.lines, folds=folds(chosen))


def _last(
    source: Source, chosen: Namespace, takes: Callable[[Event], bool], report: Callable[[Problem], None]
) -> list[Event]:
    """Return the events that make the last rows of a file: read from its end, if it has one."""
    from hilt_autolog.io.backward import newest_first
    from hilt_autolog.io.lines import events

    if chosen.lines == 0:
        return []
    if source.is_compressed():
        forward = (told(placed.event) for placed in events(source, report))
        return _newest((event for event in forward if takes(event)), chosen.lines, folds=folds(chosen))
    backward = (event for event in map(told, newest_first(source, report)) if takes(event))
    return list(_until(backward, chosen.lines, folds=folds(chosen)))[::-1]


def _until(backward: Iterable[Event], count: int, *, folds: bool) -> Iterator[Event]:
    rows = set()
    for number, event in enumerate(backward):
        rows.add((folds and stream_of(event)) or number)
        if len(rows) > count:
            return
        yield event


def _newest(forward: Iterable[Event], count: int, *, folds: bool) -> list[Event]:
    kept: deque[tuple[object, Event]] = deque()
    rows: Counter[object] = Counter()
    for number, event in enumerate(forward):
        kept.append(((folds and stream_of(event)) or number, event))
        rows[kept[-1][0]] += 1
        while len(rows) > count:
            row, _ = kept.popleft()
            rows[row] -= 1
            if not rows[row]:
                del rows[row]
    return [event for _, event in kept]


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ArgumentTypeError(f"{text!r} is no number of lines")
    return int(text)
