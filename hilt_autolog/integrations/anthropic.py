"""A helper for Anthropic's SDK: logs what Claude has answered to a call that the program made by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.sdk_objects import fields
from hilt_autolog.providers.anthropic import PROVIDER, ROUTES
from hilt_autolog.recording.manual_call import ManualCall
from hilt_autolog.recording.recorder import recorder_of

from ._helper_call import manual_call_options, request_from_body

if TYPE_CHECKING:
    from hilt_autolog.recording.recorder import EventSink

_CONVERSATION = "claude_session"
_MESSAGES = ROUTES["post", "/v1/messages"]


def log_claude_interaction(  # noqa: PLR0913  by name, as users of HILT know them
    session: EventSink,
    *,
    user_message: Any,
    response: Any,
    session_id: str | None = None,
    user_id: str = "user",
    assistant_id: str | None = None,
    latency_ms: int | None = None,
) -> None:
    """Log what the user said, and what Claude has answered: text, tokens, cost, the tools that it asks for.

    Args:
        session: where it is logged: a `Session`, or anything that has its `append`.
        user_message: what the user said: a text, or a list of content blocks.
        response: what `client.messages.create` has returned, or the like of it: an object or a dict with
            `content` (text blocks may lack their `type`) and perhaps `usage`, `model`, `stop_reason`; a text.
        session_id: the conversation; a simple name becomes the same `conv_...` every time. If there is none,
            that of `hilt_autolog.conversation`, or else "claude_session".
        user_id: the actor of the prompt.
        assistant_id: the actor of the answer, if it is not to be the model ("claude" if that is not known).
        latency_ms: how long the call took, if that was measured.

    Raises:
        Exception: what the session raises if it does not take the events.
    """
    body = {"content": response} if isinstance(response, str) else fields(response)
    body = {**body, "content": _blocks(body.get("content"))}
    request = {"messages": [{"role": "user", "content": user_message}]}
    prompt = request_from_body(PROVIDER, _MESSAGES, request, response)
    reply = _MESSAGES.parse_response(body)
    prompt.model = reply.model
    speaker = assistant_id or reply.model or "claude"
    how = manual_call_options(session_id, _CONVERSATION, user_id, speaker, {"latency_ms": latency_ms})
    ManualCall(recorder_of(session), PROVIDER, prompt, how).tell(reply)


def _blocks(content: Any) -> list[Any]:
    """Return content as blocks that say what they are."""
    given = content if isinstance(content, list | tuple) else [content]
    return [_block(one) for one in given if one is not None]


def _block(one: Any) -> dict[str, Any]:
    known = {"text": one} if isinstance(one, str) else fields(one)
    return known if "type" in known or "text" not in known else {"type": "text", **known}
