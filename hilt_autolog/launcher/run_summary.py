"""The summary line of a hilt-run: the calls, tokens, costs and errors in the logs that its command opened.

HILT_RUN_LOGS names a private file of hilt-run. Every process that opens a log appends a line to it: the log's
size in bytes at that moment, a tab, its absolute path. Older lines of the log are not counted.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hilt_autolog.format import PROCESS_ACTOR, CallTotals, count, dollars, section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hilt_autolog.contracts.types import JsonObject


class RunTotals(NamedTuple):
    """The totals of a run. `tokens`, and `cost` in US dollars, are None if no event has any."""

    calls: int
    tokens: int | None
    cost: float | None
    errors: int
    lost: int = 0


def create_run_list(environ: Mapping[str, str]) -> Path | None:
    """Create the empty list of logs (mode 0600); None if there is one already, or it cannot be created."""
    from tempfile import mkstemp

    if Path(environ.get("HILT_RUN_LOGS", "")).is_file():
        return None
    try:
        handle, path = mkstemp(prefix="hilt-", suffix=".logs")
    except OSError:
        return None
    os.close(handle)
    return Path(path)


def summary(run_list: Path) -> str:
    """Return the summary line; the path of a log below the current directory is relative to it."""
    offsets = read_run_list(run_list)
    if not offsets:
        return "hilt: nothing recorded (`hilt doctor` says why)"
    calls, tokens, cost, errors, lost = add_up(offsets)
    parts = [count(calls, "call")]
    parts += [count(tokens, "token")] if tokens is not None else []
    parts += [dollars(cost)] if cost is not None else []
    parts += [count(errors, "error")] if errors else []
    parts += [f"{count(lost, 'event')} lost (`hilt doctor` says why)"] if lost else []
    return f"hilt: {', '.join(parts)} -> {_location(list(offsets))}"


def read_run_list(run_list: Path) -> dict[Path, int]:
    """Return the logs of a run, each with the offset in bytes at which its new lines begin.

    Invalid lines and deleted logs are skipped.
    """
    offsets: dict[Path, int] = {}
    for line in run_list.read_bytes().split(b"\n"):
        offset, _, name = line.partition(b"\t")
        path = Path(os.fsdecode(name))
        if offset.isdigit() and path.is_file():
            offsets[path] = min(int(offset), offsets.get(path, int(offset)))
    return offsets


def add_up(offsets: Mapping[Path, int]) -> RunTotals:
    """Return the totals of the new lines of logs; `offsets` as `read_run_list` returns them."""
    totals, lost = CallTotals(), 0
    for event in _events(offsets):
        totals.add(event)
        lost += _lost(event)
    return RunTotals(totals.calls, totals.tokens, totals.cost, totals.errors, lost)


def _lost(event: JsonObject) -> int:
    """Return the number of lost events, if this is the last event of a process."""
    extensions = section(event, "extensions")
    is_lifecycle = event.get("action") == "system" and section(event, "actor").get("id") == PROCESS_ACTOR
    dropped = extensions.get("dropped") if is_lifecycle and "written" in extensions else None
    return dropped if isinstance(dropped, int) else 0


def _events(offsets: Mapping[Path, int]) -> Iterator[JsonObject]:
    """Yield the events of the new lines, except the chunks of streams, which do not count."""
    import orjson

    for path, offset in offsets.items():
        with path.open("rb") as file:
            file.seek(offset)
            for line in file:
                if b'"action":"completion_chunk"' in line:
                    continue
                try:
                    event = orjson.loads(line)
                except ValueError:  # cut off when the process was killed
                    continue
                if isinstance(event, dict):
                    yield event


def _location(paths: list[Path]) -> str:
    """Return the path of the log; of several logs, their number and the folder that they share."""
    if len(paths) == 1:
        return _relative(paths[0])
    return f"{len(paths)} files in {_relative(Path(os.path.commonpath([path.parent for path in paths])))}/"


def _relative(path: Path) -> str:
    folder = Path.cwd()
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)
