"""Token counts of OpenAI's protocols, with the deviations of compatible providers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.sdk_objects import count_or_none, fields, jsonable

if TYPE_CHECKING:
    from hilt_autolog.contracts.types import JsonMapping, JsonObject


def usage_and_tokens(usage: Any) -> tuple[JsonObject, dict[str, int]]:
    """Return a usage object, of the SDK's or as JSON, as JSON without None, and its `tokens`."""
    if type(usage) is dict:
        for value in usage.values():
            counts = value.values() if type(value) is dict else (value,)
            if not _COUNTS.issuperset(map(type, counts)):
                break
        else:  # integers, and dicts of integers, as in most usage objects
            return usage, tokens(usage)
    usage = jsonable(fields(usage))
    return usage, tokens(usage)


_COUNTS = frozenset((int,))


def tokens(usage: JsonMapping) -> dict[str, int]:
    """Return a usage object as the `tokens` of an event.

    Chat completions count `prompt_tokens` and `completion_tokens`, the Responses protocol `input_tokens` and
    `output_tokens`. Counts of details (cached, reasoning, audio) are left out if 0. `completion` includes
    reasoning: xAI counts reasoning apart from the completion, which only the total reveals. DeepSeek reports
    its cache in `prompt_cache_hit_tokens`.
    """
    get = usage.get
    prompt, completion = get("prompt_tokens"), get("completion_tokens")
    total = get("total_tokens")
    if type(prompt) is int and type(completion) is int and type(total) is int:  # most providers
        counts = {"prompt": prompt, "completion": completion, "total": total}
    else:
        counts = _counts(
            ("prompt", get("prompt_tokens", get("input_tokens"))),
            ("completion", get("completion_tokens", get("output_tokens"))),
            ("total", total),
        )
    inputs = get("prompt_tokens_details") or get("input_tokens_details") or get("input_token_details")
    outputs = get("completion_tokens_details") or get("output_tokens_details") or get("output_token_details")
    cached = get("prompt_cache_hit_tokens") or get("cached_tokens")
    if inputs or outputs or cached:
        inputs = inputs if type(inputs) is dict else fields(inputs)
        outputs = outputs if type(outputs) is dict else fields(outputs)
        for name, value in (
            ("cached", inputs.get("cached_tokens") or cached),
            ("cache_creation", inputs.get("cache_write_tokens")),
            ("reasoning", outputs.get("reasoning_tokens")),
            ("audio_prompt", inputs.get("audio_tokens")),
            ("audio_completion", outputs.get("audio_tokens")),
        ):
            if value and (count := value if type(value) is int else count_or_none(value)):
                counts[name] = count
    prompt, completion = counts.get("prompt", 0), counts.get("completion", 0)
    if "total" not in counts:
        if "prompt" in counts or "completion" in counts:
            counts["total"] = prompt + completion
    elif "reasoning" in counts and prompt + completion + counts["reasoning"] == counts["total"]:
        counts["completion"] = completion + counts["reasoning"]
    return counts


def _counts(*values: tuple[str, object]) -> dict[str, int]:
    """Return those values that are counts; some servers send them as floats."""
    counts = {}
    for name, value in values:
        if type(value) is int:
            counts[name] = value
        elif value is not None and (count := count_or_none(value)) is not None:
            counts[name] = count
    return counts
