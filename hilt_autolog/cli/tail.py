"""hilt tail: the last events of a log, a line each, and those that are written from now on."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from .folding import Folded, stream_of
from .rows import Rows
from .sources import add_filters, add_paths, complained, opened, wanted
from .terminal import stdout_screen

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterable, Iterator

    from hilt_autolog.io.lines import Problem, Source

Event = dict[str, Any]


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
    problems: list[Problem] = []
    folds = not (chosen.chunks or chosen.json)
    log = opened(chosen.paths)
    last = merged_last(log.sources, chosen.lines, wanted(chosen), problems.append, folds=folds)
    rows = Rows(stdout_screen(chosen.color), is_json=chosen.json)
    folded = Folded()
    for event in last:
        for row in folded.take(event) if folds else (event,):
            rows.print(row)
    for row in folded.rest():
        rows.print(row)
    return complained(problems)


def merged_last(
    sources: Iterable[Source],
    count: int,
    takes: Callable[[Event], bool],
    report: Callable[[Problem], None],
    *,
    folds: bool,
) -> Iterable[Event]:
    """Return the events that make the last rows of several sources, in the order of their time.

    Args:
        sources: The files.
        count: How many rows.
        takes: Whether an event is wanted.
        report: Takes what could not be read.
        folds: Whether all the pieces of a stream make one row, and not each of them.
    """
    from hilt_autolog.io.moments import moment_of

    found = [event for source in sources for event in _last(source, count, takes, report, folds=folds)]
    return _newest(sorted(found, key=moment_of), count, folds=folds)


def _last(
    source: Source,
    count: int,
    takes: Callable[[Event], bool],
    report: Callable[[Problem], None],
    *,
    folds: bool,
) -> Iterable[Event]:
    """Return the events that make the last rows of a file: read from its end, if it has one."""
    from hilt_autolog.io.backward import newest_first
    from hilt_autolog.io.lines import events

    if count == 0:
        return ()
    if source.is_compressed():
        forward = (placed.event for placed in events(source, report))
        return _newest((event for event in forward if takes(event)), count, folds=folds)
    backward = (event for event in newest_first(source, report) if takes(event))
    return reversed(list(_until(backward, count, folds=folds)))


def _until(backward: Iterable[Event], count: int, *, folds: bool) -> Iterator[Event]:
    rows = set()
    for number, event in enumerate(backward):
        rows.add((folds and stream_of(event)) or number)
        if len(rows) > count:
            return
        yield event


def _newest(forward: Iterable[Event], count: int, *, folds: bool) -> Iterable[Event]:
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
    if not text.isdecimal():
        raise ValueError
    return int(text)
