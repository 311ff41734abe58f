"""OpenAI's chat-completions protocol, which most compatible providers implement: requests and responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.media import blob_part, url_part
from hilt_autolog.contracts.model import (
    ErrorInfo,
    Response,
    ToolCall,
    new_message,
    provider_part,
    text_part,
)
from hilt_autolog.contracts.sdk_objects import as_json, fields, jsonable, list_or_empty, text_or_none

from .usage import usage_and_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hilt_autolog.contracts.types import JsonMapping, JsonObject, Message, Part

_CONVENTIONAL_ROLES = {"developer": "system", "function": "tool"}
_TEXT_ROLES = frozenset(("user", "assistant", "system"))
_RARE_KEYS = ("name", "tool_calls", "reasoning_content", "reasoning", "refusal", "audio", "function_call")
_AUDIO_TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav"}


# --- requests


def chat_messages(body: JsonMapping) -> list[Message]:
    """Return the messages of a chat request."""
    items = body.get("messages")
    items = items if type(items) is list else list_or_empty(items)
    messages = []
    for item in items:
        messages.append(chat_message(item if type(item) is dict else fields(item)))  # noqa: PERF401  no frame
    return messages


def chat_message(item: JsonMapping) -> Message:
    """Return one message of a request or a response; `provider_role` keeps an unconventional role."""
    role = item.get("role") or "assistant"
    if not isinstance(role, str):
        role = as_json(role)
    content = item.get("content")
    has_content_only = len(item) == 2 or not any(map(item.get, _RARE_KEYS))  # noqa: PLR2004  role and content
    if has_content_only and role in _TEXT_ROLES and content and isinstance(content, str):
        return {"role": role, "parts": [{"type": "text", "content": content}]}  # most messages
    if role in ("tool", "function"):
        parts = [_tool_result(item)]
    else:
        parts = [*_reasoning_parts(item), *content_parts(content, keep_empty=role != "assistant")]
        parts += _refusal_parts(item) + _audio_parts(item)
        parts += [call.part() for call in tool_calls(item)]
    message = new_message(_CONVENTIONAL_ROLES.get(role, role), parts)
    if role in _CONVENTIONAL_ROLES:
        message["provider_role"] = role
    if name := text_or_none(item.get("name")):
        message["name"] = name
    return message


def content_parts(content: Any, *, keep_empty: bool = True) -> list[Part]:
    """Return a message's content as parts.

    Args:
        content: a str, or a list of typed pieces (dicts, SDK objects or strs).
        keep_empty: whether an empty str is a text part or nothing.
    """
    if isinstance(content, str):
        return [text_part(content)] if content or keep_empty else []
    return [
        _content_part(fields(piece) or {"type": "text", "text": piece}) for piece in list_or_empty(content)
    ]


def _content_part(piece: JsonMapping) -> Part:
    kind = piece.get("type")
    parse_piece = _PIECE_PARSERS.get(kind) if isinstance(kind, str) else None
    return generic_part(piece) if parse_piece is None else parse_piece(piece)


def generic_part(piece: JsonMapping) -> Part:
    """Return a piece of an unknown type, or of none, with its own keys."""
    part: JsonObject = jsonable(dict(piece))
    return provider_part(part | {"type": as_json(part.get("type", "unknown"))})


def _text_piece(piece: JsonMapping) -> Part:
    text = piece.get("text") or ""
    return text_part(text if isinstance(text, str) else as_json(text))


def _image_piece(piece: JsonMapping) -> Part:
    image = piece.get("image_url")
    part = url_part("image", image if isinstance(image, str) else fields(image).get("url"))
    if detail := fields(image).get("detail"):
        part["detail"] = detail
    return part


def _audio_piece(piece: JsonMapping) -> Part:
    audio = fields(piece.get("input_audio"))
    audio_format = audio.get("format")
    mime_type = _AUDIO_TYPES.get(str(audio_format), f"audio/{audio_format}")
    return blob_part("audio", mime_type, audio.get("data"))


def _thinking_piece(piece: JsonMapping) -> Part:
    """Return the reasoning of Mistral's models, which is a list of text pieces."""
    thoughts = content_parts(piece.get("thinking"))
    return {"type": "reasoning", "content": "".join(part.get("content", "") for part in thoughts)}


def _refusal_piece(piece: JsonMapping) -> Part:
    return provider_part({"type": "refusal", "content": piece.get("refusal")})


def _file_piece(piece: JsonMapping) -> Part:
    file = fields(piece.get("file"))
    if file_id := file.get("file_id"):
        return {"type": "file", "file_id": file_id}
    part = url_part("document", file.get("file_data"))
    if name := file.get("filename"):
        part["name"] = name
    return part


_PIECE_PARSERS = {
    "text": _text_piece,
    "image_url": _image_piece,
    "input_audio": _audio_piece,
    "file": _file_piece,
    "thinking": _thinking_piece,
    "refusal": _refusal_piece,
}


def _tool_result(item: JsonMapping) -> Part:
    content = item.get("content")
    response = content if isinstance(content, str) else content_parts(content)
    call_id = text_or_none(item.get("tool_call_id")) or text_or_none(item.get("name"))
    return {"type": "tool_call_response", "id": call_id, "response": response}


# --- responses


def chat_response(body: JsonMapping) -> Response:
    """Read a complete chat completion."""
    choices = []
    items = body.get("choices")
    for item in items if type(items) is list else list_or_empty(items):
        choice = item if type(item) is dict else fields(item)
        message = choice.get("message")
        choices.append((choice.get("finish_reason"), message if type(message) is dict else fields(message)))
    return set_choices(set_metadata(Response(), body), choices)


def text_response(body: JsonMapping) -> Response:
    """Read a complete legacy completion; some servers answer it with chat messages."""
    choices = map(fields, list_or_empty(body.get("choices")))
    return set_choices(
        set_metadata(Response(), body),
        [
            (
                choice.get("finish_reason"),
                fields(choice.get("message")) or {"content": choice.get("text")},
            )
            for choice in choices
        ],
    )


def set_choices(response: Response, choices: Sequence[tuple[Any, JsonMapping]]) -> Response:
    """Set a response's messages and the fields that follow from them; return the response.

    Args:
        response: changed in place.
        choices: (finish reason, message in the provider's form) of each choice.
    """
    messages: list[Message] = []
    calls: list[ToolCall] = []
    texts = []
    for finish_reason, item in choices:
        message = chat_message(item)
        if finish_reason:
            message["finish_reason"] = finish_reason
            response.finish_reason = response.finish_reason or finish_reason
        messages.append(message)
        if item.get("tool_calls") or item.get("function_call"):
            calls += tool_calls(item)
        parts = message["parts"]
        is_text = len(parts) == 1 and parts[0]["type"] == "text"
        texts.append(parts[0]["content"] if is_text else _visible_text(message))
    response.messages, response.tool_calls = messages, calls
    response.text = (texts[0] if len(texts) == 1 else "\n\n".join(filter(None, texts))) or None
    return response


def tool_calls(item: JsonMapping) -> list[ToolCall]:
    """Return the tool calls of an assistant message; the deprecated `function_call` is one of them."""
    items, function_call = item.get("tool_calls"), item.get("function_call")
    if not items and not function_call:
        return []
    calls = []
    for call in map(fields, list_or_empty(items)):
        function = fields(call.get("function")) or fields(call.get("custom"))
        arguments = function.get("arguments", function.get("input"))
        name = text_or_none(function.get("name"))
        calls.append(ToolCall(text_or_none(call.get("id")), name, as_json(arguments)))
    function_call = fields(function_call)
    if name := text_or_none(function_call.get("name")):
        calls.append(ToolCall(None, name, as_json(function_call.get("arguments"))))
    return calls


def set_metadata(response: Response, body: JsonMapping) -> Response:
    """Set what a complete response, or a chunk of a stream, contains besides its choices.

    Groq sends the usage of a stream in `x_groq` (groq 1.7 types/chat/chat_completion_chunk.py).
    """
    get = body.get
    if response.model is None and isinstance(model := get("model"), str):
        response.model = model or None
    if response.response_id is None and isinstance(response_id := get("id"), str):
        response.response_id = response_id or None
    if isinstance(tier := get("service_tier"), str) and tier:
        response.service_tier = tier
    usage = get("usage") or fields(get("x_groq")).get("usage")
    if usage:
        response.usage, response.tokens = usage_and_tokens(usage)
    return response


def response_error(error: JsonMapping) -> ErrorInfo:
    """Read an error object inside a response, for which the SDK raises nothing."""
    text, code = text_or_none(error.get("message")), text_or_none(error.get("code"))
    return ErrorInfo(text=text or code or "failed", type="ResponseError", code=code or "api_error")


def _visible_text(message: Message) -> str:
    """Return the texts of a message, else its refusals, else the transcripts of its audio."""
    for kind, key in (("text", "content"), ("refusal", "content"), ("blob", "transcript")):
        texts = [part.get(key) for part in message["parts"] if part["type"] == kind]
        if any(texts):
            return "".join(text for text in texts if isinstance(text, str))
    return ""


def _reasoning_parts(item: JsonMapping) -> list[Part]:
    reasoning = item.get("reasoning_content") or item.get("reasoning")
    return [{"type": "reasoning", "content": reasoning}] if isinstance(reasoning, str) else []


def _refusal_parts(item: JsonMapping) -> list[Part]:
    refusal = item.get("refusal")
    return [{"type": "refusal", "content": refusal}] if refusal else []


def _audio_parts(item: JsonMapping) -> list[Part]:
    audio = fields(item.get("audio"))
    if not audio.get("data"):
        return [{"type": "file", "modality": "audio", "file_id": audio["id"]}] if audio.get("id") else []
    part = blob_part("audio", None, audio["data"])
    if audio.get("id"):
        part["id"] = audio["id"]
    if audio.get("transcript"):
        part["transcript"] = audio["transcript"]
    return [part]
