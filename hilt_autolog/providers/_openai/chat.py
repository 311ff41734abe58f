"""The chat-completions protocol, which OpenAI began and half the field speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.media import blob_part, url_part
from hilt_autolog.contracts.model import ErrorInfo, Response, ToolCall, new_message, provider_part, text_part
from hilt_autolog.contracts.sdk_objects import as_json, fields, is_plain_json, jsonable, text_or_none

from .usage import tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hilt_autolog.contracts.types import JsonObject, Message, Part

_ROLES = {"developer": "system", "function": "tool"}
_SPEAKERS = frozenset(("user", "assistant", "system"))
_BESIDES = ("name", "tool_calls", "reasoning_content", "reasoning", "refusal", "audio", "function_call")
_AUDIO_TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav"}


# --- requests


def chat_messages(body: Mapping[str, Any]) -> list[Message]:
    """Return the messages of a chat request."""
    given = body.get("messages")
    given = given if type(given) is list else sequence(given)
    return [chat_message(one if type(one) is dict else fields(one)) for one in given]


def chat_message(given: Mapping[str, Any]) -> Message:
    """Return one message, of a request or an answer; an unconventional role is kept as `provider_role`."""
    role = given.get("role") or "assistant"
    if not isinstance(role, str):
        role = as_json(role)
    content = given.get("content")
    is_all = len(given) == 2 or not any(map(given.get, _BESIDES))  # noqa: PLR2004  the role and the content
    if is_all and role in _SPEAKERS and content and isinstance(content, str):
        return {"role": role, "parts": [{"type": "text", "content": content}]}  # most messages
    if role in ("tool", "function"):
        parts = [_tool_result(given)]
    else:
        parts = [*_reasoning(given), *content_parts(content, keep_empty=role != "assistant")]
        parts += _refusal(given) + _audio(given)
        parts += [call.part() for call in tool_calls(given)]
    read = new_message(_ROLES.get(role, role), parts)
    if role in _ROLES:
        read["provider_role"] = role
    if name := text_or_none(given.get("name")):
        read["name"] = name
    return read


def content_parts(content: Any, *, keep_empty: bool = True) -> list[Part]:
    """Return the content of a message, a text or a list of typed pieces, as parts."""
    if isinstance(content, str):
        return [text_part(content)] if content or keep_empty else []
    return [_content_part(fields(piece) or {"type": "text", "text": piece}) for piece in sequence(content)]


def _content_part(piece: Mapping[str, Any]) -> Part:
    kind = piece.get("type")
    read = _PIECES.get(kind) if isinstance(kind, str) else None
    return generic_part(piece) if read is None else read(piece)


def generic_part(piece: Mapping[str, Any]) -> Part:
    """Return a piece of a type that we do not know, or of none, as it is."""
    part: JsonObject = jsonable(dict(piece))
    return provider_part(part | {"type": as_json(part.get("type", "unknown"))})


def _text_part(piece: Mapping[str, Any]) -> Part:
    words = piece.get("text") or ""
    return text_part(words if isinstance(words, str) else as_json(words))


def _image_part(piece: Mapping[str, Any]) -> Part:
    image = piece.get("image_url")
    part = url_part("image", image if isinstance(image, str) else fields(image).get("url"))
    if detail := fields(image).get("detail"):
        part["detail"] = detail
    return part


def _audio_part(piece: Mapping[str, Any]) -> Part:
    audio = fields(piece.get("input_audio"))
    form = audio.get("format")
    return blob_part("audio", _AUDIO_TYPES.get(str(form), f"audio/{form}"), audio.get("data"))


def _thought_part(piece: Mapping[str, Any]) -> Part:
    """Read what Mistral's models think: a list of texts."""
    thoughts = content_parts(piece.get("thinking"))
    return {"type": "reasoning", "content": "".join(part.get("content", "") for part in thoughts)}


def _refused_part(piece: Mapping[str, Any]) -> Part:
    return provider_part({"type": "refusal", "content": piece.get("refusal")})


def _file_part(piece: Mapping[str, Any]) -> Part:
    given = fields(piece.get("file"))
    if file_id := given.get("file_id"):
        return {"type": "file", "file_id": file_id}
    part = url_part("document", given.get("file_data"))
    if name := given.get("filename"):
        part["name"] = name
    return part


_PIECES = {
    "text": _text_part,
    "image_url": _image_part,
    "input_audio": _audio_part,
    "file": _file_part,
    "thinking": _thought_part,
    "refusal": _refused_part,
}


def _tool_result(given: Mapping[str, Any]) -> Part:
    content = given.get("content")
    response = content if isinstance(content, str) else content_parts(content)
    identity = text_or_none(given.get("tool_call_id")) or text_or_none(given.get("name"))
    return {"type": "tool_call_response", "id": identity, "response": response}


# --- answers


def chat_reply(body: Mapping[str, Any]) -> Response:
    """Read a chat completion that has come whole."""
    choices = []
    given = body.get("choices")
    for one in given if type(given) is list else sequence(given):
        choice = one if type(one) is dict else fields(one)
        said = choice.get("message")
        choices.append((choice.get("finish_reason"), said if type(said) is dict else fields(said)))
    return spoken(envelope(Response(), body), choices)


def text_reply(body: Mapping[str, Any]) -> Response:
    """Read a legacy completion that has come whole; some servers answer it with chat messages."""
    choices = map(fields, sequence(body.get("choices")))
    return spoken(
        envelope(Response(), body),
        [
            (one.get("finish_reason"), fields(one.get("message")) or {"content": one.get("text")})
            for one in choices
        ],
    )


def spoken(reply: Response, choices: Sequence[tuple[Any, Mapping[str, Any]]]) -> Response:
    """Fill in an answer's messages, and what follows from them.

    Args:
        reply: the answer; it is filled in place.
        choices: of each choice, the finish reason and the message.
    """
    messages: list[Message] = []
    calls: list[ToolCall] = []
    said = []
    for finish_reason, given in choices:
        read = chat_message(given)
        if finish_reason:
            read["finish_reason"] = finish_reason
            reply.finish_reason = reply.finish_reason or finish_reason
        messages.append(read)
        if given.get("tool_calls") or given.get("function_call"):
            calls += tool_calls(given)
        parts = read["parts"]
        is_text = len(parts) == 1 and parts[0]["type"] == "text"
        said.append(parts[0]["content"] if is_text else _visible(read))
    reply.messages, reply.tool_calls = messages, calls
    reply.text = (said[0] if len(said) == 1 else "\n\n".join(filter(None, said))) or None
    return reply


def tool_calls(given: Mapping[str, Any]) -> list[ToolCall]:
    """Return the tool calls of an assistant message, with the older `function_call` among them."""
    asked, older = given.get("tool_calls"), given.get("function_call")
    if not asked and not older:
        return []
    calls = []
    for one in sequence(asked):
        call = fields(one)
        function = fields(call.get("function")) or fields(call.get("custom"))
        arguments = function.get("arguments", function.get("input"))
        name = text_or_none(function.get("name"))
        calls.append(ToolCall(text_or_none(call.get("id")), name, as_json(arguments)))
    older = fields(older)
    if name := text_or_none(older.get("name")):
        calls.append(ToolCall(None, name, as_json(older.get("arguments"))))
    return calls


def envelope(reply: Response, body: Mapping[str, Any]) -> Response:
    """Read what stands beside the choices, in a whole answer and in each chunk of a stream alike."""
    get = body.get
    if reply.model is None and isinstance(model := get("model"), str):
        reply.model = model or None
    if reply.response_id is None and isinstance(identity := get("id"), str):
        reply.response_id = identity or None
    if isinstance(tier := get("service_tier"), str) and tier:
        reply.service_tier = tier
    usage = get("usage") or fields(get("x_groq")).get("usage")
    if usage:
        is_json = type(usage) is dict and is_plain_json(usage)
        reply.usage = usage if is_json else jsonable(fields(usage))
        reply.tokens = tokens(reply.usage)
    return reply


def failure(error: Mapping[str, Any]) -> ErrorInfo:
    """Read an error that came as an answer: the SDK hands it over without raising anything."""
    text, code = text_or_none(error.get("message")), text_or_none(error.get("code"))
    return ErrorInfo(text=text or code or "failed", type="ResponseError", code=code or "api_error")


def _visible(read: Message) -> str:
    parts = read["parts"]
    for kind in ("text", "refusal", "blob"):
        said = [
            part.get("transcript" if kind == "blob" else "content") for part in parts if part["type"] == kind
        ]
        if any(said):
            return "".join(text for text in said if isinstance(text, str))
    return ""


def _reasoning(given: Mapping[str, Any]) -> list[Part]:
    thought = given.get("reasoning_content") or given.get("reasoning")
    return [{"type": "reasoning", "content": thought}] if isinstance(thought, str) else []


def _refusal(given: Mapping[str, Any]) -> list[Part]:
    refusal = given.get("refusal")
    return [{"type": "refusal", "content": refusal}] if refusal else []


def _audio(given: Mapping[str, Any]) -> list[Part]:
    audio = fields(given.get("audio"))
    if not audio.get("data"):
        return [{"type": "file", "modality": "audio", "file_id": audio["id"]}] if audio.get("id") else []
    part = blob_part("audio", None, audio["data"])
    return [provider_part({**part, **{key: audio[key] for key in ("id", "transcript") if audio.get(key)}})]


def sequence(value: Any) -> Sequence[Any]:
    """Return a list as it is, and of anything else nothing: iterators in a request are the program's."""
    return value if isinstance(value, list | tuple) else ()
