"""hilt tail: the last events of a log, a line each, and those that are written from now on."""

from __future__ import annotations

import select
import sys
import time
from argparse import ArgumentTypeError
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from hilt_autolog.io.rows import told

from .exits import OK, USAGE, Stop
from .folding import Folded
from .glance import word
from .rows import Rows
from .sources import add_filters, add_paths, check_input, complained, opened, tell, wanted
from .terminal import say, stdout_screen

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterable

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
    printer.print(_last(chosen, opened(chosen.paths).sources, problems.append))
    printer.print_rest()
    return complained(problems)


class _Printer:
    """Prints events as the command line asks for them."""

    def __init__(self, chosen: Namespace) -> None:
        self._rows = Rows(stdout_screen(chosen.color), is_json=chosen.json, is_live=chosen.follow)
        self._folds = _folds(chosen)
        self._folded = Folded()

    def print(self, events: Iterable[Event]) -> None:
        for event in events:
            for row in self._folded.take(event) if self._folds else (event,):
                self._rows.print(row)

    def print_rest(self) -> None:
        for row in self._folded.rest():
            self._rows.print(row)


def _last(chosen: Namespace, sources: Iterable[Source], report: Callable[[Problem], None]) -> list[Event]:
    from .last import Wish, last

    return last(sources, Wish(chosen.lines, wanted(chosen), _folds(chosen)), report)


def _folds(chosen: Namespace) -> bool:
    return not (chosen.chunks or chosen.json)


def _follow(chosen: Namespace, printer: _Printer) -> None:
    """Print the last events, and those that come, until a pipe ends, or the user or the reader goes.

    The followed files are looked at before their last events are read. What is written in between is found
    twice, and told apart by its id; the other way round it would be lost.
    """
    from hilt_autolog.io.following import follow, is_pipe
    from hilt_autolog.io.reader import written_to

    check_input(chosen.paths)
    names = chosen.paths or [written_to()]
    try:
        coming = follow(*names, report=tell, back=0)
    except ValueError as error:
        raise Stop(str(error), USAGE) from None
    takes = wanted(chosen)
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
        elif takes(event := told(found.event)) and word(event.get("event_id")) not in seen:
            printer.print([event])
    printer.print_rest()


def _sources(chosen: Namespace) -> list[Source]:
    """Return the files that are there already; they may all be yet to come."""
    try:
        return opened(chosen.paths).sources
    except Stop as nothing:
        say(f"{nothing}; waiting")
        return []


def _tell_unless_unfinished(problem: Problem) -> None:
    """Tell what could not be read, unless it is a last line that somebody is about to finish."""
    if not (problem.line == -1 and problem.reason.startswith("torn")):
        tell(problem)


@cache
def _is_archived(file: str) -> bool:
    from hilt_autolog.io.lines import Source

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
