"""Anthropic's Messages protocol: requests, and complete responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilt_autolog.contracts.media import blob_part, url_part
from hilt_autolog.contracts.model import ErrorInfo, Response, ToolCall, new_message, provider_part, text_part
from hilt_autolog.contracts.sdk_objects import (
    as_json,
    count_or_none,
    fields,
    jsonable,
    list_or_empty,
    text_or_none,
)
from hilt_autolog.providers._openai.chat import generic_part

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.types import JsonMapping, JsonObject, Message, Part


# Keys of a response that go into the event's extensions (anthropic 2.14 types/message.py, beta_message.py).
_EXTENSION_KEYS = ("stop_sequence", "stop_details", "container", "context_management", "diagnostics")


# --- requests


def parse_request_messages(body: JsonMapping) -> list[Message]:
    """Return the system prompt and the messages of a request."""
    system = body.get("system")
    messages = parse_messages("system", system) if isinstance(system, str | list | tuple) and system else []
    items = body.get("messages")
    if items is not None and not isinstance(items, list | tuple):
        return [*messages, new_message("user", [unread_part(items)])]
    for item in list_or_empty(items):
        source = fields(item)
        role = source.get("role") or "user"
        messages += parse_messages(role if isinstance(role, str) else as_json(role), source.get("content"))
    return messages


def parse_completion_prompt(body: JsonMapping) -> list[Message]:
    """Return the prompt of a text completion."""
    prompt = body.get("prompt")
    return [new_message("user", [text_part(prompt) if isinstance(prompt, str) else unread_part(prompt)])]


# --- responses


def parse_message(body: JsonMapping) -> Response:
    """Parse a complete message."""
    blocks = [fields(block) for block in list_or_empty(body.get("content"))]
    response = _response(blocks, text_or_none(body.get("stop_reason")))
    response.model = text_or_none(body.get("model"))
    response.response_id = text_or_none(body.get("id"))
    response.extensions = {key: jsonable(body[key]) for key in _EXTENSION_KEYS if body.get(key)}
    if usage := fields(body.get("usage")):
        response.usage, response.tokens = jsonable(usage), parse_tokens(usage)
        response.billed_units = _billed_units(usage)
        response.service_tier = text_or_none(usage.get("service_tier"))
    if body.get("type") == "error":
        response.error = parse_error(fields(body.get("error")))
    return response


def parse_completion(body: JsonMapping) -> Response:
    """Parse a complete text completion."""
    block = {"type": "text", "text": body.get("completion")}
    return parse_message({**body, "content": [block] if block["text"] else []})


# --- batches


def parse_batch(body: JsonMapping) -> list[tuple[str, JsonMapping]]:
    """Return the requests of a batch: the `custom_id` and the body of each."""
    items = [fields(item) for item in list_or_empty(body.get("requests"))]
    return [(str(item.get("custom_id")), fields(item.get("params"))) for item in items]


def parse_batch_response(body: JsonMapping) -> Response:
    """Parse the response to a batch that was accepted."""
    return Response.of(response_id=text_or_none(body.get("id")))


def parse_batch_result(item: object) -> tuple[str, Response]:
    """Parse one line of a batch's results; return the request's `custom_id` and its response."""
    source = fields(item)
    custom_id = str(source.get("custom_id"))
    result = fields(source.get("result"))
    kind = text_or_none(result.get("type")) or "unknown"
    if kind == "succeeded":
        return custom_id, parse_message(fields(result.get("message")))
    if kind == "canceled":
        kind = "cancelled"  # the spelling of the event format
    error = fields(fields(result.get("error")).get("error")) or {"type": kind}
    return custom_id, Response.of(error=parse_error(error))


def parse_error(error: JsonMapping) -> ErrorInfo:
    """Parse the error object of a response, or of an `error` event in a stream that the program decodes."""
    code = text_or_none(error.get("type")) or "api_error"
    return ErrorInfo(text=text_or_none(error.get("message")) or code, type="ResponseError", code=code)


def _response(blocks: list[JsonObject], stop_reason: str | None) -> Response:
    parts = [part for block in blocks for part in block_parts(block)]
    message = new_message("assistant", parts)
    if stop_reason is not None:
        message["finish_reason"] = stop_reason
    text = "".join(part["content"] for part in parts if part["type"] == "text")
    return Response.of(
        messages=[message] if blocks else [],
        text=text or None,
        tool_calls=[tool_call(block) for block in blocks if block.get("type") == "tool_use"],
        finish_reason=stop_reason,
    )


def parse_tokens(usage: JsonMapping) -> dict[str, int]:
    """Return a usage object as the tokens of an event.

    Anthropic's `input_tokens` leave out the tokens read from and written to the cache; an event's `prompt`
    includes them.
    """
    prompt, completion, cached, cache_creation = (
        count_or_none(usage.get(name)) for name in ("input_tokens", "output_tokens", *_CACHE_KEYS)
    )
    if prompt is None and completion is None:
        return {}
    counts: dict[str, int] = {}
    if prompt is not None:
        counts["prompt"] = prompt + (cached or 0) + (cache_creation or 0)
    if completion is not None:
        counts["completion"] = completion
    counts["total"] = sum(counts.values())
    reasoning = count_or_none(fields(usage.get("output_tokens_details")).get("thinking_tokens"))
    details = {"cached": cached, "cache_creation": cache_creation, "reasoning": reasoning}
    return counts | {name: count for name, count in details.items() if count}


_CACHE_KEYS = ("cache_read_input_tokens", "cache_creation_input_tokens")


def _billed_units(usage: JsonMapping) -> dict[str, float]:
    """Return what is billed besides tokens, or at another price, by the names of the price list."""
    cache_creation, tool_use = fields(usage.get("cache_creation")), fields(usage.get("server_tool_use"))
    units = {
        "cache_write_1h_tokens": count_or_none(cache_creation.get("ephemeral_1h_input_tokens")),
        "web_searches": count_or_none(tool_use.get("web_search_requests")),
    }
    return {name: count for name, count in units.items() if count}


# --- content


def parse_messages(role: str, content: object) -> list[Message]:
    """Return the messages of an event for one message of Anthropic's: each tool result becomes its own."""
    if isinstance(content, str):
        return [new_message(role, [text_part(content)] if content or role != "assistant" else [])]
    if content is not None and not isinstance(content, list | tuple):
        return [new_message(role, [unread_part(content)])]
    messages: list[Message] = []
    for item in list_or_empty(content):
        block = fields(item)
        if block.get("type") == "tool_result":
            messages.append(new_message("tool", [_tool_result(block)]))
        elif messages and messages[-1]["role"] == role:
            messages[-1]["parts"] += block_parts(block)
        else:
            messages.append(new_message(role, block_parts(block)))
    return messages or [new_message(role, [])]


def unread_part(value: object) -> Part:
    """Return a part for content that is not read, because reading would consume it.

    anthropic 2.14 types/message_create_params.py: a request's lists may be any `Iterable`, a generator too.
    """
    return provider_part({"type": "unread", "given": type(value).__name__})


def block_parts(block: JsonMapping) -> list[Part]:
    """Return the parts of a block: one for most, and one more for each text or file inside a document.

    `cache_control` is left out: programs move it from message to message, and the history of a conversation
    is recognised by equal parts.
    """
    kind = block.get("type")
    if not isinstance(kind, str):
        return [_unknown_part(block)]
    if kind in _PARSERS:
        return _PARSERS[kind](block)
    if kind.endswith("_tool_use"):
        return [_server_tool_call(block)]
    return _server_tool_result(block) if kind.endswith("_tool_result") else [_unknown_part(block)]


def tool_call(block: JsonMapping) -> ToolCall:
    """Return a `tool_use` block as a call."""
    return ToolCall(
        text_or_none(block.get("id")), text_or_none(block.get("name")), as_json(block.get("input"))
    )


def _text(block: JsonMapping) -> list[Part]:
    text = block.get("text") or ""
    part = text_part(text if isinstance(text, str) else as_json(text))
    if citations := list_or_empty(block.get("citations")):
        part["annotations"] = jsonable(citations)
    return [part]


def _thinking(block: JsonMapping) -> list[Part]:
    part: Part = {"type": "reasoning", "content": text_or_none(block.get("thinking")) or ""}
    return [_with_text(part, block, "signature")]


def _redacted_thinking(block: JsonMapping) -> list[Part]:
    """Parse encrypted thinking: as `data`, which `MediaRedactor` replaces by hash and size."""
    return [{"type": "redacted_thinking", "data": block.get("data")}]


def _tool_use(block: JsonMapping) -> list[Part]:
    """Parse a tool call.

    anthropic 2.14 types/tool_use_block.py: `caller` is in responses, {"type": "direct"} for a call by the
    model itself. Programs do not send that back, so it is left out: the history would not be recognised.
    """
    part = _with_text(tool_call(block).part(), block, "toolset_name")
    caller = fields(block.get("caller"))
    is_direct = caller.get("type", "direct") == "direct"
    return [part if is_direct else provider_part({**part, "caller": jsonable(caller)})]


def _tool_result(block: JsonMapping) -> Part:
    content = block.get("content")
    parts = [] if content is None else parse_messages("tool", content)[0]["parts"]
    is_text = len(parts) == 1 and parts[0].keys() == {"type", "content"} and parts[0]["type"] == "text"
    response = parts[0]["content"] if is_text else parts
    part: Part = {
        "type": "tool_call_response",
        "id": text_or_none(block.get("tool_use_id")),
        "response": response or "",
    }
    return part | ({"is_error": True} if block.get("is_error") is True else {})


def _server_tool_call(block: JsonMapping) -> Part:
    part: Part = {"type": "server_tool_call", "id": block.get("id"), "name": block.get("name")}
    call = {key: block.get(key) for key in ("type", "server_name", "input", "caller")}
    part["server_tool_call"] = jsonable(call)
    return part


def _server_tool_result(block: JsonMapping) -> list[Part]:
    """Parse the result of a server tool; a file that it has fetched follows as a part of its own.

    anthropic 2.14 types/web_fetch_block.py: the document is in `content.content`.
    """
    content = block.get("content")
    document = fields(fields(content).get("content"))
    result = {"type": block["type"], "content": content, "is_error": block.get("is_error") or None}
    files: list[Part] = []
    if fields(document.get("source")).get("type") == "base64":
        files = _document(document)
        result["content"] = {**fields(content), "content": None}
    part: Part = {"type": "server_tool_call_response", "id": block.get("tool_use_id")}
    return [part | {"server_tool_call_response": jsonable(result)}, *files]


def _image(block: JsonMapping) -> list[Part]:
    return [_source_part("image", fields(block.get("source")))]


def _document(block: JsonMapping) -> list[Part]:
    source = fields(block.get("source"))
    details = {key: jsonable(block[key]) for key in ("title", "context", "citations") if block.get(key)}
    if source.get("type") == "text":
        document = {"type": "document", "mime_type": source.get("media_type"), "content": source.get("data")}
        return [jsonable(document | details)]
    if source.get("type") == "content":
        heading = provider_part({"type": "document", **details})
        return [heading, *parse_messages("user", source.get("content"))[0]["parts"]]
    return [provider_part({**_source_part("document", source), **details})]


def _source_part(modality: str, source: JsonMapping) -> Part:
    if source.get("type") == "base64":
        return blob_part(modality, text_or_none(source.get("media_type")), source.get("data"))
    if source.get("type") == "url":
        return url_part(modality, source.get("url"))
    if source.get("type") == "file":
        return {"type": "file", "modality": modality, "file_id": source.get("file_id")}
    return provider_part({"type": modality, "source": jsonable(dict(source))})


def _upload(block: JsonMapping) -> list[Part]:
    return [{"type": "file", "file_id": block.get("file_id")}]


def _unknown_part(block: JsonMapping) -> Part:
    return generic_part({key: value for key, value in block.items() if key != "cache_control"})


def _with_text(part: Part, block: JsonMapping, name: str) -> Part:
    """Add a key of the block to its part, if it is a text."""
    return provider_part({**part, name: block[name]}) if text_or_none(block.get(name)) else part


_PARSERS: dict[str, Callable[[JsonMapping], list[Part]]] = {
    "text": _text,
    "thinking": _thinking,
    "redacted_thinking": _redacted_thinking,
    "tool_use": _tool_use,
    "image": _image,
    "document": _document,
    "container_upload": _upload,
}
