"""Facts in, events out: the one place where a prompt, an answer or a failure becomes an event.

Events are plain dicts on this side of the house, written in the order of the contract's table of fields;
`event.Event` is the same thing validated. Nothing here reads a clock but `blank`, or writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog import clock
from hilt_autolog.contracts.model import (
    Delta,
    Document,
    HttpResponse,
    Request,
    Response,
    ToolCall,
    is_plain_text,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hilt_autolog.contracts.model import ErrorInfo, Request
    from hilt_autolog.contracts.types import Message

    from .conversations import ConversationPosition


Event = dict[str, Any]

HILT_VERSION = "1.0.0"
_NOWHERE: dict[str, Any] = {}
_ACTORS = {"user": "human", "assistant": "agent", "tool": "tool", "system": "system"}


def blank(action: str, session_id: str, actor: str, identity: str) -> Event:
    """Return a new event with the fields that every event has."""
    event_id, timestamp = clock.id_and_timestamp()
    return {
        "hilt_version": HILT_VERSION,
        "event_id": event_id,
        "timestamp": timestamp,
        "session_id": session_id,
        "actor": {"type": actor, "id": identity},
        "action": action,
    }


def prompt_event(
    prompt: Request, place: ConversationPosition, user: str, tool: str | None, *, is_plain_text: bool = False
) -> Event:
    """Return the event of a request.

    Args:
        prompt: the request.
        place: where it stands in its conversation, and which of its messages no event holds yet.
        user: the id of the human.
        tool: the name of the tool whose result is the newest message, if one is.
        is_plain_text: whether the newest message is the only new one, and has one text and nothing else.
    """
    newest = prompt.messages[-1] if prompt.messages else None
    role = newest["role"] if newest is not None else "user"
    names = {
        "user": user,
        "tool": tool or "tool",
        "system": "system",
        "assistant": prompt.model or prompt.provider,
    }
    event = blank("prompt", place.session_id, _ACTORS.get(role, "human"), names.get(role, role))
    if newest is not None and is_plain_text:
        event["content"] = {"text": newest["parts"][0]["content"]}
    else:
        event["content"] = _content(text_of(newest), place.new)
    event["provenance"] = provenance(prompt)
    extensions = event["extensions"] = {} if place.reply_to is None else {"reply_to": place.reply_to}
    if prompt.model is not None:
        extensions["model"] = prompt.model
    if prompt.parameters:
        extensions["request"] = prompt.parameters
    if place.head is not None:
        extensions["history"] = place.head.history()
    return event


def _content(text: str | None, messages: Sequence[Message]) -> dict[str, Any]:
    """Return a text and the messages behind it; one message that says just this text is left out."""
    content: dict[str, Any] = {} if text is None else {"text": text}
    if text is None or len(messages) != 1 or not is_plain_text(messages[0]):
        content["messages"] = messages
    return content


def tool_result_event(
    place: ConversationPosition, identity: str | None, tool: str | None, text: str, call: str | None
) -> Event:
    """Return the event of a tool's result; `call` is the event that asked for it, when that is known."""
    event = blank("tool_result", place.session_id, "tool", tool or "tool")
    event["content"] = {"text": text}
    event["extensions"] = linked(call, tool_call_id=identity, tool=tool)
    return event


def chunk_event(session_id: str, model: str, reply_to: str | None, delta: Delta, index: int) -> Event:
    """Return the event of one delta of a stream."""
    event = blank("completion_chunk", session_id, "agent", model)
    kind, text, choice = delta
    event["content"] = {"text": text}
    extensions = event["extensions"] = linked(reply_to)
    extensions["index"] = index
    extensions["kind"] = kind
    if choice:
        extensions["choice"] = choice
    return event


def completion_event(
    prompt: Request, session_id: str, reply: Response, reply_to: str | None, *, is_plain_text: bool = False
) -> Event:
    """Return the event of an answer; `is_plain_text` says that its text is all there is to it."""
    model = reply.model or prompt.model
    event = blank("completion", session_id, "agent", model or prompt.provider)
    if is_plain_text:
        event["content"] = {"text": reply.text}
    elif content := _spoken(reply):
        event["content"] = content
    event["metrics"] = {}
    event["provenance"] = provenance(prompt, reply)
    extensions = event["extensions"] = {} if reply_to is None else {"reply_to": reply_to}
    if model is not None:
        extensions["model"] = model
    if reply.finish_reason is not None:
        extensions["finish_reason"] = reply.finish_reason
    if reply.usage is not None:
        extensions["usage"] = reply.usage
    if reply.extensions:
        extensions.update(reply.extensions)
    return event


def _spoken(reply: Response) -> dict[str, Any]:
    messages = list(reply.messages)
    if (
        len(messages) == 1 and not messages[0]["parts"]
    ):  # of several, an empty one keeps its place: choices count
        messages = []
    content = _content(reply.text, messages)
    return content if content.get("messages") or "text" in content else {}


def embedding_event(prompt: Request, session_id: str, reply: Response) -> Event:
    """Return the event of an embedding: what went in, and the number and length of the vectors."""
    model = reply.model or prompt.model
    event = blank("embedding", session_id, "agent", model or prompt.provider)
    only = prompt.messages[0] if len(prompt.messages) == 1 else None
    event["content"] = _content(text_of(only), prompt.messages)
    event["metrics"] = {}
    event["provenance"] = provenance(prompt, reply)
    event["extensions"] = linked(None, model=model, dimensions=reply.dimensions, usage=reply.usage)
    event["extensions"]["inputs"] = len(prompt.messages)
    if prompt.parameters:
        event["extensions"]["request"] = prompt.parameters
    return event


def note_response(event: Event, http: HttpResponse) -> None:
    """Add what the HTTP response of an answer says of itself."""
    if http.status is not None:
        event["extensions"]["status_code"] = http.status
    if http.retries:
        event["extensions"]["retries"] = http.retries
    if http.request_id is not None:
        event["provenance"]["request_id"] = http.request_id


def tool_call_event(session_id: str, model: str, call: ToolCall, reply_to: str) -> Event:
    """Return the event of a tool that an answer asks for."""
    event = blank("tool_call", session_id, "agent", model)
    event["content"] = {"text": call.arguments}
    event["extensions"] = linked(reply_to, tool_call_id=call.id, tool=call.name)
    return event


def retrieval_event(
    session_id: str, document: Document, rank: int, reply_to: str | None, origin: Mapping[str, Any] = _NOWHERE
) -> Event:
    """Return the event of a document that was found; the best has the rank 1, `origin` is its provenance."""
    event = blank("retrieval", session_id, "tool", document.retriever)
    if document.text is not None:
        event["content"] = {"text": document.text}
    if document.metadata or origin:
        event["provenance"] = {**origin, **({"retrieval": document.metadata} if document.metadata else {})}
    event["extensions"] = linked(reply_to, rank=rank, score=document.score, document_id=document.id)
    return event


def submission_event(prompt: Request, session_id: str, reply: Response) -> Event:
    """Return the event of a batch that was accepted; its requests have prompts of their own."""
    event = blank("system", session_id, "system", prompt.provider)
    event["content"] = {"text": "batch accepted"}
    event["metrics"] = {}
    event["provenance"] = provenance(prompt, reply)
    event["extensions"] = {}
    return event


def provenance(prompt: Request, reply: Response | None = None) -> dict[str, Any]:
    """Return where an event came from."""
    model = (reply.model if reply is not None else None) or prompt.model
    known = {"provider": prompt.provider, "operation": prompt.operation.name}
    if model is not None:
        known["model"] = model
    if reply is not None and reply.response_id is not None:
        known["response_id"] = reply.response_id
    tier = (reply.service_tier if reply is not None else None) or prompt.service_tier
    if tier is not None:
        known["service_tier"] = tier
    if prompt.sdk is not None:
        known["sdk"] = prompt.sdk
    if prompt.server is not None:
        known["server"] = prompt.server
    if prompt.provenance is not None:
        known.update(prompt.provenance)
    return known


def linked(reply_to: str | None, **known: Any) -> dict[str, Any]:
    """Return extensions with what is known of these."""
    extensions = {} if reply_to is None else {"reply_to": reply_to}
    extensions.update({name: value for name, value in known.items() if value is not None})
    return extensions


_NOTHING = Response()


def error_event(
    prompt: Request, session_id: str, failure: ErrorInfo, reply_to: str | None, reply: Response = _NOTHING
) -> Event:
    """Return the event of a failed call.

    Args:
        prompt: the request.
        session_id: the conversation.
        failure: why it failed.
        reply_to: the event of the request, if it has one.
        reply: what was answered all the same, and paid for: the failure keeps it.
    """
    event = blank("system", session_id, "system", prompt.provider)
    event["content"] = {"text": failure.text}
    if says_something(reply):
        event["content"]["messages"] = reply.messages
    event["metrics"] = {}
    event["provenance"] = provenance(prompt, reply)
    event["extensions"] = linked(
        reply_to,
        status_code=failure.status,
        model=reply.model or prompt.model,
        error_type=failure.type,
        error_code=failure.code,
        retry_after=failure.retry_after,
        rate_limit=failure.rate_limit or None,
        retries=failure.retries or None,
        finish_reason=reply.finish_reason,
        usage=reply.usage,
        **(reply.extensions or {}),
    )
    return event


def says_something(reply: Response) -> bool:
    """Return whether there is anything in the messages of an answer."""
    return any(message["parts"] for message in reply.messages)
