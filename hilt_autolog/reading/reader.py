"""Read logs back: many files as one stream of events, and each request with all its messages.

log = read("logs/")
for event in log:
    if event["action"] == "prompt":
        print(log.messages_of(event))
print(log.problems)
"""

from __future__ import annotations

import heapq
import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hilt_autolog.settings import load

from .columns import normalize
from .history import holds_messages, rebuild_messages
from .lines import LocatedEvent, ReadProblem, Source, events, find_sources, located_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl
    from duckdb import DuckDBPyRelation

    from hilt_autolog.contracts.types import JsonObject

_HISTORY_KEYS = (
    "event_id",
    "action",
    "actor",
    "content",
)  # what messages are rebuilt from


def read(*sources: str | os.PathLike[str]) -> Log:
    """Return the events of `sources` as one log.

    Args:
        sources: files, directories (every `*.hilt.jsonl`, `.gz` and `.zst` in and below), globs, or "-" for
            standard input; without any, the directory that the settings name for logs (`logs`). What can be
            read only once (a pipe) is kept in memory.

    Raises:
        FileNotFoundError: a source does not exist. Bad lines raise nothing: see `Log.problems`.
    """
    names = sources or (default_source(),)
    files = [source for name in names for source in find_sources(os.fspath(name))]
    return Log(list({os.path.realpath(source.name): source for source in files}.values()))


def messages_of(event: JsonObject, log: Log) -> list[JsonObject]:
    """Return the conversation up to `event`, an event of `log`; see `Log.messages_of`."""
    return log.messages_of(event)


class Log:
    """The events of one or many files, merged by time, read again by each iteration.

    Args:
        sources: the files.

    Attributes:
        sources: the files.
        problems: what could not be read so far (file, line number, reason), each once.
        event_filter: whether an event is yielded; all are, if None. Messages are rebuilt from all events
        anyway.
        on_progress: called now and then with how much of a query DuckDB has answered: from 0 to 1.
    """

    def __init__(self, sources: list[Source]) -> None:
        self.sources = sources
        self._problems: dict[ReadProblem, None] = {}
        self._message_events: dict[str, JsonObject] | None = None
        self.event_filter: Callable[[JsonObject], bool] | None = None
        self.on_progress: Callable[[float], None] | None = None

    def __iter__(self) -> Iterator[JsonObject]:
        return (located.event for located in self.located_events())

    def located_events(self) -> Iterator[LocatedEvent]:
        """Return the events as an iteration does, each with its file and line number."""
        is_wanted, merged = self.event_filter, self._all_events()
        if is_wanted is None:
            return merged
        return (located for located in merged if is_wanted(normalize(located.event)))

    def _all_events(self) -> Iterator[LocatedEvent]:
        return heapq.merge(*(_events_of(source, self.report) for source in self.sources), key=located_time)

    @property
    def problems(self) -> list[ReadProblem]:
        """Return what could not be read so far; it is complete once the log has been read to its end."""
        return list(self._problems)

    def messages_of(self, event: JsonObject) -> list[JsonObject]:
        """Return the conversation up to and including `event`, oldest message first.

        The log holds each message only once. For a prompt the result is the whole request, for a completion
        the request and the (first) answer, for a tool_result the conversation up to that result. The first
        call reads the log once and keeps all messages in memory. The messages belong to the log: copy them
        before changing them.

        Raises:
            LookupError: the log lacks an event that is referred to, or contradicts itself.
        """
        if self._message_events is None:
            self._message_events = {
                one["event_id"]: _reduce(one) for one, *_ in self._all_events() if _has_id_and_messages(one)
            }
        return rebuild_messages(event, self._message_events.get)

    def sql(self, query: str) -> DuckDBPyRelation:
        """Return the result of an SQL query over the view `events`: a relation of DuckDB.

            read("logs/").sql("SELECT model, sum(cost_usd) FROM events GROUP BY model").show()

        The query runs at once, and DuckDB holds the result; the query can read nothing else, and write
        nothing. The columns of `events` are those of `hilt_autolog.analytics.columns`.

        Raises:
            ConversionError: DuckDB is not installed (the extra `analytics`).
            ValueError: the query is not one statement that reads, or names an unknown column.
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

        frame: pl.DataFrame = to_frame(self, "polars")
        return frame

    def to_pandas(self) -> Any:
        """Return the events as a `pandas.DataFrame`; see `to_polars`."""
        from hilt_autolog.analytics.frames import to_frame

        return to_frame(self, "pandas")

    def to_arrow(self) -> Any:
        """Return the events as a `pyarrow.Table`; see `to_polars`."""
        from hilt_autolog.analytics.frames import to_frame

        return to_frame(self, "pyarrow")

    def report(self, problem: ReadProblem) -> None:
        """Add a problem to `problems`; once, however often it occurs."""
        self._problems[problem] = None


def default_source() -> str:
    """Return the directory of the log's path template, or the one file that it names."""
    settings, _ = load({}, os.environ, str(Path.cwd()))
    fixed, field, _ = settings.path.partition("{")
    return (os.path.dirname(fixed) or ".") if field else fixed


def _events_of(source: Source, report: Callable[[ReadProblem], None]) -> Iterator[LocatedEvent]:
    """Yield the events of a file, which is closed between the first event and the second.

    A merge takes the first event of each file before anything else. A directory may hold thousands of files,
    one for each process, while a process may have about a thousand open.
    """
    beginning = events(source, report)
    first = next(beginning, None)
    beginning.close()
    if first is not None:
        yield first
        yield from islice(events(source, report), 1, None)


def _has_id_and_messages(event: JsonObject) -> bool:
    return holds_messages(event) and isinstance(event.get("event_id"), str)


def _reduce(event: JsonObject) -> JsonObject:
    """Return the part of an event that its messages are rebuilt from."""
    extensions = event.get("extensions")
    return {key: event[key] for key in _HISTORY_KEYS if key in event} | {"extensions": extensions}
