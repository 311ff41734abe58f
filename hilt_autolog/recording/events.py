"""Build the events of requests, responses and errors.

Events are plain dicts in the shape of `contracts.types.EventDict`, their keys in the order of the format's
table of fields. No function here writes, and only `new_event` reads a clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from hilt_autolog import clock
from hilt_autolog.contracts.model import Response, is_plain_text, text_of
from hilt_autolog.contracts.types import Billing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hilt_autolog.contracts.model import (
        Delta,
        Document,
        ErrorInfo,
        HttpResponse,
        Request,
        ToolCall,
    )
    from hilt_autolog.contracts.types import (
        ContentDict,
        EventDict,
        Extensions,
        JsonMapping,
        JsonObject,
        Message,
        Provenance,
    )

    from .conversations import ConversationPosition

HILT_VERSION = "1.0.0"
_EMPTY = Response()
_NO_PROVENANCE: JsonObject = {}
_ACTORS = {"user": "human", "assistant": "agent", "tool": "tool", "system": "system"}


def new_event(action: str, session_id: str, actor: str, actor_id: str) -> EventDict:
    """Return a new event with the fields that every event has."""
    event_id, timestamp = clock.id_and_timestamp()
    return {
        "hilt_version": HILT_VERSION,
        "event_id": event_id,
        "timestamp": timestamp,
        "session_id": session_id,
        "actor": {"type": actor, "id": actor_id},
        "action": action,
    }


def prompt_event(
    request: Request, position: ConversationPosition, user: str, tool: str | None, *, is_plain: bool = False
) -> EventDict:
    """Return the event of a request.

    Args:
        request: the request.
        position: its position in the conversation, with the messages that are not in the log.
        user: the id of the human actor.
        tool: the name of the tool, if the newest message is a tool's result.
        is_plain: whether the newest message is the only new one, and has one text and nothing else.
    """
    newest = request.messages[-1] if request.messages else None
    role = newest["role"] if newest is not None else "user"
    names = {
        "user": user,
        "tool": tool or "tool",
        "system": "system",
        "assistant": request.model or request.provider,
    }
    event = new_event("prompt", position.session_id, _ACTORS.get(role, "human"), names.get(role, role))
    if newest is not None and is_plain:
        event["content"] = {"text": newest["parts"][0]["content"]}
    else:
        event["content"] = _content(text_of(newest), position.new_messages)
    event["provenance"] = provenance(request)
    extensions: Extensions = {} if position.reply_to is None else {"reply_to": position.reply_to}
    event["extensions"] = extensions
    if request.model is not None:
        extensions["model"] = request.model
    if request.parameters:
        extensions["request"] = request.parameters
    if position.history is not None:
        extensions["history"] = position.history.as_extension()
    return event


def _content(text: str | None, messages: Sequence[Message]) -> ContentDict:
    """Return the content of an event: a text and its messages; a single plain message is left out."""
    content: ContentDict = {} if text is None else {"text": text}
    if text is None or len(messages) != 1 or not is_plain_text(messages[0]):
        content["messages"] = messages
    return content


def tool_result_event(
    position: ConversationPosition, call_id: str | None, tool: str | None, text: str, reply_to: str | None
) -> EventDict:
    """Return the event of a tool's result.

    Args:
        position: where it is recorded.
        call_id: the id of the tool call.
        tool: the tool's name.
        text: the result.
        reply_to: the event of the tool call, if it is known.
    """
    event = new_event("tool_result", position.session_id, "tool", tool or "tool")
    event["content"] = {"text": text}
    event["extensions"] = extensions_of(reply_to, tool_call_id=call_id, tool=tool)
    return event


def chunk_event(session_id: str, model: str, reply_to: str | None, delta: Delta, index: int) -> EventDict:
    """Return the event of one delta of a stream."""
    event = new_event("completion_chunk", session_id, "agent", model)
    kind, text, choice = delta
    event["content"] = {"text": text}
    extensions = event["extensions"] = extensions_of(reply_to)
    extensions["index"] = index
    extensions["kind"] = kind
    if choice:
        extensions["choice"] = choice
    return event


def completion_event(
    request: Request, session_id: str, response: Response, reply_to: str | None, *, is_plain: bool = False
) -> EventDict:
    """Return the event of an answer; `is_plain` if it is one message with one text and nothing else."""
    model = response.model or request.model
    event = new_event("completion", session_id, "agent", model or request.provider)
    if is_plain:
        event["content"] = {"text": response.text}
    elif content := _response_content(response):
        event["content"] = content
    event["metrics"] = {}
    event["provenance"] = provenance(request, response)
    extensions: Extensions = {} if reply_to is None else {"reply_to": reply_to}
    event["extensions"] = extensions
    if model is not None:
        extensions["model"] = model
    if response.finish_reason is not None:
        extensions["finish_reason"] = response.finish_reason
    if response.usage is not None:
        extensions["usage"] = response.usage
    if response.extensions:
        extensions.update(response.extensions)  # type: ignore[typeddict-item]  # keys of the provider's own
    return event


def _response_content(response: Response) -> ContentDict:
    messages = list(response.messages)
    # Of several choices an empty one is kept: readers identify choices by their index.
    if len(messages) == 1 and not messages[0]["parts"]:
        messages = []
    content = _content(response.text, messages)
    return content if content.get("messages") or "text" in content else {}


def embedding_event(request: Request, session_id: str, response: Response) -> EventDict:
    """Return the event of an embedding: the inputs, and the number and length of the vectors."""
    model = response.model or request.model
    event = new_event("embedding", session_id, "agent", model or request.provider)
    only_message = request.messages[0] if len(request.messages) == 1 else None
    event["content"] = _content(text_of(only_message), request.messages)
    event["metrics"] = {}
    event["provenance"] = provenance(request, response)
    event["extensions"] = extensions_of(
        None, model=model, dimensions=response.dimensions, usage=response.usage
    )
    event["extensions"]["inputs"] = len(request.messages)
    if request.parameters:
        event["extensions"]["request"] = request.parameters
    return event


def tool_call_event(session_id: str, model: str, call: ToolCall, reply_to: str) -> EventDict:
    """Return the event of a tool call in an answer."""
    event = new_event("tool_call", session_id, "agent", model)
    event["content"] = {"text": call.arguments}
    event["extensions"] = extensions_of(reply_to, tool_call_id=call.id, tool=call.name)
    return event


def retrieval_event(
    session_id: str,
    document: Document,
    rank: int,
    reply_to: str | None,
    origin: JsonMapping = _NO_PROVENANCE,
) -> EventDict:
    """Return the event of a document that a search returned.

    Args:
        session_id: the conversation.
        document: the document.
        rank: 1 for the best.
        reply_to: the event of the prompt or of the tool call.
        origin: the provenance of the framework's run, if there is one.
    """
    event = new_event("retrieval", session_id, "tool", document.retriever)
    if document.text is not None:
        event["content"] = {"text": document.text}
    if document.metadata or origin:
        metadata = {"retrieval": document.metadata} if document.metadata else {}
        event["provenance"] = cast("Provenance", {**origin, **metadata})
    event["extensions"] = extensions_of(reply_to, rank=rank, score=document.score, document_id=document.id)
    return event


def batch_event(request: Request, session_id: str, response: Response) -> EventDict:
    """Return the event of a batch that was accepted; each of its requests has its own prompt."""
    event = new_event("system", session_id, "system", request.provider)
    event["content"] = {"text": "batch accepted"}
    event["metrics"] = {}
    event["provenance"] = provenance(request, response)
    event["extensions"] = {}
    return event


def error_event(
    request: Request,
    session_id: str,
    error_info: ErrorInfo,
    reply_to: str | None,
    response: Response = _EMPTY,
) -> EventDict:
    """Return the event of a failed call.

    Args:
        request: the request.
        session_id: the conversation.
        error_info: why it failed.
        reply_to: the event of the request, if it has one.
        response: the partial answer, which is paid for.
    """
    event = new_event("system", session_id, "system", request.provider)
    event["content"] = {"text": error_info.text}
    if has_content(response):
        event["content"]["messages"] = response.messages
    event["metrics"] = {}
    event["provenance"] = provenance(request, response)
    event["extensions"] = extensions_of(
        reply_to,
        status_code=error_info.status,
        model=response.model or request.model,
        error_type=error_info.type,
        error_code=error_info.code,
        retry_after=error_info.retry_after,
        rate_limit=error_info.rate_limit or None,
        retries=error_info.retries or None,
        finish_reason=response.finish_reason,
        usage=response.usage,
        **(response.extensions or {}),
    )
    return event


def add_http_response(event: EventDict, http: HttpResponse) -> None:
    """Add the status, the retries and the provider's request id from the HTTP response."""
    if http.status is not None:
        event["extensions"]["status_code"] = http.status
    if http.retries:
        event["extensions"]["retries"] = http.retries
    if http.request_id is not None:
        event["provenance"]["request_id"] = http.request_id


def add_metrics(
    event: EventDict, request: Request, response: Response, seconds: float, first: float | None = None
) -> None:
    """Add times and tokens, and the billing from which `processors.add_cost` computes the cost.

    Args:
        event: has `metrics` and `extensions`.
        request: the request.
        response: its answer.
        seconds: from the request to the end of the answer.
        first: from the request to the first delta, in seconds; None if there was no stream.
    """
    metrics = event["metrics"]
    # Twice: hilt-python 0.2.8 reads the latency from the extensions.
    metrics["latency_ms"] = event["extensions"]["latency_ms"] = round(seconds * 1000)
    if first is not None:
        metrics["ttft_ms"] = round(first * 1000)
    if response.tokens:
        metrics["tokens"] = response.tokens
        event["billing"] = Billing(
            request.provider,
            (response.model, request.model),
            response.tokens,
            response.service_tier or request.service_tier,
            response.billed_units,
        )


def provenance(request: Request, response: Response | None = None) -> Provenance:
    """Return the provenance of an event: provider, operation, model, ids, SDK, server."""
    model = (response.model if response is not None else None) or request.model
    values: Provenance = {"provider": request.provider, "operation": request.operation.name}
    if model is not None:
        values["model"] = model
    if response is not None and response.response_id is not None:
        values["response_id"] = response.response_id
    tier = (response.service_tier if response is not None else None) or request.service_tier
    if tier is not None:
        values["service_tier"] = tier
    if request.sdk is not None:
        values["sdk"] = request.sdk
    if request.server is not None:
        values["server"] = request.server
    if request.provenance is not None:
        values.update(request.provenance)  # type: ignore[typeddict-item]  # the framework's own key
    return values


def extensions_of(reply_to: str | None, **values: Any) -> Extensions:
    """Return extensions of these values; those that are None are left out."""
    extensions: JsonObject = {} if reply_to is None else {"reply_to": reply_to}
    for name, value in values.items():  # until Python 3.12 a comprehension is one more function call
        if value is not None:
            extensions[name] = value
    return extensions  # type: ignore[return-value]  # the callers name the keys


def has_content(response: Response) -> bool:
    """Return whether any message of an answer has a part."""
    return any(message["parts"] for message in response.messages)
