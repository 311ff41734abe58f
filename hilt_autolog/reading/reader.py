"""Reading logs back: many files as one stream of events, and each request whole again.

log = read("logs/")
for event in log:
    if event["action"] == "prompt":
        print(log.messages_of(event))
print(log.problems)
"""

from __future__ import annotations

import glob
import heapq
import os
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hilt_autolog.settings import load

from .columns import normalize
from .history import Message, holds_messages, rebuild_messages
from .lines import LocatedEvent, ReadProblem, Source, events
from .timestamps import sortable_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl
    from duckdb import DuckDBPyRelation

Event = dict[str, Any]

ENDINGS = (".hilt.jsonl", ".hilt.jsonl.gz", ".hilt.jsonl.zst")
_REBUILDS = ("event_id", "action", "actor", "content")  # what of an event its messages are rebuilt from


def read(*sources: str | os.PathLike[str]) -> Log:
    """Return the events of `sources` as one log.

    Args:
        sources: Files, folders (every `*.hilt.jsonl`, `.gz` and `.zst` in and below), globs, or "-" for
            standard input; without any, the folder that the settings let logs be written to (`logs`).
            What cannot be read twice (a pipe) is held in memory.

    Raises:
        FileNotFoundError: when a source does not exist. Bad lines raise nothing: see `Log.problems`.
    """
    named = [source for name in sources or (default_source(),) for source in find_sources(os.fspath(name))]
    return Log(list({os.path.realpath(source.name): source for source in named}.values()))


def messages_of(event: Event, log: Log) -> list[Message]:
    """Return the messages that `event`, an event of `log`, stands for; see `Log.messages_of`."""
    return log.messages_of(event)


class Log:
    """The events of one or many files, merged by time, read anew by each iteration.

    Attributes:
        problems: What could not be read so far (file, line number, reason), each once.
        wanted: Which events are given; all, if None. Messages are rebuilt from all in any case.
        on_progress: Takes now and then how much of a question DuckDB has answered: from 0 to 1.
    """

    def __init__(self, sources: list[Source]) -> None:
        self.sources = sources
        self._problems: dict[ReadProblem, None] = {}
        self._holders: dict[str, Event] | None = None
        self.event_filter: Callable[[Event], bool] | None = None
        self.on_progress: Callable[[float], None] | None = None

    def __iter__(self) -> Iterator[Event]:
        return (placed.event for placed in self.located_events())

    def located_events(self) -> Iterator[LocatedEvent]:
        """Return the events as an iteration does, each with its file and line number."""
        wanted = self.event_filter
        find_sources = self._all_events()
        return (
            find_sources
            if wanted is None
            else (placed for placed in find_sources if wanted(normalize(placed.event)))
        )

    def _all_events(self) -> Iterator[LocatedEvent]:
        return heapq.merge(*(_sparingly(source, self.report) for source in self.sources), key=located_time)

    @property
    def problems(self) -> list[ReadProblem]:
        """Return what could not be read so far; it is complete once the log has been read to its end."""
        return list(self._problems)

    def messages_of(self, event: Event) -> list[Message]:
        """Return every message that `event` stands for, oldest first, however often it was not repeated.

        For a prompt that is the whole request, for a completion the request and the (first) answer, for
        a tool_result the conversation up to that result. Reads the log once, at the first call, and keeps
        what was said. The messages belong to the log: copy before changing them.

        Raises:
            LookupError: when the log lacks an event that is referred to, or contradicts itself.
        """
        if self._holders is None:
            self._holders = {e["event_id"]: _essence(e) for e, *_ in self._all_events() if _holds_messages(e)}
        return rebuild_messages(event, self._holders.get)

    def sql(self, query: str) -> DuckDBPyRelation:
        """Return the answer to a question in SQL about the view `events`: a relation of DuckDB.

            read("logs/").sql("SELECT model, sum(cost_usd) FROM events GROUP BY model").show()

        The question is answered at once, and DuckDB holds the answer; nothing else can be read by it, and
        nothing be written. The columns of `events` are those of `hilt_autolog.analytics.columns`.

        Raises:
            ConversionError: DuckDB is not installed (the extra `analytics`).
            ValueError: the question is not one statement that reads, or names an unknown column.
            duckdb.Error: DuckDB does not understand it, or fails.
        """
        from hilt_autolog.analytics.frames import query_relation

        return query_relation(self, query)

    def to_polars(self) -> pl.DataFrame:
        """Return the events, oldest first, as a data frame with the columns of the view `events`.

        Raises:
            ConversionError: DuckDB (the extra `analytics`) or polars is not installed.
        """
        from hilt_autolog.analytics.frames import to_frame

        find_sources: pl.DataFrame = to_frame(self, "polars")
        return find_sources

    def to_pandas(self) -> Any:
        """Return the events as a `pandas.DataFrame`; see `to_polars`."""
        from hilt_autolog.analytics.frames import to_frame

        return to_frame(self, "pandas")

    def to_arrow(self) -> Any:
        """Return the events as a `pyarrow.Table`; see `to_polars`."""
        from hilt_autolog.analytics.frames import to_frame

        return to_frame(self, "pyarrow")

    def report(self, problem: ReadProblem) -> None:
        """Take note of something that could not be read; once, however often it is met."""
        self._problems[problem] = None


def default_source() -> str:
    """Return the folder of the log's template, or the one file that it names."""
    settings, _ = load({}, os.environ, str(Path.cwd()))
    fixed, field, _ = settings.path.partition("{")
    return (os.path.dirname(fixed) or ".") if field else fixed


def find_sources(name: str) -> list[Source]:
    """Return what a name stands for: a file, a folder's logs, those of a glob, or standard input."""
    if name == "-":
        return [Source(name, sys.stdin.buffer.read())]
    path = Path(name).expanduser()
    if path.exists():
        return _at(path)
    matches = sorted(glob.glob(str(path), recursive=True))
    if not matches:
        raise FileNotFoundError(f"no such log: {name}")
    return [source for match in matches for source in _at(Path(match))]


def _at(path: Path) -> list[Source]:
    if path.is_dir():
        return [Source(str(p)) for p in sorted(path.rglob("*")) if p.name.endswith(ENDINGS) and p.is_file()]
    if path.exists() and not path.is_file():
        return [Source(str(path), path.read_bytes())]
    return [Source(str(path))]


def _sparingly(source: Source, report: Callable[[ReadProblem], None]) -> Iterator[LocatedEvent]:
    """Yield the events of a file that is closed again until the one after the first is wanted.

    Merging asks each file for its first event before anything else. One file a process makes thousands
    of them in a folder, and a process may hold about a thousand open.
    """
    beginning = events(source, report)
    first = next(beginning, None)
    beginning.close()
    if first is not None:
        yield first
        yield from islice(events(source, report), 1, None)


def located_time(placed: LocatedEvent) -> str:
    """Return an event's time as text that sorts; see `moment_of`."""
    return sortable_time(placed.event)


def _holds_messages(event: Event) -> bool:
    return holds_messages(event) and isinstance(event.get("event_id"), str)


def _essence(event: Event) -> Event:
    extensions = event.get("extensions")
    return {key: event[key] for key in _REBUILDS if key in event} | {"extensions": extensions}
