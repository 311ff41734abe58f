"""Print a log as `hilt tail` does, at the end of each example."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import hilt_autolog
from hilt_autolog.cli import main as hilt

if TYPE_CHECKING:
    from collections.abc import Iterable

CALLS = ("prompt", "completion", "completion_chunk", "tool_call", "tool_result", "retrieval")
TAIL = ("tail", "--lines", "1000")


def now() -> str:
    """Return the present time in the format of `--since`."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def show_log(since: str) -> None:
    """Print the path of the log, and its calls since a time, without `system` events.

    Args:
        since: a time in ISO 8601.
    """
    path = hilt_autolog.status().path
    if path is None:
        print("There is no log: HILT_AUTOLOG=0 has switched it off.")
        return
    print(f"\n{path}\n")
    hilt([*TAIL, f"--since={since}", *(f"--action={action}" for action in CALLS), str(path)])


def show(events: Iterable[dict[str, Any]]) -> None:
    """Print events from any source, such as a spreadsheet."""
    with TemporaryDirectory() as folder:
        log = Path(folder) / "events.hilt.jsonl"
        log.write_text("".join(f"{json.dumps(event)}\n" for event in events), encoding="utf-8")
        hilt([*TAIL, str(log)])
