"""What the helpers share: what a program says becomes facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.facts import Prompt
from hilt_autolog.foreign import count_or_none, fields, milliseconds, sdk_version, text_or_none
from hilt_autolog.recording.context import chosen
from hilt_autolog.recording.explicit import Telling

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hilt_autolog.facts import Operation
    from hilt_autolog.provider import Provider

_ONE, _OTHER = ("prompt", "prompt_tokens", "input", "input_tokens"), ("completion", "completion_tokens")
_SPELLINGS = {
    "prompt": _ONE,
    "completion": (*_OTHER, "output", "output_tokens"),
    "total": ("total", "total_tokens"),
}


def conversation_of(named: Any, default: str) -> str:
    """Return the conversation of a helper's call: what it is given, what the program says around it, or this.

    Raises:
        TypeError: the name is no text, and no number or UUID that could be one.
    """
    if named is None or named == "":
        return chosen.get() or default
    if isinstance(named, bytes | list | tuple | dict | set):
        raise TypeError(f"session_id is the name of a conversation, not {type(named).__name__}")
    return str(named)


def telling(  # noqa: PLR0913, PLR0917  what the helpers are given, as they are
    session_id: Any,
    default: str,
    user_id: Any,
    assistant_id: Any,
    measured: Mapping[str, Any] | None = None,
    searched_for: Any = None,
) -> Telling:
    """Return how a helper's call is told: its conversation, its actors, what the program has measured."""
    if measured is not None:
        took = milliseconds(measured.get("latency_ms"))
        measured = {name: one for name, one in measured.items() if name != "latency_ms" and one is not None}
        measured |= {} if took is None else {"latency_ms": took}
    return Telling(
        conversation_of(session_id, default),
        str(user_id or "user"),
        str(assistant_id) if assistant_id else None,
        measured,
        milliseconds(searched_for),
    )


def asked(provider: Provider, operation: Operation, body: Mapping[str, Any], by: Any = None) -> Prompt:
    """Return the facts of a request that is known by its body only.

    Args:
        provider: whose request it is.
        operation: what is asked for.
        body: the request.
        by: the client that asks, or what has answered: an SDK's object, or any other.
    """
    name = provider.package
    is_of_sdk = type(by).__module__.startswith(f"{name}.")
    return Prompt(
        operation=operation,
        provider=_PROVIDERS.get(name, name),
        model=text_or_none(body.get("model")),
        messages=operation.messages(body),
        request={
            key: value
            for key, value in body.items()
            if key not in operation.content and key not in _NOT_SAID and _is_given(value)
        },
        sdk=sdk_version(name) if is_of_sdk else None,
    )


def _is_given(value: Any) -> bool:
    return value is not None and type(value).__name__ not in ("Omit", "NotGiven")


_PROVIDERS = {"google.generativeai": "gemini", "google.genai": "gemini"}
_NOT_SAID = (
    "extra_headers",
    "extra_query",
    "extra_body",
    "timeout",
)  # how it is sent; there may be keys in it


def spoken_tokens(given: Any) -> dict[str, int]:
    """Return counts of tokens by the names that events have for them; what is no count is left out.

    Args:
        given: by these names, or as an API spells them; or their sum.
    """
    total = count_or_none(given)
    if total is not None:
        return {"total": total}
    known = fields(given)
    counts: dict[str, int] = {}
    for name, spellings in _SPELLINGS.items():
        found = (count_or_none(known.get(spelling)) for spelling in spellings)
        count = next((one for one in found if one is not None and one >= 0), None)
        if count is not None:
            counts[name] = count
    if counts and "total" not in counts:
        counts["total"] = sum(counts.values())
    parts = {name: count_or_none(known.get(name)) for name in _PARTS}
    return counts | {name: count for name, count in parts.items() if count is not None and count > 0}


_PARTS = ("cached", "cache_creation", "reasoning", "audio_prompt", "audio_completion")
