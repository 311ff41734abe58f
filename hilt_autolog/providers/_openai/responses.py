"""OpenAI's Responses protocol: a request's input items, a response's output items, and its stream events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilt_autolog.contracts.media import blob_part, url_part
from hilt_autolog.contracts.model import Response, ToolCall, new_message, provider_part, text_part
from hilt_autolog.contracts.sdk_objects import as_json, fields, jsonable, list_or_empty, text_or_none

from .chat import generic_part, response_error
from .usage import tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.model import Delta, ErrorInfo
    from hilt_autolog.contracts.types import JsonMapping, JsonObject, Message, Part


_ARGUMENTS_KEYS = {"function_call": "arguments", "custom_tool_call": "input"}
_TOOL_OUTPUTS = ("function_call_output", "custom_tool_call_output")
_TEXT_PIECES = ("input_text", "output_text", "text", "summary_text", "reasoning_text")
_PENDING = ("queued", "in_progress")


# --- requests


def response_messages(body: JsonMapping) -> list[Message]:
    """Return the instructions and the input of a request as messages.

    An input repeats an earlier response as separate items (reasoning, text, tool calls). Adjacent ones are
    joined to one assistant message, as the response was recorded, so that the history is recognized.
    """
    instructions = body.get("instructions")
    messages = [new_message("system", [text_part(instructions)])] if isinstance(instructions, str) else []
    items = body.get("input")
    if isinstance(items, str):
        return [*messages, new_message("user", [text_part(items)])]
    for item in list_or_empty(items):
        message = _input_message(fields(item))
        if message["role"] == "assistant" and messages and messages[-1]["role"] == "assistant":
            messages[-1]["parts"] += message["parts"]
        else:
            messages.append(message)
    return messages


def _input_message(item: JsonMapping) -> Message:
    kind = item.get("type") or "message"
    if not isinstance(kind, str):
        kind = as_json(kind)
    if kind in _TOOL_OUTPUTS:
        return new_message("tool", [_tool_result(item)])
    if kind != "message":
        return new_message("tool" if kind.endswith("_output") else "assistant", [_item_part(item)])
    role = item.get("role") or "user"
    if not isinstance(role, str):
        role = as_json(role)
    content = item.get("content")
    parts = [text_part(content)] if isinstance(content, str) else _content_parts(content)
    message = new_message("system" if role == "developer" else role, parts)
    if role == "developer":
        message["provider_role"] = role
    return message


def _tool_result(item: JsonMapping) -> Part:
    output = item.get("output")
    response = output if isinstance(output, str) else _content_parts(output)
    return {"type": "tool_call_response", "id": text_or_none(item.get("call_id")), "response": response}


def _content_parts(content: object) -> list[Part]:
    return [_content_part(fields(piece)) for piece in list_or_empty(content)]


def _content_part(piece: JsonMapping) -> Part:
    kind = piece.get("type")
    if kind in _TEXT_PIECES:
        return _text_piece(piece)
    if kind == "input_image":
        return _media_part("image", piece, piece.get("image_url"))
    if kind == "input_file":
        return _media_part("document", piece, piece.get("file_data") or piece.get("file_url"))
    if kind == "input_audio":
        audio = fields(piece.get("input_audio"))
        return blob_part("audio", f"audio/{audio.get('format')}", audio.get("data"))
    if kind == "refusal":
        return provider_part({"type": "refusal", "content": piece.get("refusal")})
    return generic_part(piece)


def _text_piece(piece: JsonMapping) -> Part:
    text = piece.get("text") or ""
    part = text_part(text if isinstance(text, str) else as_json(text))
    if annotations := piece.get("annotations"):
        part["annotations"] = jsonable(annotations)
    return part


def _media_part(modality: str, piece: JsonMapping, url: object) -> Part:
    if piece.get("file_id"):
        part: Part = {"type": "file", "modality": modality, "file_id": piece["file_id"]}
    else:
        part = url_part(modality, url)
    if piece.get("filename"):
        part["name"] = piece["filename"]
    if piece.get("detail"):
        part["detail"] = piece["detail"]
    return part


# --- responses


def parse_response(body: JsonMapping) -> Response:
    """Read a response object."""
    response = _output_response([fields(item) for item in list_or_empty(body.get("output"))])
    response.model = text_or_none(body.get("model"))
    response.response_id = text_or_none(body.get("id"))
    response.service_tier = text_or_none(body.get("service_tier"))
    status = text_or_none(body.get("status"))
    response.is_pending = status in _PENDING
    final_status = None if response.is_pending else status
    incomplete_reason = text_or_none(fields(body.get("incomplete_details")).get("reason"))
    response.finish_reason = incomplete_reason or final_status
    if usage := fields(body.get("usage")):
        response.usage, response.tokens = jsonable(usage), tokens(usage)
    if status == "failed":
        response.error = response_error(fields(body.get("error")))
    for message in response.messages:
        message["finish_reason"] = response.finish_reason
    return response


def _output_response(items: list[JsonObject]) -> Response:
    parts = [part for item in items for part in _output_parts(item)]
    text = "".join(part["content"] for part in parts if part["type"] == "text")
    refusal = "".join(text_or_none(part["content"]) or "" for part in parts if part["type"] == "refusal")
    return Response.of(
        messages=[new_message("assistant", parts)] if parts else [],
        text=text or refusal or None,
        tool_calls=[_tool_call(item) for item in items if str(item.get("type")) in _ARGUMENTS_KEYS],
    )


def _output_parts(item: JsonMapping) -> list[Part]:
    if item.get("type") == "message":
        return _content_parts(item.get("content"))
    return [_item_part(item)]


def _item_part(item: JsonMapping) -> Part:
    """Return an item that is no message: a function call, a built-in tool's call, reasoning, or another."""
    kind = str(item.get("type"))
    if kind in _ARGUMENTS_KEYS:
        return _tool_call(item).part()
    if kind == "reasoning":
        return _reasoning_part(item)
    if kind == "image_generation_call" and isinstance(item.get("result"), str):
        image = blob_part("image", f"image/{item.get('output_format') or 'png'}", item["result"])
        image["id"] = item.get("id")
        return image
    part = generic_part(item)
    if kind.endswith("_call"):
        name = item.get("name") or kind
        return provider_part({"type": "server_tool_call", "id": item.get("id"), "name": name, kind: part})
    return part


def _reasoning_part(item: JsonMapping) -> Part:
    pieces = map(fields, (*list_or_empty(item.get("summary")), *list_or_empty(item.get("content"))))
    texts = (text_or_none(piece.get("text")) for piece in pieces)
    part: Part = {"type": "reasoning", "content": "\n".join(filter(None, texts))}
    if item.get("id"):
        part["id"] = item["id"]
    return part


def _tool_call(item: JsonMapping) -> ToolCall:
    arguments = item.get(_ARGUMENTS_KEYS[str(item["type"])])
    return ToolCall(text_or_none(item.get("call_id")), text_or_none(item.get("name")), as_json(arguments))


# --- streams


class ResponseAccumulator:
    """Accumulates the events of a response's stream; the last one usually contains the complete response."""

    __slots__ = ("_created", "_error", "_final", "_items", "_texts", "finished")

    def __init__(self) -> None:
        self.finished = False
        self._created: JsonObject = {}
        self._final: JsonObject | None = None
        self._items: list[JsonObject] = []
        self._texts: list[str] = []
        self._error: ErrorInfo | None = None

    def add(self, chunk: object) -> list[Delta]:
        """Add an event; return the new text in it."""
        event = fields(chunk)
        kind = str(event.get("type"))
        delta_kind = _DELTA_KINDS.get(kind)
        if delta_kind is not None:
            delta = event.get("delta")
            if not isinstance(delta, str) or not delta:
                return []
            if delta_kind == "text":
                self._texts.append(delta)
            return [(delta_kind, delta, 0)]
        handler = _EVENT_HANDLERS.get(kind)
        if handler is not None:
            handler(self, event)
        return []

    def response(self) -> Response:
        """Return the response so far: of the last event, else the complete items, else the text deltas."""
        body = self._created if self._final is None else self._final
        items = body.get("output") or self._items
        if not items and self._texts:
            items = [{"type": "message", "content": [{"type": "output_text", "text": "".join(self._texts)}]}]
        response = parse_response({**body, "output": items})
        response.error = response.error or self._error
        return response

    def on_created(self, event: JsonMapping) -> None:
        """Keep the response as the server accepted it."""
        self._created = fields(event.get("response"))

    def on_item_done(self, event: JsonMapping) -> None:
        """Keep a complete item."""
        self._items.append(fields(event.get("item")))

    def on_final(self, event: JsonMapping) -> None:
        """Keep the complete response."""
        self._final = fields(event.get("response"))
        self.finished = True

    def on_error(self, event: JsonMapping) -> None:
        """Keep an error that the stream reports."""
        self._error = response_error(fields(event.get("error")) or event)
        self.finished = True


_DELTA_KINDS = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "text",
    "response.reasoning_text.delta": "reasoning",
    "response.reasoning_summary_text.delta": "reasoning",
    "response.function_call_arguments.delta": "tool_arguments",
    "response.custom_tool_call_input.delta": "tool_arguments",
    "response.mcp_call_arguments.delta": "tool_arguments",
    "response.audio.transcript.delta": "text",
}
_EVENT_HANDLERS: dict[str, Callable[[ResponseAccumulator, JsonMapping], None]] = {
    "response.created": ResponseAccumulator.on_created,
    "response.queued": ResponseAccumulator.on_created,
    "response.in_progress": ResponseAccumulator.on_created,
    "response.output_item.done": ResponseAccumulator.on_item_done,
    "response.completed": ResponseAccumulator.on_final,
    "response.incomplete": ResponseAccumulator.on_final,
    "response.failed": ResponseAccumulator.on_final,
    "response.done": ResponseAccumulator.on_final,
    "error": ResponseAccumulator.on_error,
}
