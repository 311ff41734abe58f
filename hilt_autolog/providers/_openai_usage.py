"""Token counts as OpenAI's protocol spells them, in its old and its new names, and its kin's dialects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.foreign import count_or_none, fields

if TYPE_CHECKING:
    from collections.abc import Mapping

_WHOLES = ("prompt", "completion", "total")


def tokens(usage: Mapping[str, Any]) -> dict[str, int]:
    """Return a usage object as the tokens of an event; a part of no tokens is left out.

    `completion` includes reasoning. xAI counts reasoning beside the completion and only the total shows
    it; DeepSeek reports its cache in `prompt_cache_hit_tokens`.
    """
    get = usage.get
    read = fields(get("prompt_tokens_details") or get("input_tokens_details") or get("input_token_details"))
    made = fields(get("completion_tokens_details") or get("output_tokens_details"))
    given = {
        "prompt": get("prompt_tokens", get("input_tokens")),
        "completion": get("completion_tokens", get("output_tokens")),
        "total": get("total_tokens"),
        "cached": read.get("cached_tokens") or get("prompt_cache_hit_tokens") or get("cached_tokens"),
        "cache_creation": read.get("cache_write_tokens"),
        "reasoning": made.get("reasoning_tokens"),
        "audio_prompt": read.get("audio_tokens"),
        "audio_completion": made.get("audio_tokens"),
    }
    counts = {
        name: count
        for name, one in given.items()
        if one is not None and (count := count_or_none(one)) is not None and (count or name in _WHOLES)
    }
    return _added_up(counts)


def _added_up(counts: dict[str, int]) -> dict[str, int]:
    """Make the wholes agree: add up the total, and the reasoning that was counted beside the completion."""
    prompt, completion = counts.get("prompt"), counts.get("completion")
    if "total" not in counts:
        if prompt is not None or completion is not None:
            counts["total"] = (prompt or 0) + (completion or 0)
    elif completion is not None and "reasoning" in counts:
        together = completion + counts["reasoning"]
        if (prompt or 0) + together == counts["total"]:
            counts["completion"] = together
    return counts
