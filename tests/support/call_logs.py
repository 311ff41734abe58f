"""Ends of calls, and logs of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

Event = dict[str, Any]


def answer(number: int, **more: Any) -> Event:
    """Return the end of a call that went well, in the n-th minute of a day."""
    return {
        "hilt_version": "1.0.0",
        "event_id": f"event-{number}",
        "timestamp": f"2026-01-31T12:{number:02}:00.000000Z",
        "session_id": "conv_1",
        "actor": {"type": "agent", "id": "m"},
        "action": "completion",
        "content": {"text": f"answer {number}"},
        "metrics": {"latency_ms": 100 * number, "tokens": {"prompt": 10, "completion": 5}, "cost_usd": 0.25},
        "extensions": {"model": "m", "reply_to": f"prompt-{number}"},
    } | more


def failure(number: int, **extensions: Any) -> Event:
    """Return the end of a call that failed."""
    error = {"error_type": "RateLimitError", "reply_to": f"prompt-{number}", **extensions}
    origin = {"model": "m"}
    return answer(number, action="system", metrics={"latency_ms": 9}, provenance=origin, extensions=error)


def write(path: Path, *lines: Event | bytes) -> Path:
    """Write a log of events, and of lines that are none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = (line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)
    path.write_bytes(b"".join(content))
    return path
