"""What a call took and what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilt_autolog.clock import Clock
from hilt_autolog.pricing import cost_usd

if TYPE_CHECKING:
    from hilt_autolog.facts import Prompt, Reply

    from .events import Event


def measure(event: Event, prompt: Prompt, reply: Reply, seconds: float, first: float | None = None) -> None:
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
                    prompt.provider, model, reply.tokens, at=now, service_tier=tier, extra=reply.extra
                )
                if cost is not None:
                    metrics["cost_usd"] = cost
                    break
