"""The Anthropic SDK: Claude at Anthropic's own API, and at Amazon's, Google's and Microsoft's.

`count_tokens` calls no model, so it has no route here and leaves no event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilt_autolog.contracts.model import Operation
from hilt_autolog.providers._anthropic.messages import (
    parse_batch,
    parse_batch_response,
    parse_batch_result,
    parse_completion,
    parse_completion_prompt,
    parse_message,
    parse_request_messages,
)
from hilt_autolog.providers._anthropic.stream import CompletionAccumulator, MessageAccumulator

from ._stainless import StainlessProvider

if TYPE_CHECKING:
    from hilt_autolog.contracts.provider import Provider

_MESSAGES = Operation(
    "messages",
    parse_request_messages,
    parse_message,
    MessageAccumulator,
    ("messages", "system", "model", "stream"),
    stores_responses=True,  # beta threads are kept by the server, and continued by the last message's id
)

ROUTES: dict[tuple[str, str], Operation] = {
    ("post", "/v1/messages"): _MESSAGES,
    ("post", "/v1/messages/batches"): Operation(
        "messages.batches",
        parse_request_messages,
        parse_batch_response,
        kind="submit_batch",
        parse_batch=parse_batch,
        item_operation=_MESSAGES,
    ),
    ("get", "/v1/messages/batches/{id}/results"): Operation(
        "messages.batches.results",
        parse_request_messages,
        parse_batch_response,
        kind="batch_results",
        parse_result=parse_batch_result,
        item_operation=_MESSAGES,
    ),
    ("post", "/v1/complete"): Operation(
        "completions",
        parse_completion_prompt,
        parse_completion,
        CompletionAccumulator,
        ("prompt", "model", "stream"),
    ),
}

# Providers by the name of the client's class (anthropic 2.14 lib/): Foundry and a proxy may have any host.
_CLIENTS = (("Bedrock", "bedrock"), ("Vertex", "vertex"), ("Foundry", "azure"))

PROVIDER: Provider = StainlessProvider(
    package="anthropic", routes=ROUTES, provider="anthropic", clients=_CLIENTS, error_code="type"
)
