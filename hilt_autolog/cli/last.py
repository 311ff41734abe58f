"""The last events of a log: as many as make so many rows, and no more is read than it takes to find them."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, NamedTuple

from hilt_autolog.io.backward import newest_first
from hilt_autolog.io.lines import events
from hilt_autolog.io.moments import moment_of
from hilt_autolog.io.rows import told

from .folding import stream_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hilt_autolog.io.lines import Problem, Source

Event = dict[str, Any]


class Wish(NamedTuple):
    """What is asked for.

    Attributes:
        number: How many rows.
        takes: Whether an event is wanted.
        folds: Whether all the pieces of a stream make one row, and not each of them.
    """

    number: int
    takes: Callable[[Event], bool]
    folds: bool


def last(sources: Iterable[Source], wish: Wish, report: Callable[[Problem], None]) -> list[Event]:
    """Return the last events of several sources, in the order of their time."""
    found = [_of_source(source, wish, report) for source in sources] if wish.number else []
    return _newest(heapq.merge(*found, key=moment_of), wish)


def _of_source(source: Source, wish: Wish, report: Callable[[Problem], None]) -> list[Event]:
    """Return the last events of a file: read from its end, if it has one."""
    if source.is_compressed():
        forward = (told(placed.event) for placed in events(source, report))
        return _newest((event for event in forward if wish.takes(event)), wish)
    backward = map(told, newest_first(source, report))
    return list(_until_enough((event for event in backward if wish.takes(event)), wish))[::-1]


def _until_enough(backward: Iterable[Event], wish: Wish) -> Iterator[Event]:
    rows = set()
    for number, event in enumerate(backward):
        rows.add(_row(event, wish) or number)
        if len(rows) > wish.number:
            return
        yield event


def _newest(forward: Iterable[Event], wish: Wish) -> list[Event]:
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


def _row(event: Event, wish: Wish) -> object:
    """Return the row that an event has in common with others; None, if it makes one by itself."""
    return stream_of(event) if wish.folds else None
