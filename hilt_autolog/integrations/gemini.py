"""A helper for Google's SDKs: it logs a response of Gemini to a call that the program has made itself."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from hilt_autolog.contracts.sdk_objects import fields, jsonable
from hilt_autolog.providers import google_genai, google_generativeai
from hilt_autolog.providers._google.sdk import GENERATE
from hilt_autolog.recording.manual_call import ManualCall
from hilt_autolog.recording.recorder import recorder_of

from ._helper_call import manual_call_options, request_from_body

if TYPE_CHECKING:
    from hilt_autolog.contracts.types import JsonObject
    from hilt_autolog.recording.recorder import EventSink

_CONVERSATION = "gemini_session"
_USER_VALUES = ("args", "response")  # of function calls: the keys inside are the program's


def log_gemini_interaction(  # noqa: PLR0913  by name, as users of HILT know them
    session: EventSink,
    *,
    user_message: object,
    response: object,
    session_id: str | None = None,
    user_id: str = "user",
    assistant_id: str | None = None,
    model: str | None = None,
    latency_ms: int | None = None,
) -> None:
    """Log a user's message and Gemini's response to it: text, tokens, cost, function calls.

    Args:
        session: where it is logged: a `Session`, or any object with its `append`.
        user_message: the user's message: a text, a content, or a list of them.
        response: the result of `generate_content` of google-genai or google-generativeai, or something
            similar: an object or a dict with `candidates` and perhaps `usageMetadata` and `modelVersion`, in
            camelCase or in snake_case; or with a `text`; a text.
        session_id: the conversation; a simple name becomes the same `conv_...` every time. If there is none,
            that of `hilt_autolog.conversation`, or else "gemini_session".
        user_id: the actor of the prompt.
        assistant_id: the actor of the answer; the model if None ("gemini" if that is not known).
        model: the requested model, for the cost, where the response does not name its model.
        latency_ms: how long the call took, in milliseconds, if that was measured.

    Raises:
        Exception: what the session raises if it does not accept the events.
    """
    is_genai = type(response).__module__.startswith("google.genai")
    provider = google_genai.PROVIDER if is_genai else google_generativeai.PROVIDER
    request_body = {"contents": _to_wire(user_message), "model": model}
    request = request_from_body(provider, GENERATE, request_body, response)
    completion = GENERATE.parse_response(_response_body(response))
    request.model = request.model or completion.model
    actor = assistant_id or completion.model or request.model or "gemini"
    options = manual_call_options(session_id, _CONVERSATION, user_id, actor, {"latency_ms": latency_ms})
    ManualCall(recorder_of(session), provider, request, options).record(completion)


def _response_body(response: object) -> JsonObject:
    """Return a response as the JSON object that the API sends."""
    values = {"text": response} if isinstance(response, str) else fields(response)
    # google-generativeai 0.8 types/generation_types.py: the protobuf message is in `_result`
    if "_result" in values:
        values = fields(google_generativeai.proto_to_json(values["_result"]))
    body = fields(_to_wire(values))
    if not body.get("candidates") and isinstance(values.get("text"), str):
        body["candidates"] = [{"content": {"parts": [{"text": values["text"]}]}}]
    return body


def _to_wire(value: object) -> object:
    """Return a value as JSON with the API's camelCase keys, without keys whose value is None."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        return [_to_wire(item) for item in value]
    if value is None or isinstance(value, str | int | float | bytes):
        return value
    return {
        _camel_case(name): jsonable(item) if name in _USER_VALUES else _to_wire(item)
        for name, item in fields(value).items()
        if item is not None and not name.startswith("_")
    }


def _camel_case(name: str) -> str:
    head, *rest = str(name).split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)
