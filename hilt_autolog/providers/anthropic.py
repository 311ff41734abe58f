"""The Anthropic SDK: Claude at Anthropic's own door, and at those of Amazon, Google and Microsoft.

Counting tokens is no conversation with a model, so `count_tokens` leaves no event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilt_autolog.contracts.model import Operation
from hilt_autolog.providers._anthropic.messages import (
    batch_reply,
    batch_requests,
    batch_result,
    completion_reply,
    legacy_prompt,
    message_reply,
    request_messages,
)
from hilt_autolog.providers._anthropic.stream import CompletionAccumulator, MessageAccumulator

from ._stainless import StainlessProvider
from ._transport import HOSTS

if TYPE_CHECKING:
    from hilt_autolog.contracts.provider import Provider

_MESSAGES = Operation(
    "messages",
    request_messages,
    message_reply,
    MessageAccumulator,
    ("messages", "system", "model", "stream"),
    stores_responses=True,  # a thread that the server holds is continued by its last message's id
)

ROUTES: dict[tuple[str, str], Operation] = {
    ("post", "/v1/messages"): _MESSAGES,
    ("post", "/v1/messages/batches"): Operation(
        "messages.batches",
        request_messages,
        batch_reply,
        kind="submit_batch",
        parse_batch=batch_requests,
        item_operation=_MESSAGES,
    ),
    ("get", "/v1/messages/batches/{id}/results"): Operation(
        "messages.batches.results",
        request_messages,
        batch_reply,
        kind="batch_results",
        parse_result=batch_result,
        item_operation=_MESSAGES,
    ),
    ("post", "/v1/complete"): Operation(
        "completions", legacy_prompt, completion_reply, CompletionAccumulator, ("prompt", "model", "stream")
    ),
}

# Who answers, by the name of a client's class: some are given any address.
_CLIENTS = (("Bedrock", "bedrock"), ("Vertex", "vertex"), ("Foundry", "azure"))

PROVIDER: Provider = StainlessProvider("anthropic", ROUTES, "anthropic", HOSTS, _CLIENTS, error_code="type")
