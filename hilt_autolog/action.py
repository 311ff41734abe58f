"""The actions that an event may have; here, so that a list of words loads no model."""

from __future__ import annotations

from typing import Literal, get_args

Action = Literal[
    "prompt",
    "completion",
    "completion_chunk",
    "tool_call",
    "tool_result",
    "retrieval",
    "feedback",
    "system",
    "rerank",
    "embedding",
]
ACTIONS: tuple[str, ...] = get_args(Action)
