"""Processors: the steps that change or withhold an event before it is written.

A processor takes an event and its position in a conversation, and returns the event, or None if nothing of it
may be written. `pipeline` lists the processors in their order, each with the actions to which it applies; to
add a field to every event, or to change what may be written, add a processor there.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING

from hilt_autolog.clock import Clock
from hilt_autolog.contracts.types import EventDict
from hilt_autolog.format import ACTIONS, PROCESS_ACTOR
from hilt_autolog.pricing.cost import cost_usd

if TYPE_CHECKING:
    from hilt_autolog.contracts.types import JsonMapping, JsonObject

    from .conversations import ConversationPosition

Processor = Callable[[EventDict, "ConversationPosition"], EventDict | None]

# Chunks have no context: they are many, and reply to a prompt that has it.
_WITH_CONTEXT = frozenset(ACTIONS) - {"completion_chunk"}
_WITH_COST = frozenset(("completion", "embedding", "rerank", "system"))


def pipeline(content: str) -> dict[str, tuple[Processor, ...]]:
    """Return the processors of each action, in their order.

    Args:
        content: "full", "hash" or "none": whether content, its hash or nothing of it may be written.
    """
    steps: list[tuple[Processor, frozenset[str]]] = [
        (add_context, _WITH_CONTEXT),
        (add_cost, _WITH_COST),
    ]
    if content != "full":
        steps.append((withhold_content(content), frozenset(ACTIONS)))
    return {action: tuple(step for step, actions in steps if action in actions) for action in ACTIONS}


def add_context(event: EventDict, position: ConversationPosition) -> EventDict:
    """Add the extensions of all events at this position: conversation, tags, user."""
    if position.adapt is not None:
        event = position.adapt(event)
    if position.context:
        event.setdefault("extensions", {}).update(position.context)
    return event


def add_cost(event: EventDict, _position: ConversationPosition) -> EventDict:
    """Replace `billing`, which is not part of the format, by the cost in US dollars if that is known."""
    billing = event.pop("billing", None)
    if billing is not None:
        now = Clock.now() / 1e9
        provider, models, tokens, tier, billed_units = billing
        for model in models:
            if model is not None:
                cost = cost_usd(provider, model, tokens, at=now, service_tier=tier, extra=billed_units)
                if cost is not None:
                    # A program sets a cost of its own by the `metrics` of the helpers in `integrations`.
                    event["metrics"].setdefault("cost_usd", cost)
                    break
    return event


def withhold_content(mode: str) -> Processor:
    """Return the processor that removes the content from events.

    Of a request's parameters and a document's metadata only numbers and booleans are kept: any text among
    them may quote a person.

    Args:
        mode: "hash" leaves `text_hash`, "none" leaves nothing.
    """

    def withhold(event: EventDict, _position: ConversationPosition) -> EventDict | None:
        if event["action"] == "completion_chunk":
            return None
        if event["actor"]["id"] == PROCESS_ACTOR:  # about the process: contains no content of the program
            return event
        content = event.pop("content", None)
        text = content.get("text") if content else None
        if mode == "hash" and text is not None:
            digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
            event["content"] = {"text_hash": f"sha256:{digest}"}
        if "request" in event.get("extensions", {}):
            event["extensions"]["request"] = _numbers_of(event["extensions"]["request"])
        if "retrieval" in event.get("provenance", {}):
            event["provenance"]["retrieval"] = _numbers_of(event["provenance"]["retrieval"])
        event["privacy"] = {"redaction_applied": True}
        return event

    return withhold


def _numbers_of(values: JsonMapping) -> JsonObject:
    return {key: value for key, value in values.items() if isinstance(value, int | float)}
