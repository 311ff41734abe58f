"""The actions that an event may have; here, so that a list of words loads no model."""

from __future__ import annotations

import uuid
from functools import lru_cache
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


_NAMESPACE = uuid.UUID("a8f7e6d5-c4b3-4a21-9f0e-1d2c3b4a5e6f")  # the rule of hilt-python


@lru_cache(maxsize=1024)
def session_id_of(name: str) -> str:
    """Return the session id for a name: hilt-python gives the same; an id of its form stays as it is."""
    return name if name.startswith("conv_") else f"conv_{uuid.uuid5(_NAMESPACE, name).hex[:12]}"
