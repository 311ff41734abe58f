"""The event of a call that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilt_autolog.facts import Reply

from .events import blank, linked, provenance

if TYPE_CHECKING:
    from hilt_autolog.facts import Failure, Prompt

    from .events import Event

_NOTHING = Reply()


def error_event(
    prompt: Prompt, session_id: str, failure: Failure, reply_to: str | None, reply: Reply = _NOTHING
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
        **(reply.details or {}),
    )
    return event


def says_something(reply: Reply) -> bool:
    """Return whether there is anything in the messages of an answer."""
    return any(message["parts"] for message in reply.messages)
