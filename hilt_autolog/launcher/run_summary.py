"""The ledger: which logs were opened under a hilt-run, and what they say, in a line.

hilt-run names a private file in HILT_RUN_LOGS. Every process that opens a log adds a line to it: the log's
size in bytes at that moment, a tab, its absolute path. What the log held before is not summed up.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hilt_autolog.format import CallTotals, count, dollars, section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class RunTotals(NamedTuple):
    """What happened: calls, failures, lost events; tokens and US dollars, None if no event tells them."""

    calls: int
    tokens: int | None
    cost: float | None
    errors: int
    lost: int = 0


def create_run_list(environ: Mapping[str, str]) -> Path | None:
    """Make an empty ledger (mode 0600); None if there is one already, or no place for it."""
    from tempfile import mkstemp

    if Path(environ.get("HILT_RUN_LOGS", "")).is_file():
        return None
    try:
        handle, path = mkstemp(prefix="hilt-", suffix=".ledger")
    except OSError:
        return None
    os.close(handle)
    return Path(path)


def summary(ledger: Path) -> str:
    """Return the line that hilt-run ends with; a log below the working folder is named from there."""
    opened = read_run_list(ledger)
    if not opened:
        return "hilt: nothing recorded (`hilt doctor` says why)"
    calls, tokens, cost, errors, lost = add_up(opened)
    parts = [count(calls, "call")]
    parts += [count(tokens, "token")] if tokens is not None else []
    parts += [dollars(cost)] if cost is not None else []
    parts += [count(errors, "error")] if errors else []
    parts += [f"{count(lost, 'event')} lost (`hilt doctor` says why)"] if lost else []
    return f"hilt: {', '.join(parts)} -> {_location(list(opened))}"


def read_run_list(ledger: Path) -> dict[Path, int]:
    """Return the logs that a ledger names, each with the offset in bytes where its new lines begin.

    A line that is not an entry is passed over, and so is a log that is gone.
    """
    opened: dict[Path, int] = {}
    for line in ledger.read_bytes().split(b"\n"):
        offset, _, name = line.partition(b"\t")
        path = Path(os.fsdecode(name))
        if offset.isdigit() and path.is_file():
            opened[path] = min(int(offset), opened.get(path, int(offset)))
    return opened


def add_up(opened: Mapping[Path, int]) -> RunTotals:
    """Sum up the new lines of some logs, given as `logs()` returns them."""
    totals, lost = CallTotals(), 0
    for event in _events(opened):
        totals.add(event)
        lost += _dropped(event)
    return RunTotals(totals.calls, totals.tokens, totals.cost, totals.errors, lost)


def _dropped(event: dict[str, Any]) -> int:
    """Return how many events a process says at its end that it could not write."""
    extensions = section(event, "extensions")
    is_ours = event.get("action") == "system" and section(event, "actor").get("id") == "hilt-autolog"
    dropped = extensions.get("dropped") if is_ours and "written" in extensions else None
    return dropped if isinstance(dropped, int) else 0


def _events(opened: Mapping[Path, int]) -> Iterator[dict[str, Any]]:
    """Yield the events of the new lines but for a stream's chunks, which are many and add nothing."""
    import orjson

    for path, offset in opened.items():
        with path.open("rb") as file:
            file.seek(offset)
            for line in file:
                if b'"action":"completion_chunk"' in line:
                    continue
                try:
                    event = orjson.loads(line)
                except ValueError:  # torn by a kill
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
