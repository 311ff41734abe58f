"""Anthropic's content blocks: what stands in the messages of a request and of an answer alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.facts import Message, Part, ToolCall, message, text_part
from hilt_autolog.foreign import as_json, fields, jsonable, text_or_none
from hilt_autolog.media import blob, from_url

from ._openai_chat import generic_part, sequence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def messages_of(role: str, content: Any) -> list[Message]:
    """Return the content of one of Anthropic's messages as ours: each tool result is a message of its own."""
    if isinstance(content, str):
        return [message(role, [text_part(content)] if content or role != "assistant" else [])]
    if content is not None and not isinstance(content, list | tuple):
        return [message(role, [unread(content)])]
    messages: list[Message] = []
    for one in sequence(content):
        block = fields(one)
        if block.get("type") == "tool_result":
            messages.append(message("tool", [_tool_result(block)]))
        elif messages and messages[-1]["role"] == role:
            messages[-1]["parts"] += block_parts(block)
        else:
            messages.append(message(role, block_parts(block)))
    return messages or [message(role, [])]


def unread(value: Any) -> Part:
    """Return the place of something that can be read only once, and so is the program's to read."""
    return {"type": "unread", "given": type(value).__name__}


def block_parts(block: Mapping[str, Any]) -> list[Part]:
    """Return what a block says: one part for most, and one more for each text or file inside a document.

    `cache_control` is no part of what is said: programs move it from message to message.
    """
    kind = block.get("type")
    if not isinstance(kind, str):
        return [_generic(block)]
    if kind in _READERS:
        return _READERS[kind](block)
    if kind.endswith("_tool_use"):
        return [_server_tool_call(block)]
    return _server_tool_result(block) if kind.endswith("_tool_result") else [_generic(block)]


def tool_call(block: Mapping[str, Any]) -> ToolCall:
    """Return a `tool_use` block as a call."""
    return ToolCall(
        text_or_none(block.get("id")), text_or_none(block.get("name")), as_json(block.get("input"))
    )


def _text(block: Mapping[str, Any]) -> list[Part]:
    words = block.get("text") or ""
    part = text_part(words if isinstance(words, str) else as_json(words))
    if notes := sequence(block.get("citations")):
        part["annotations"] = jsonable(notes)
    return [part]


def _thinking(block: Mapping[str, Any]) -> list[Part]:
    part: Part = {"type": "reasoning", "content": text_or_none(block.get("thinking")) or ""}
    return [_noted(part, block, "signature")]


def _redacted_thinking(block: Mapping[str, Any]) -> list[Part]:
    """Read thoughts that only the provider can read: bytes, so they are described and not written."""
    return [{"type": "redacted_thinking", "data": block.get("data")}]


def _tool_use(block: Mapping[str, Any]) -> list[Part]:
    """Read a call; that the model itself makes it goes without saying, and programs do not repeat it."""
    part = _noted(tool_call(block).part(), block, "toolset_name")
    caller = fields(block.get("caller"))
    return [part | {"caller": jsonable(caller)} if caller.get("type", "direct") != "direct" else part]


def _tool_result(block: Mapping[str, Any]) -> Part:
    content = block.get("content")
    response = [] if content is None else messages_of("tool", content)[0]["parts"]
    if len(response) == 1 and response[0].keys() == {"type", "content"} and response[0]["type"] == "text":
        response = response[0]["content"]
    part: Part = {
        "type": "tool_call_response",
        "id": text_or_none(block.get("tool_use_id")),
        "response": response or "",
    }
    return part | ({"is_error": True} if block.get("is_error") is True else {})


def _server_tool_call(block: Mapping[str, Any]) -> Part:
    part: Part = {"type": "server_tool_call", "id": block.get("id"), "name": block.get("name")}
    inside = {key: block.get(key) for key in ("type", "server_name", "input", "caller")}
    return part | {"server_tool_call": jsonable(inside)}


def _server_tool_result(block: Mapping[str, Any]) -> list[Part]:
    """Read what a tool of the provider's gave; a file that it fetched stands after it, as a part."""
    content = block.get("content")
    fetched = fields(fields(content).get("content"))
    inside = {"type": block["type"], "content": content, "is_error": block.get("is_error") or None}
    files: list[Part] = []
    if fields(fetched.get("source")).get("type") == "base64":
        files = _document(fetched)
        inside["content"] = {**fields(content), "content": None}
    part: Part = {"type": "server_tool_call_response", "id": block.get("tool_use_id")}
    return [part | {"server_tool_call_response": jsonable(inside)}, *files]


def _image(block: Mapping[str, Any]) -> list[Part]:
    return [_sourced("image", fields(block.get("source")))]


def _document(block: Mapping[str, Any]) -> list[Part]:
    source = fields(block.get("source"))
    about = {key: jsonable(block[key]) for key in ("title", "context", "citations") if block.get(key)}
    if source.get("type") == "text":
        known = {"type": "document", "mime_type": source.get("media_type"), "content": source.get("data")}
        return [jsonable(known | about)]
    if source.get("type") == "content":
        return [{"type": "document", **about}, *messages_of("user", source.get("content"))[0]["parts"]]
    return [_sourced("document", source) | about]


def _sourced(modality: str, source: Mapping[str, Any]) -> Part:
    if source.get("type") == "base64":
        return blob(modality, text_or_none(source.get("media_type")), source.get("data"))
    if source.get("type") == "url":
        return from_url(modality, source.get("url"))
    if source.get("type") == "file":
        return {"type": "file", "modality": modality, "file_id": source.get("file_id")}
    return {"type": modality, "source": jsonable(dict(source))}


def _upload(block: Mapping[str, Any]) -> list[Part]:
    return [{"type": "file", "file_id": block.get("file_id")}]


def _generic(block: Mapping[str, Any]) -> Part:
    return generic_part({key: value for key, value in block.items() if key != "cache_control"})


def _noted(part: Part, block: Mapping[str, Any], name: str) -> Part:
    return part | {name: block[name]} if text_or_none(block.get(name)) else part


_READERS: dict[str, Callable[[Mapping[str, Any]], list[Part]]] = {
    "text": _text,
    "thinking": _thinking,
    "redacted_thinking": _redacted_thinking,
    "tool_use": _tool_use,
    "image": _image,
    "document": _document,
    "container_upload": _upload,
}
