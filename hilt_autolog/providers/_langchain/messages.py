"""LangChain's messages, whose content is in a provider's own format or in LangChain's standard one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilt_autolog.contracts.media import blob_part, url_part
from hilt_autolog.contracts.model import ToolCall, new_message, text_part
from hilt_autolog.contracts.sdk_objects import as_json, fields, list_or_empty, text_or_none
from hilt_autolog.providers._openai.chat import content_parts

if TYPE_CHECKING:
    from hilt_autolog.contracts.types import JsonMapping, Message, Part

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
# Content blocks that repeat what `tool_calls` and `invalid_tool_calls` have
# (langchain-core 1.8 messages/content.py, and the blocks of Anthropic and OpenAI).
_TOOL_CALL_BLOCKS = (
    "tool_use",
    "tool_call",
    "function_call",
    "tool_call_chunk",
    "input_json_delta",
    "invalid_tool_call",
)
_MODALITIES = {"image": "image", "audio": "audio", "video": "video", "file": "document"}


def parse_messages(messages: object) -> list[Message]:
    """Return the messages of a request."""
    return [parse_message(fields(item)) for item in list_or_empty(messages)]


def parse_message(source: JsonMapping) -> Message:
    """Return one message, of a request or of a response.

    Args:
        source: the fields of a LangChain message.
    """
    kind = source.get("type")
    role = _ROLES.get(kind, text_or_none(source.get("role")) or "user") if isinstance(kind, str) else "user"
    content = source.get("content")
    if role == "tool":
        response = content if isinstance(content, str) else parse_content(content)
        call_id = text_or_none(source.get("tool_call_id")) or text_or_none(source.get("name"))
        return new_message(role, [{"type": "tool_call_response", "id": call_id, "response": response}])
    parts = [*_reasoning(source), *parse_content(content, keep_empty=role != "assistant")]
    parts += [call.part() for call in parse_tool_calls(source)]
    result = new_message(role, parts)
    if name := text_or_none(source.get("name")):
        result["name"] = name
    return result


def parse_content(content: object, *, keep_empty: bool = True) -> list[Part]:
    """Return content, a text or a list of blocks, as parts, without tool calls: those are read elsewhere.

    Args:
        content: a message's content.
        keep_empty: return a part for an empty text.
    """
    if isinstance(content, str):
        return [text_part(content)] if content or keep_empty else []
    parts: list[Part] = []
    for item in list_or_empty(content):
        block = fields(item)
        if block.get("type") not in _TOOL_CALL_BLOCKS:
            parts += _block_parts(block) if block else [text_part(as_json(item))]
    return parts


def _block_parts(block: JsonMapping) -> list[Part]:
    kind = block.get("type")
    if kind == "reasoning":
        sources = [block, *map(fields, list_or_empty(block.get("summary")))]
        texts = [source.get("reasoning") or source.get("text") for source in sources]
        return [{"type": "reasoning", "content": "".join(text for text in texts if isinstance(text, str))}]
    if kind == "thinking" and isinstance(block.get("thinking"), str):
        return [{"type": "reasoning", "content": block["thinking"]}]
    if isinstance(kind, str) and kind in _MODALITIES and (part := _media_part(_MODALITIES[kind], block)):
        return [part]
    return content_parts([block])


def _media_part(modality: str, block: JsonMapping) -> Part | None:
    """Parse a media block, in LangChain 1's format (`base64`, `url`) or the older one (`source_type`).

    Returns:
        None for a block in a provider's own format.
    """
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


def parse_tool_calls(source: JsonMapping) -> list[ToolCall]:
    """Return the tool calls of a message, those whose arguments are not valid JSON included."""
    calls = []
    for item in (*list_or_empty(source.get("tool_calls")), *list_or_empty(source.get("invalid_tool_calls"))):
        call = fields(item)
        name, arguments = text_or_none(call.get("name")), call.get("args")
        if name is not None or arguments:
            calls.append(ToolCall(text_or_none(call.get("id")), name, as_json(arguments)))
    return calls


def _reasoning(source: JsonMapping) -> list[Part]:
    """Return the reasoning that integrations put beside the content.

    langchain-core 1.8 messages/base.py: `_extract_reasoning_from_additional_kwargs` names Ollama, DeepSeek,
    xAI and Groq.
    """
    text = text_or_none(fields(source.get("additional_kwargs")).get("reasoning_content"))
    return [{"type": "reasoning", "content": text}] if text else []
