"""OpenAI's Responses protocol: items in, items out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.media import blob_part, url_part
from hilt_autolog.contracts.model import Response, ToolCall, new_message, provider_part, text_part
from hilt_autolog.contracts.sdk_objects import as_json, fields, jsonable, text_or_none

from .chat import failure, generic_part, sequence
from .usage import tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hilt_autolog.contracts.model import Delta, ErrorInfo
    from hilt_autolog.contracts.types import Message, Part


_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
_OUTPUTS = ("function_call_output", "custom_tool_call_output")
_PENDING = ("queued", "in_progress")


# --- requests


def response_messages(body: Mapping[str, Any]) -> list[Message]:
    """Return the instructions and the input of a request as messages.

    What one answer gave (reasoning, text, tool calls) stands in the input as items of their own; they
    are one assistant message again, so that a repeated answer is recognised.
    """
    instructions = body.get("instructions")
    messages = [new_message("system", [text_part(instructions)])] if isinstance(instructions, str) else []
    given = body.get("input")
    if isinstance(given, str):
        return [*messages, new_message("user", [text_part(given)])]
    for item in sequence(given):
        read = _input_item(fields(item))
        if read["role"] == "assistant" and messages and messages[-1]["role"] == "assistant":
            messages[-1]["parts"] += read["parts"]
        else:
            messages.append(read)
    return messages


def _input_item(item: Mapping[str, Any]) -> Message:
    kind = item.get("type") or "message"
    if not isinstance(kind, str):
        kind = as_json(kind)
    if kind in _OUTPUTS:
        output = item.get("output")
        response = (
            output if isinstance(output, str) else [_content(fields(piece)) for piece in sequence(output)]
        )
        return new_message(
            "tool",
            [{"type": "tool_call_response", "id": text_or_none(item.get("call_id")), "response": response}],
        )
    if kind != "message":
        return new_message("tool" if kind.endswith("_output") else "assistant", [_output_part(item)])
    role = item.get("role") or "user"
    if not isinstance(role, str):
        role = as_json(role)
    content = item.get("content")
    pieces = (
        [text_part(content)] if isinstance(content, str) else [_content(fields(p)) for p in sequence(content)]
    )
    read = new_message("system" if role == "developer" else role, pieces)
    return read | {"provider_role": role} if role == "developer" else read


def _content(piece: Mapping[str, Any]) -> Part:
    kind = piece.get("type")
    if kind in ("input_text", "output_text", "text", "summary_text", "reasoning_text"):
        words = piece.get("text") or ""
        part = text_part(words if isinstance(words, str) else as_json(words))
        return part | {"annotations": jsonable(notes)} if (notes := piece.get("annotations")) else part
    if kind == "input_image":
        return _reference("image", piece, piece.get("image_url"))
    if kind == "input_file":
        return _reference("document", piece, piece.get("file_data") or piece.get("file_url"))
    if kind == "input_audio":
        audio = fields(piece.get("input_audio"))
        return blob_part("audio", f"audio/{audio.get('format')}", audio.get("data"))
    if kind == "refusal":
        return provider_part({"type": "refusal", "content": piece.get("refusal")})
    return generic_part(piece)


def _reference(modality: str, piece: Mapping[str, Any], url: Any) -> Part:
    if piece.get("file_id"):
        part: Part = {"type": "file", "modality": modality, "file_id": piece["file_id"]}
    else:
        part = url_part(modality, url)
    if piece.get("filename"):
        part["name"] = piece["filename"]
    if piece.get("detail"):
        part["detail"] = piece["detail"]
    return part


# --- answers


def response_reply(body: Mapping[str, Any]) -> Response:
    """Read a response object."""
    items = [fields(item) for item in sequence(body.get("output"))]
    reply = _items(items)
    reply.model = text_or_none(body.get("model"))
    reply.response_id = text_or_none(body.get("id"))
    reply.service_tier = text_or_none(body.get("service_tier"))
    status = text_or_none(body.get("status"))
    reply.is_pending = status in _PENDING
    ended = None if reply.is_pending else status
    reply.finish_reason = text_or_none(fields(body.get("incomplete_details")).get("reason")) or ended
    if usage := fields(body.get("usage")):
        reply.usage, reply.tokens = jsonable(usage), tokens(usage)
    if status == "failed":
        reply.error = failure(fields(body.get("error")))
    for spoken in reply.messages:
        spoken["finish_reason"] = reply.finish_reason
    return reply


def _items(items: list[dict[str, Any]]) -> Response:
    parts = [part for item in items for part in _output_parts(item)]
    said = "".join(part["content"] for part in parts if part["type"] == "text")
    refused = "".join(text_or_none(part["content"]) or "" for part in parts if part["type"] == "refusal")
    return Response(
        messages=[new_message("assistant", parts)] if parts else [],
        text=said or refused or None,
        tool_calls=[_tool_call(item) for item in items if str(item.get("type")) in _CALLS],
    )


def _output_parts(item: Mapping[str, Any]) -> list[Part]:
    if item.get("type") == "message":
        return [_content(fields(piece)) for piece in sequence(item.get("content"))]
    return [_output_part(item)]


def _output_part(item: Mapping[str, Any]) -> Part:
    kind = str(item.get("type"))
    if kind in _CALLS:
        return _tool_call(item).part()
    if kind == "reasoning":
        return _reasoning(item)
    if kind == "image_generation_call" and isinstance(item.get("result"), str):
        form = item.get("output_format") or "png"
        image = blob_part("image", f"image/{form}", item["result"])
        image["id"] = item.get("id")
        return image
    shown = generic_part(item)
    if kind.endswith("_call"):
        name = item.get("name") or kind
        return provider_part({"type": "server_tool_call", "id": item.get("id"), "name": name, kind: shown})
    return shown


def _reasoning(item: Mapping[str, Any]) -> Part:
    pieces = [fields(p) for p in (*sequence(item.get("summary")), *sequence(item.get("content")))]
    part: Part = {"type": "reasoning", "content": "\n".join(filter(None, map(_words, pieces)))}
    if item.get("id"):
        part["id"] = item["id"]
    return part


def _words(piece: Mapping[str, Any]) -> str | None:
    return text_or_none(piece.get("text"))


def _tool_call(item: Mapping[str, Any]) -> ToolCall:
    arguments = item.get(_CALLS[str(item["type"])])
    return ToolCall(text_or_none(item.get("call_id")), text_or_none(item.get("name")), as_json(arguments))


class ResponseAccumulator:
    """Accumulates the events of a response's stream; the last event usually brings the whole."""

    __slots__ = ("_begun", "_done", "_failed", "_final", "_partial", "finished")

    def __init__(self) -> None:
        self.finished = False
        self._begun: dict[str, Any] = {}
        self._final: dict[str, Any] | None = None
        self._done: list[dict[str, Any]] = []
        self._partial: list[str] = []
        self._failed: ErrorInfo | None = None

    def add(self, chunk: Any) -> list[Delta]:
        """Take an event; return what it newly says."""
        event = fields(chunk)
        kind = str(event.get("type"))
        said = _SAYS.get(kind)
        if said is not None:
            delta = event.get("delta")
            if not isinstance(delta, str) or not delta:
                return []
            if said == "text":
                self._partial.append(delta)
            return [(said, delta, 0)]
        happens = _HAPPENS.get(kind)
        if happens is not None:
            happens(self, event)
        return []

    def response(self) -> Response:
        """Return the answer: of the last event, else of the items that were done, else of the deltas."""
        body = self._begun if self._final is None else self._final
        items = body.get("output") or self._done
        if not items and self._partial:
            items = [
                {"type": "message", "content": [{"type": "output_text", "text": "".join(self._partial)}]}
            ]
        reply = response_reply({**body, "output": items})
        reply.error = reply.error or self._failed
        return reply

    def begin(self, event: Mapping[str, Any]) -> None:
        """Take the response as it was accepted."""
        self._begun = fields(event.get("response"))

    def item(self, event: Mapping[str, Any]) -> None:
        """Take an item that is done."""
        self._done.append(fields(event.get("item")))

    def end(self, event: Mapping[str, Any]) -> None:
        """Take the whole response."""
        self._final = fields(event.get("response"))
        self.finished = True

    def fail(self, event: Mapping[str, Any]) -> None:
        """Take an error that the stream reports."""
        self._failed = failure(fields(event.get("error")) or event)
        self.finished = True


_SAYS = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "text",
    "response.reasoning_text.delta": "reasoning",
    "response.reasoning_summary_text.delta": "reasoning",
    "response.function_call_arguments.delta": "tool_arguments",
    "response.custom_tool_call_input.delta": "tool_arguments",
    "response.mcp_call_arguments.delta": "tool_arguments",
    "response.audio.transcript.delta": "text",
}
_HAPPENS: dict[str, Callable[[ResponseAccumulator, Mapping[str, Any]], None]] = {
    "response.created": ResponseAccumulator.begin,
    "response.queued": ResponseAccumulator.begin,
    "response.in_progress": ResponseAccumulator.begin,
    "response.output_item.done": ResponseAccumulator.item,
    "response.completed": ResponseAccumulator.end,
    "response.incomplete": ResponseAccumulator.end,
    "response.failed": ResponseAccumulator.end,
    "response.done": ResponseAccumulator.end,
    "error": ResponseAccumulator.fail,
}
