"""What a log holds, as a table for people: with this each of the examples ends."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import hilt_autolog

if TYPE_CHECKING:
    from collections.abc import Iterable

COLUMNS = {
    "time": "<12",
    "action": "<20",
    "actor": "<22",
    "text": "<48",
    "tokens": ">6",
    "$": ">8",
    "ms": ">5",
}


def now() -> str:
    """Return the time in the way of an event."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def show_log(since: str, *, hidden: tuple[str, ...] = ()) -> None:
    """Print where the log is, and what it has of the calls that were made since, but for hidden actions."""
    path = hilt_autolog.status().path
    if path is None:
        print("There is no log: HILT_AUTOLOG=0 has switched it off.")
        return
    print(f"\n{path}\n")
    events = (event for event in hilt_autolog.read(path) if event["timestamp"] >= since)
    told = (event for event in events if event["actor"]["id"] != "hilt-autolog")
    show(event for event in told if event["action"] not in hidden)


def show(events: Iterable[dict[str, Any]]) -> None:
    """Print events as a table, the pieces of a stream in one row."""
    print(line(COLUMNS))
    for (action, _), group in groupby(events, key=kind):
        rows = list(group)
        if action == "completion_chunk":
            text = "".join(event["content"]["text"] for event in rows)
            rows = [rows[0] | {"action": f"{action} x{len(rows)}", "content": {"text": text}}]
        for event in rows:
            print(line(cells(event)))


def kind(event: dict[str, Any]) -> tuple[str, str]:
    """Return the action of an event, and whether a piece of a stream is text, thought or arguments."""
    return event["action"], event.get("extensions", {}).get("kind", "")


def cells(event: dict[str, Any]) -> tuple[object, ...]:
    """Return what stands in an event's row; what the event does not have stays empty."""
    metrics = event.get("metrics", {})
    return (
        event["timestamp"][11:23],
        event["action"],
        "{type}/{id}".format_map(event["actor"])[:22],
        shorten(event.get("content", {}).get("text", ""), 48, placeholder=" ..."),
        metrics.get("tokens", {}).get("total", ""),
        f"{metrics['cost_usd']:.6f}" if "cost_usd" in metrics else "",
        metrics.get("latency_ms", ""),
    )


def line(row: Iterable[object]) -> str:
    """Return a row of the table."""
    return "  ".join(format(cell, width) for cell, width in zip(row, COLUMNS.values(), strict=True)).rstrip()
