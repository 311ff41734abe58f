"""A helper for Anthropic's SDK: it logs a response of Claude to a call that the program has made itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilt_autolog.contracts.sdk_objects import fields
from hilt_autolog.providers.anthropic import PROVIDER, ROUTES
from hilt_autolog.recording.manual_call import ManualCall
from hilt_autolog.recording.recorder import recorder_of

from ._helper_call import manual_call_options, request_from_body

if TYPE_CHECKING:
    from hilt_autolog.contracts.types import JsonObject
    from hilt_autolog.recording.recorder import EventSink

_CONVERSATION = "claude_session"
_MESSAGES = ROUTES["post", "/v1/messages"]


def log_claude_interaction(  # noqa: PLR0913  by name, as users of HILT know them
    session: EventSink,
    *,
    user_message: object,
    response: object,
    session_id: str | None = None,
    user_id: str = "user",
    assistant_id: str | None = None,
    latency_ms: int | None = None,
) -> None:
    """Log a user's message and Claude's response to it: text, tokens, cost, tool calls.

    Args:
        session: where it is logged: a `Session`, or any object with its `append`.
        user_message: the user's message: a text, or a list of content blocks.
        response: the result of `client.messages.create`, or something similar: an object or a dict with
            `content` (text blocks may lack their `type`) and perhaps `usage`, `model`, `stop_reason`; a text.
        session_id: the conversation; a simple name becomes the same `conv_...` every time. If there is none,
            that of `hilt_autolog.conversation`, or else "claude_session".
        user_id: the actor of the prompt.
        assistant_id: the actor of the answer; the model if None ("claude" if that is not known).
        latency_ms: how long the call took, in milliseconds, if that was measured.

    Raises:
        Exception: what the session raises if it does not accept the events.
    """
    body = {"content": response} if isinstance(response, str) else fields(response)
    body = {**body, "content": _blocks(body.get("content"))}
    request_body = {"messages": [{"role": "user", "content": user_message}]}
    request = request_from_body(PROVIDER, _MESSAGES, request_body, response)
    completion = _MESSAGES.parse_response(body)
    request.model = completion.model
    actor = assistant_id or completion.model or "claude"
    options = manual_call_options(session_id, _CONVERSATION, user_id, actor, {"latency_ms": latency_ms})
    ManualCall(recorder_of(session), PROVIDER, request, options).record(completion)


def _blocks(content: object) -> list[JsonObject]:
    """Return content as a list of blocks that have their `type`."""
    blocks = content if isinstance(content, list | tuple) else [content]
    return [_block(block) for block in blocks if block is not None]


def _block(value: object) -> JsonObject:
    block = {"text": value} if isinstance(value, str) else fields(value)
    return block if "type" in block or "text" not in block else {"type": "text", **block}
