"""The ledger: which logs were opened under a hilt-run, and what they say, in a line.

hilt-run names a private file in HILT_RUN_LOGS. Every process that opens a log adds a line to it: the log's
size in bytes at that moment, a tab, its absolute path. What the log held before is not summed up.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

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
    parts = [_count(calls, "call")]
    parts += [_count(tokens, "token")] if tokens is not None else []
    parts += [_dollars(cost)] if cost is not None else []
    parts += [_count(errors, "error")] if errors else []
    parts += [f"{_count(lost, 'event')} lost (`hilt doctor` says why)"] if lost else []
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
    calls = errors = lost = 0
    tokens: int | None = None
    cost: float | None = None
    for event in _events(opened):
        action, metrics = event.get("action"), _part(event, "metrics")
        is_search = _part(event, "provenance").get("operation") == "retrieval"  # it asks no model
        calls += action in ("prompt", "embedding") and not is_search
        errors += action == "system" and "error_type" in _part(event, "extensions")
        lost += _dropped(event)
        if action in ("completion", "embedding", "system"):  # a failure may have been paid for
            tokens = _plus(tokens, _total(_part(metrics, "tokens")))
            cost = _plus(cost, metrics.get("cost_usd"))
    return RunTotals(calls, tokens, cost, errors, lost)


def _dropped(event: dict[str, Any]) -> int:
    """Return how many events a process says at its end that it could not write."""
    extensions = _part(event, "extensions")
    is_ours = event.get("action") == "system" and _part(event, "actor").get("id") == "hilt-autolog"
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


def _part(event: dict[str, Any], key: str) -> dict[str, Any]:
    part = event.get(key)
    return part if isinstance(part, dict) else {}


def _total(tokens: dict[str, Any]) -> int | None:
    parts = [tokens[key] for key in ("prompt", "completion") if key in tokens]
    return tokens.get("total", sum(parts) if parts else None)


def _plus(known: Any, more: Any) -> Any:
    """Add a number that may be absent to a sum that may not have begun."""
    return known if more is None else (known or 0) + more


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _dollars(cost: float) -> str:
    if cost >= 1:
        return f"${cost:,.2f}"
    return "<$0.0001" if 0 < cost < 0.0001 else f"${cost:.4f}"  # noqa: PLR2004  the last digit shown


def _location(paths: list[Path]) -> str:
    """Return the path of the log; of several logs, their number and the folder that they share."""
    if len(paths) == 1:
        return _relative(paths[0])
    return f"{len(paths)} files in {_relative(Path(os.path.commonpath([path.parent for path in paths])))}/"


def _relative(path: Path) -> str:
    folder = Path.cwd()
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)
