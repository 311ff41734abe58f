"""A small conversation as a log has it, and logs written for a test."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

Event = dict[str, Any]

USER = {"type": "human", "id": "ada"}
AGENT = {"type": "agent", "id": "gpt-5"}
TOOL = {"type": "tool", "id": "get_weather"}


def event(number: int, action: str, actor: Event, text: str | None = None, **parts: Any) -> Event:
    """Return the event of the n-th second of an hour: its id is `event-n`."""
    extensions = {"conversation": "ticket-42", **parts.pop("extensions", {})}
    return {
        "hilt_version": "1.0.0",
        "event_id": f"event-{number}",
        "timestamp": f"2026-01-31T12:00:{number:02}.000000Z",
        "session_id": "conv_5f2c1a9b7d3e",
        "actor": actor,
        "action": action,
        **({} if text is None else {"content": {"text": text}}),
        **parts,
        "extensions": extensions,
    }


def figures(ms: int, prompt: int, completion: int, cost: float) -> Event:
    return {
        "latency_ms": ms,
        "tokens": {"prompt": prompt, "completion": completion, "total": prompt + completion},
        "cost_usd": cost,
    }


def call(number: int, name: str, arguments: str) -> Event:
    """Return the part of a message that calls a tool."""
    return {"type": "tool_call", "id": f"call-{number}", "name": name, "arguments": arguments}


CONVERSATION = [
    event(1, "prompt", USER, "How is the weather in Paris?"),
    event(
        2,
        "completion",
        AGENT,
        metrics=figures(900, 40, 8, 0.00021),
        content={"messages": [{"role": "assistant", "parts": [call(2, "get_weather", '{"city": "Paris"}')]}]},
        extensions={"reply_to": "event-1", "finish_reason": "tool_calls"},
    ),
    event(
        3,
        "tool_call",
        AGENT,
        '{"city": "Paris"}',
        extensions={"reply_to": "event-2", "tool": "get_weather", "tool_call_id": "call-2"},
    ),
    event(
        4,
        "tool_result",
        TOOL,
        "18 degrees and sunny",
        extensions={
            "reply_to": "event-3",
            "tool": "get_weather",
            "tool_call_id": "call-2",
            "history": {"messages": 2, "after": "event-2"},
        },
    ),
    event(
        5,
        "prompt",
        TOOL,
        content={"text": "18 degrees and sunny", "messages": []},
        extensions={"reply_to": "event-4", "history": {"messages": 3, "after": "event-4"}},
    ),
    event(
        6, "completion_chunk", AGENT, "It is ", extensions={"reply_to": "event-5", "kind": "text", "index": 0}
    ),
    event(
        7, "completion_chunk", AGENT, "sunny.", extensions={"reply_to": "event-5", "kind": "text", "index": 1}
    ),
    event(
        8,
        "completion",
        AGENT,
        "It is sunny.",
        metrics={**figures(1200, 60, 5, 0.00033), "ttft_ms": 300},
        extensions={"reply_to": "event-5", "finish_reason": "stop"},
    ),
]
"""A question, a call of a tool, its result, and an answer that came as a stream."""

FAILURE = [
    event(20, "prompt", USER, "And tomorrow?"),
    event(
        21,
        "system",
        {"type": "system", "id": "openai"},
        "Rate limit reached",
        metrics={"latency_ms": 50},
        extensions={"reply_to": "event-20", "error_type": "RateLimitError", "status_code": 429},
    ),
]


def lines(events: list[Event]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in events)


def write(path: Path, events: list[Event]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lines(events))
    return path
