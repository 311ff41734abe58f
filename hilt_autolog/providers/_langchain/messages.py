"""LangChain's messages, in the content that providers use and in its own standard one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.media import blob_part, url_part
from hilt_autolog.contracts.model import ToolCall, new_message, text_part
from hilt_autolog.contracts.sdk_objects import as_json, fields, text_or_none
from hilt_autolog.providers._openai.chat import content_parts, sequence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hilt_autolog.contracts.types import Message, Part

_ROLES = {
    "human": "user",
    "HumanMessageChunk": "user",
    "ai": "assistant",
    "AIMessageChunk": "assistant",
    "system": "system",
    "SystemMessageChunk": "system",
    "tool": "tool",
    "ToolMessageChunk": "tool",
    "function": "tool",
}
_CALLS = (
    "tool_use",
    "tool_call",
    "function_call",
    "tool_call_chunk",
    "input_json_delta",
    "invalid_tool_call",
)
_MEDIA = {"image": "image", "audio": "audio", "video": "video", "file": "document"}


def messages_of(given: Any) -> list[Message]:
    """Return the messages of a prompt."""
    return [message_of(fields(one)) for one in sequence(given)]


def message_of(given: Mapping[str, Any]) -> Message:
    """Return one message, of a prompt or of an answer."""
    kind = given.get("type")
    role = _ROLES.get(kind, text_or_none(given.get("role")) or "user") if isinstance(kind, str) else "user"
    content = given.get("content")
    if role == "tool":
        response = content if isinstance(content, str) else parts_of(content)
        identity = text_or_none(given.get("tool_call_id")) or text_or_none(given.get("name"))
        return new_message(role, [{"type": "tool_call_response", "id": identity, "response": response}])
    parts = [*_reasoning(given), *parts_of(content, keep_empty=role != "assistant")]
    parts += [call.part() for call in calls_of(given)]
    read = new_message(role, parts)
    if name := text_or_none(given.get("name")):
        read["name"] = name
    return read


def parts_of(content: Any, *, keep_empty: bool = True) -> list[Part]:
    """Return content, a text or a list of blocks, as parts; the calls of tools among them stand elsewhere."""
    if isinstance(content, str):
        return [text_part(content)] if content or keep_empty else []
    parts: list[Part] = []
    for piece in sequence(content):
        block = fields(piece)
        if block.get("type") not in _CALLS:
            parts += _standard(block) if block else [text_part(as_json(piece))]
    return parts


def _standard(block: Mapping[str, Any]) -> list[Part]:
    kind = block.get("type")
    if kind == "reasoning":
        thoughts = [block, *map(fields, sequence(block.get("summary")))]
        words = [one.get("reasoning") or one.get("text") for one in thoughts]
        return [{"type": "reasoning", "content": "".join(word for word in words if isinstance(word, str))}]
    if kind == "thinking" and isinstance(block.get("thinking"), str):
        return [{"type": "reasoning", "content": block["thinking"]}]
    if isinstance(kind, str) and kind in _MEDIA and (part := _media(_MEDIA[kind], block)):
        return [part]
    return content_parts([block])


def _media(modality: str, block: Mapping[str, Any]) -> Part | None:
    """Read a block of media, of LangChain's newer or older form; None for one of a provider's own."""
    mime_type = text_or_none(block.get("mime_type"))
    if url := text_or_none(block.get("url")):
        return url_part(modality, url)
    if file_id := text_or_none(block.get("file_id")):
        return {"type": "file", "modality": modality, "file_id": file_id}
    source = fields(block.get("source"))
    data = block.get("base64") or block.get("data") or source.get("data")
    if isinstance(data, str | bytes):
        return blob_part(modality, mime_type or text_or_none(source.get("media_type")), data)
    return None


def calls_of(given: Mapping[str, Any]) -> list[ToolCall]:
    """Return the tools that an answer asks for, those with arguments that are no JSON among them."""
    calls = []
    for one in (*sequence(given.get("tool_calls")), *sequence(given.get("invalid_tool_calls"))):
        call = fields(one)
        name, arguments = text_or_none(call.get("name")), call.get("args")
        if name is not None or arguments:
            calls.append(ToolCall(text_or_none(call.get("id")), name, as_json(arguments)))
    return calls


def _reasoning(given: Mapping[str, Any]) -> list[Part]:
    thought = text_or_none(fields(given.get("additional_kwargs")).get("reasoning_content"))
    return [{"type": "reasoning", "content": thought}] if thought else []
