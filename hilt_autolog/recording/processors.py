"""What a call took and what it cost."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from hilt_autolog.clock import Clock
from hilt_autolog.pricing.cost import cost_usd

if TYPE_CHECKING:
    from hilt_autolog.contracts.model import Request, Response

    from .events import Event


def measure(
    event: Event, prompt: Request, reply: Response, seconds: float, first: float | None = None
) -> None:
    """Fill in the metrics of an event, and repeat the latency where hilt-python looks for it.

    Args:
        event: has `metrics` and `extensions`; they are filled in place.
        prompt: the request.
        reply: its answer.
        seconds: from the request to the end of the answer.
        first: from the request to the first thing that was said, in seconds; None if it was not a stream.
    """
    metrics = event["metrics"]
    metrics["latency_ms"] = event["extensions"]["latency_ms"] = round(seconds * 1000)
    if first is not None:
        metrics["ttft_ms"] = round(first * 1000)
    if reply.tokens:
        metrics["tokens"] = reply.tokens
        tier = reply.service_tier or prompt.service_tier
        now = Clock.now() / 1e9
        for model in (reply.model, prompt.model):  # the one that answered, else the one that was asked
            if model is not None:
                cost = cost_usd(
                    prompt.provider, model, reply.tokens, at=now, service_tier=tier, extra=reply.billed_units
                )
                if cost is not None:
                    metrics["cost_usd"] = cost
                    break


def withhold(event: Event, mode: str) -> Event | None:
    """Take the content out of an event, as `content=hash` or `content=none` asks.

    Of a request's parameters and a document's metadata only numbers and switches stay: any text among them
    may quote a person.

    Args:
        event: the event; it is changed.
        mode: "hash" leaves `text_hash`, "none" leaves nothing.

    Returns:
        The event, or None when it says nothing any more (a chunk of a stream).
    """
    if event["action"] == "completion_chunk":
        return None
    content = event.pop("content", None)
    text = content.get("text") if content else None
    if mode == "hash" and text is not None:
        digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        event["content"] = {"text_hash": f"sha256:{digest}"}
    _leave_numbers(event.get("extensions", {}), "request")
    _leave_numbers(event.get("provenance", {}), "retrieval")
    event["privacy"] = {"redaction_applied": True}
    return event


def _leave_numbers(holder: dict[str, Any], name: str) -> None:
    if name in holder:
        holder[name] = {key: value for key, value in holder[name].items() if isinstance(value, int | float)}
