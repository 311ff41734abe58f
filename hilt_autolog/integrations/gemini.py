"""A helper for Google's SDKs: logs what Gemini has answered to a call that the program made by itself."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.sdk_objects import fields, jsonable
from hilt_autolog.providers import google_genai, google_generativeai
from hilt_autolog.providers._google.sdk import GENERATE
from hilt_autolog.recording.manual_call import ManualCall
from hilt_autolog.recording.recorder import recorder_of

from ._helper_call import manual_call_options, request_from_body

if TYPE_CHECKING:
    from hilt_autolog.recording.recorder import EventSink

_CONVERSATION = "gemini_session"
_FREE = ("args", "response")  # of functions: their keys are the program's


def log_gemini_interaction(  # noqa: PLR0913  by name, as users of HILT know them
    session: EventSink,
    *,
    user_message: Any,
    response: Any,
    session_id: str | None = None,
    user_id: str = "user",
    assistant_id: str | None = None,
    model: str | None = None,
    latency_ms: int | None = None,
) -> None:
    """Log what the user said, and what Gemini has answered: text, tokens, cost, the functions that it calls.

    Args:
        session: where it is logged: a `Session`, or anything that has its `append`.
        user_message: what the user said: a text, a content, or a list of them.
        response: what `generate_content` of google-genai or of google-generativeai has returned, or the like
            of it: an object or a dict with `candidates` and perhaps `usageMetadata` and `modelVersion`, in
            camelCase or in snake_case; or with a `text`; a text.
        session_id: the conversation; a simple name becomes the same `conv_...` every time. If there is none,
            that of `hilt_autolog.conversation`, or else "gemini_session".
        user_id: the actor of the prompt.
        assistant_id: the actor of the answer, if it is not to be the model ("gemini" if that is not known).
        model: the model that was asked, for the cost, where the response does not say which has answered.
        latency_ms: how long the call took, if that was measured.

    Raises:
        Exception: what the session raises if it does not take the events.
    """
    provider = (
        google_genai.PROVIDER
        if type(response).__module__.startswith("google.genai")
        else google_generativeai.PROVIDER
    )
    prompt = request_from_body(
        provider, GENERATE, {"contents": _wire(user_message), "model": model}, response
    )
    reply = GENERATE.parse_response(_body(response))
    prompt.model = prompt.model or reply.model
    speaker = assistant_id or reply.model or prompt.model or "gemini"
    how = manual_call_options(session_id, _CONVERSATION, user_id, speaker, {"latency_ms": latency_ms})
    ManualCall(recorder_of(session), provider, prompt, how).tell(reply)


def _body(response: Any) -> dict[str, Any]:
    """Return a response in the words of the wire."""
    known = {"text": response} if isinstance(response, str) else fields(response)
    if "_result" in known:  # google-generativeai keeps the message in an object of its own
        known = fields(google_generativeai.plain(known["_result"]))
    body = fields(_wire(known))
    if not body.get("candidates") and isinstance(known.get("text"), str):
        body["candidates"] = [{"content": {"parts": [{"text": known["text"]}]}}]
    return body


def _wire(value: Any) -> Any:
    """Return objects as JSON with the keys of the wire, which are in camelCase; what is absent has none."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        return [_wire(one) for one in value]
    if value is None or isinstance(value, str | int | float | bytes):
        return value
    return {
        _camel(name): jsonable(one) if name in _FREE else _wire(one)
        for name, one in fields(value).items()
        if one is not None and not name.startswith("_")
    }


def _camel(name: str) -> str:
    head, *rest = str(name).split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)
