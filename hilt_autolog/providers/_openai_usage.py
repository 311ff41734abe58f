"""Token counts as OpenAI's protocol spells them, in its old and its new names, and its kin's dialects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hilt_autolog.facts import count_or_none, fields

_PARTS = (
    # our name, where it stands: (object, field)
    ("cached", "prompt_tokens_details", "cached_tokens"),
    ("cached", "input_tokens_details", "cached_tokens"),
    ("cache_creation", "prompt_tokens_details", "cache_write_tokens"),
    ("cache_creation", "input_tokens_details", "cache_write_tokens"),
    ("reasoning", "completion_tokens_details", "reasoning_tokens"),
    ("reasoning", "output_tokens_details", "reasoning_tokens"),
    ("audio_prompt", "prompt_tokens_details", "audio_tokens"),
    ("audio_prompt", "input_token_details", "audio_tokens"),
    ("audio_completion", "completion_tokens_details", "audio_tokens"),
)


def tokens(usage: Mapping[str, Any]) -> dict[str, int]:
    """Return a usage object as the tokens of an event; a part of no tokens is left out.

    `completion` includes reasoning. xAI counts reasoning beside the completion and only the total shows
    it; DeepSeek reports its cache in `prompt_cache_hit_tokens`.
    """
    prompt = _first(usage, "prompt_tokens", "input_tokens")
    completion = _first(usage, "completion_tokens", "output_tokens")
    total = _first(usage, "total_tokens")
    parts: dict[str, int] = {}
    for name, holder, field in _PARTS:
        count = count_or_none(fields(usage.get(holder)).get(field))
        if count:
            parts.setdefault(name, count)
    cached = _first(usage, "prompt_cache_hit_tokens", "cached_tokens")
    if cached:
        parts.setdefault("cached", cached)
    reasoning = parts.get("reasoning", 0)
    if None not in (prompt, completion, total) and reasoning and prompt + completion + reasoning == total:  # type: ignore[operator]
        completion += reasoning  # type: ignore[operator]
    whole = {"prompt": prompt, "completion": completion, "total": total}
    if total is None and (prompt is not None or completion is not None):
        whole["total"] = (prompt or 0) + (completion or 0)
    return {name: count for name, count in whole.items() if count is not None} | parts


def _first(usage: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        count = count_or_none(usage.get(name))
        if count is not None:
            return count
    return None
