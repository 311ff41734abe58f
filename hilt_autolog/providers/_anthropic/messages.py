"""Anthropic's Messages protocol: requests, and answers that have come whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.media import blob_part, url_part
from hilt_autolog.contracts.model import ErrorInfo, Response, ToolCall, new_message, provider_part, text_part
from hilt_autolog.contracts.sdk_objects import as_json, count_or_none, fields, jsonable, text_or_none
from hilt_autolog.providers._openai.chat import generic_part, sequence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hilt_autolog.contracts.types import Message, Part


_BESIDES = ("stop_sequence", "stop_details", "container", "context_management", "diagnostics")


# --- requests


def request_messages(body: Mapping[str, Any]) -> list[Message]:
    """Return the system prompt and the messages of a request."""
    system = body.get("system")
    messages = messages_of("system", system) if isinstance(system, str | list | tuple) and system else []
    given = body.get("messages")
    if given is not None and not isinstance(given, list | tuple):
        return [*messages, new_message("user", [unread(given)])]
    for one in sequence(given):
        known = fields(one)
        role = known.get("role") or "user"
        messages += messages_of(role if isinstance(role, str) else as_json(role), known.get("content"))
    return messages


def legacy_prompt(body: Mapping[str, Any]) -> list[Message]:
    """Return the prompt of a text completion."""
    prompt = body.get("prompt")
    return [new_message("user", [text_part(prompt) if isinstance(prompt, str) else unread(prompt)])]


# --- answers


def message_reply(body: Mapping[str, Any]) -> Response:
    """Read a message that has come whole."""
    blocks = [fields(block) for block in sequence(body.get("content"))]
    reply = _spoken(blocks, text_or_none(body.get("stop_reason")))
    reply.model = text_or_none(body.get("model"))
    reply.response_id = text_or_none(body.get("id"))
    reply.extensions = {key: jsonable(body[key]) for key in _BESIDES if body.get(key)}
    if usage := fields(body.get("usage")):
        reply.usage, reply.tokens, reply.billed_units = jsonable(usage), tokens(usage), _extra(usage)
        reply.service_tier = text_or_none(usage.get("service_tier"))
    if body.get("type") == "error":
        reply.error = failure(fields(body.get("error")))
    return reply


def completion_reply(body: Mapping[str, Any]) -> Response:
    """Read a text completion that has come whole."""
    spoken = {"type": "text", "text": body.get("completion")}
    return message_reply({**body, "content": [spoken] if spoken["text"] else []})


# --- batches


def batch_requests(body: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the requests of a batch by the names that the program gave them."""
    given = [fields(one) for one in sequence(body.get("requests"))]
    return [(str(one.get("custom_id")), fields(one.get("params"))) for one in given]


def batch_reply(body: Mapping[str, Any]) -> Response:
    """Read what is said of a batch that was accepted."""
    return Response(response_id=text_or_none(body.get("id")))


def batch_result(item: Any) -> tuple[str, Response]:
    """Read one line of a batch's results."""
    known = fields(item)
    result = fields(known.get("result"))
    kind = text_or_none(result.get("type")) or "unknown"
    if kind == "succeeded":
        return str(known.get("custom_id")), message_reply(fields(result.get("message")))
    error = fields(fields(result.get("error")).get("error")) or {"type": _UNANSWERED.get(kind, kind)}
    return str(known.get("custom_id")), Response(error=failure(error))


_UNANSWERED = {"canceled": "cancelled"}


def failure(error: Mapping[str, Any]) -> ErrorInfo:
    """Read an error that came as an answer, or as an event of a stream that the program reads by itself."""
    code = text_or_none(error.get("type")) or "api_error"
    return ErrorInfo(text=text_or_none(error.get("message")) or code, type="ResponseError", code=code)


def _spoken(blocks: list[dict[str, Any]], stop_reason: str | None) -> Response:
    parts = [part for block in blocks for part in block_parts(block)]
    spoken = new_message("assistant", parts)
    if stop_reason is not None:
        spoken["finish_reason"] = stop_reason
    said = "".join(part["content"] for part in parts if part["type"] == "text")
    calls: list[ToolCall] = [tool_call(block) for block in blocks if block.get("type") == "tool_use"]
    return Response(
        messages=[spoken] if blocks else [],
        text=said or None,
        tool_calls=calls,
        finish_reason=stop_reason,
    )


def tokens(usage: Mapping[str, Any]) -> dict[str, int]:
    """Return a usage object as the tokens of an event: Anthropic counts what is cached beside the input."""
    read, made, cached, created = (
        count_or_none(usage.get(name)) for name in ("input_tokens", "output_tokens", *_CACHE)
    )
    if read is None and made is None:
        return {}
    counts: dict[str, int] = {}
    if read is not None:
        counts["prompt"] = read + (cached or 0) + (created or 0)
    if made is not None:
        counts["completion"] = made
    counts["total"] = sum(counts.values())
    thought = count_or_none(fields(usage.get("output_tokens_details")).get("thinking_tokens"))
    parts = {"cached": cached, "cache_creation": created, "reasoning": thought}
    return counts | {name: count for name, count in parts.items() if count}


_CACHE = ("cache_read_input_tokens", "cache_creation_input_tokens")


def _extra(usage: Mapping[str, Any]) -> dict[str, float]:
    """Return what is charged for besides, by the names of the price list."""
    created, served = fields(usage.get("cache_creation")), fields(usage.get("server_tool_use"))
    extra = {
        "cache_write_1h_tokens": count_or_none(created.get("ephemeral_1h_input_tokens")),
        "web_searches": count_or_none(served.get("web_search_requests")),
    }
    return {name: count for name, count in extra.items() if count}


def messages_of(role: str, content: Any) -> list[Message]:
    """Return the content of one of Anthropic's messages as ours: each tool result is a message of its own."""
    if isinstance(content, str):
        return [new_message(role, [text_part(content)] if content or role != "assistant" else [])]
    if content is not None and not isinstance(content, list | tuple):
        return [new_message(role, [unread(content)])]
    messages: list[Message] = []
    for one in sequence(content):
        block = fields(one)
        if block.get("type") == "tool_result":
            messages.append(new_message("tool", [_tool_result(block)]))
        elif messages and messages[-1]["role"] == role:
            messages[-1]["parts"] += block_parts(block)
        else:
            messages.append(new_message(role, block_parts(block)))
    return messages or [new_message(role, [])]


def unread(value: Any) -> Part:
    """Return the place of something that can be read only once, and so is the program's to read."""
    return provider_part({"type": "unread", "given": type(value).__name__})


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
    is_direct = caller.get("type", "direct") == "direct"
    return [part if is_direct else provider_part({**part, "caller": jsonable(caller)})]


def _tool_result(block: Mapping[str, Any]) -> Part:
    content = block.get("content")
    parts = [] if content is None else messages_of("tool", content)[0]["parts"]
    is_text = len(parts) == 1 and parts[0].keys() == {"type", "content"} and parts[0]["type"] == "text"
    response = parts[0]["content"] if is_text else parts
    part: Part = {
        "type": "tool_call_response",
        "id": text_or_none(block.get("tool_use_id")),
        "response": response or "",
    }
    return part | ({"is_error": True} if block.get("is_error") is True else {})


def _server_tool_call(block: Mapping[str, Any]) -> Part:
    part: Part = {"type": "server_tool_call", "id": block.get("id"), "name": block.get("name")}
    inside = {key: block.get(key) for key in ("type", "server_name", "input", "caller")}
    part["server_tool_call"] = jsonable(inside)
    return part


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
        document = provider_part({"type": "document", **about})
        return [document, *messages_of("user", source.get("content"))[0]["parts"]]
    return [provider_part({**_sourced("document", source), **about})]


def _sourced(modality: str, source: Mapping[str, Any]) -> Part:
    if source.get("type") == "base64":
        return blob_part(modality, text_or_none(source.get("media_type")), source.get("data"))
    if source.get("type") == "url":
        return url_part(modality, source.get("url"))
    if source.get("type") == "file":
        return {"type": "file", "modality": modality, "file_id": source.get("file_id")}
    return provider_part({"type": modality, "source": jsonable(dict(source))})


def _upload(block: Mapping[str, Any]) -> list[Part]:
    return [{"type": "file", "file_id": block.get("file_id")}]


def _generic(block: Mapping[str, Any]) -> Part:
    return generic_part({key: value for key, value in block.items() if key != "cache_control"})


def _noted(part: Part, block: Mapping[str, Any], name: str) -> Part:
    return provider_part({**part, name: block[name]}) if text_or_none(block.get(name)) else part


_READERS: dict[str, Callable[[Mapping[str, Any]], list[Part]]] = {
    "text": _text,
    "thinking": _thinking,
    "redacted_thinking": _redacted_thinking,
    "tool_use": _tool_use,
    "image": _image,
    "document": _document,
    "container_upload": _upload,
}
