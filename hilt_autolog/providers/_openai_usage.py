"""Token counts as OpenAI's protocol spells them, in its old and its new names, and its kin's dialects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hilt_autolog.facts import count_or_none, fields

_Names = tuple[tuple[str, str], ...]

_PROMPT_PARTS = (("cached", "cached_tokens"), ("cache_creation", "cache_write_tokens"), ("audio_prompt", "audio_tokens"))
_COMPLETION_PARTS = (("reasoning", "reasoning_tokens"), ("audio_completion", "audio_tokens"))
_PROMPT_DETAILS = ("prompt_tokens_details", "input_tokens_details", "input_token_details")
_COMPLETION_DETAILS = ("completion_tokens_details", "output_tokens_details", "output_token_details")


def tokens(usage: Mapping[str, Any]) -> dict[str, int]:
    """Return a usage object as the tokens of an event; a part of no tokens is left out.

    `completion` includes reasoning. xAI counts reasoning beside the completion and only the total shows
    it; DeepSeek reports its cache in `prompt_cache_hit_tokens`.
    """
    get = usage.get
    prompt = _first(get("prompt_tokens"), get("input_tokens"))
    completion = _first(get("completion_tokens"), get("output_tokens"))
    total = count_or_none(get("total_tokens"))
    parts: dict[str, int] = {}
    _parts(usage, _PROMPT_DETAILS, _PROMPT_PARTS, parts)
    _parts(usage, _COMPLETION_DETAILS, _COMPLETION_PARTS, parts)
    cached = _first(get("prompt_cache_hit_tokens"), get("cached_tokens"))
    if cached:
        parts.setdefault("cached", cached)
    reasoning = parts.get("reasoning")
    if total is None:
        total = None if prompt is None and completion is None else (prompt or 0) + (completion or 0)
    elif reasoning and completion is not None and (prompt or 0) + completion + reasoning == total:
        completion += reasoning
    whole = {"prompt": prompt, "completion": completion, "total": total}
    return {name: count for name, count in whole.items() if count is not None} | parts


def _first(count: Any, otherwise: Any) -> int | None:
    count = count_or_none(count)
    return count_or_none(otherwise) if count is None else count


def _parts(usage: Mapping[str, Any], holders: tuple[str, ...], names: _Names, parts: dict[str, int]) -> None:
    for holder in holders:
        if details := usage.get(holder):
            known = fields(details)
            for ours, theirs in names:
                if count := count_or_none(known.get(theirs)):
                    parts[ours] = count
            return
