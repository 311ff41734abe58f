"""Token counts as OpenAI's protocol spells them, in its old and its new names, and its kin's dialects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.sdk_objects import count_or_none, fields

if TYPE_CHECKING:
    from collections.abc import Mapping


def tokens(usage: Mapping[str, Any]) -> dict[str, int]:
    """Return a usage object as the tokens of an event; a part of no tokens is left out.

    `completion` includes reasoning. xAI counts reasoning beside the completion and only the total shows
    it; DeepSeek reports its cache in `prompt_cache_hit_tokens`.
    """
    get = usage.get
    prompt, completion = get("prompt_tokens"), get("completion_tokens")
    total = get("total_tokens")
    if type(prompt) is int and type(completion) is int and type(total) is int:  # most of them
        counts = {"prompt": prompt, "completion": completion, "total": total}
    else:
        counts = _counts(
            ("prompt", get("prompt_tokens", get("input_tokens"))),
            ("completion", get("completion_tokens", get("output_tokens"))),
            ("total", total),
        )
    read = get("prompt_tokens_details") or get("input_tokens_details") or get("input_token_details")
    made = get("completion_tokens_details") or get("output_tokens_details") or get("output_token_details")
    cached = get("prompt_cache_hit_tokens") or get("cached_tokens")
    if read or made or cached:
        read, made = fields(read), fields(made)
        parts = _counts(
            ("cached", read.get("cached_tokens") or cached),
            ("cache_creation", read.get("cache_write_tokens")),
            ("reasoning", made.get("reasoning_tokens")),
            ("audio_prompt", read.get("audio_tokens")),
            ("audio_completion", made.get("audio_tokens")),
        )
        counts |= {name: count for name, count in parts.items() if count}
    prompt, completion = counts.get("prompt", 0), counts.get("completion", 0)
    if "total" not in counts:
        if "prompt" in counts or "completion" in counts:
            counts["total"] = prompt + completion
    elif "reasoning" in counts and prompt + completion + counts["reasoning"] == counts["total"]:
        counts["completion"] = completion + counts["reasoning"]
    return counts


def _counts(*given: tuple[str, Any]) -> dict[str, int]:
    """Return what of these is a number of tokens; some servers count in floats."""
    counts = {}
    for name, count in given:
        if type(count) is int:
            counts[name] = count
        elif count is not None and (whole := count_or_none(count)) is not None:
            counts[name] = whole
    return counts
