"""Gemini's interactions: steps as input and output; an interaction continues another one by its id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilt_autolog.contracts.media import blob_part
from hilt_autolog.contracts.model import (
    Delta,
    ErrorInfo,
    Response,
    ToolCall,
    new_message,
    provider_part,
    text_part,
)
from hilt_autolog.contracts.sdk_objects import (
    as_json,
    count_or_none,
    fields,
    jsonable,
    list_or_empty,
    text_or_none,
)

from .contents import PartsAccumulator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hilt_autolog.contracts.types import JsonMapping, JsonObject, Message, Part

_MEDIA_TYPES = ("image", "audio", "video", "document")
_PENDING = ("in_progress", "queued")
_ROLES = {"user_input": "user", "function_result": "tool", "user": "user"}
_DELTAS = {"text": "text", "thought_summary": "reasoning", "arguments_delta": "tool_arguments"}


# --- requests


def parse_input(body: JsonMapping) -> list[Message]:
    """Return the system instruction and the input of a request as messages.

    The input is a text, one step or content, or a list of steps, of contents or of turns with a `role`.
    """
    instruction = text_or_none(body.get("system_instruction"))
    messages = [new_message("system", [text_part(instruction)])] if instruction else []
    items = body.get("input")
    for item in items if isinstance(items, list) else () if items is None else (items,):
        step = fields(item) or {"type": "text", "text": item}
        role = _role(step)
        if messages and messages[-1]["role"] == role != "system" and "role" not in step:
            messages[-1]["parts"] += _parts(step)
        else:
            messages.append(new_message(role, _parts(step)))
    return messages


def _role(step: JsonMapping) -> str:
    kind = str(step.get("role") or step.get("type"))
    if kind in _ROLES:
        return _ROLES[kind]
    is_content = kind == "text" or kind in _MEDIA_TYPES
    return "user" if is_content else "tool" if kind.endswith("_result") else "assistant"


def _parts(step: JsonMapping) -> list[Part]:
    """Return the parts of a step, of a turn or of one content."""
    kind = step.get("type")
    content = step.get("content")
    if kind in ("user_input", "model_output") or "role" in step:
        contents = content if isinstance(content, list) else () if content is None else (content,)
        return [part for item in contents for part in _parts(fields(item) or {"type": "text", "text": item})]
    if kind == "text":
        return [text_part(text)] if (text := text_or_none(step.get("text"))) else []
    if kind in ("thought", "thought_summary"):
        texts = [text_or_none(fields(item).get("text")) for item in list_or_empty(step.get("summary"))]
        summary = "\n".join(filter(None, texts))
        return [{"type": "reasoning", "content": summary}] if summary else []
    return [_part(str(kind), step)]


def _part(kind: str, step: JsonMapping) -> Part:
    if kind == "function_call":
        return _tool_call(step).part()
    if kind == "function_result":
        keys = {"id": text_or_none(step.get("call_id")), "name": text_or_none(step.get("name"))}
        keys = {name: value for name, value in keys.items() if value}
        return provider_part({"type": "tool_call_response", **keys, "response": as_json(step.get("result"))})
    if kind in _MEDIA_TYPES:
        return _media_part(kind, step)
    source: JsonObject = jsonable(dict(step))
    if kind.endswith("_call"):
        return {"type": "server_tool_call", "name": kind.removesuffix("_call"), "server_tool_call": source}
    if kind.endswith("_result"):
        return {"type": "server_tool_call_response", "server_tool_call_response": source}
    return provider_part(source | {"type": kind})


def _media_part(kind: str, content: JsonMapping) -> Part:
    mime_type = text_or_none(content.get("mime_type"))
    if uri := text_or_none(content.get("uri")):
        part: Part = {"type": "uri", "modality": kind, "uri": uri}
        return part | ({"mime_type": mime_type} if mime_type else {})
    return blob_part(kind, mime_type, content.get("data"))


def _tool_call(step: JsonMapping) -> ToolCall:
    call_id, name = text_or_none(step.get("id")), text_or_none(step.get("name"))
    return ToolCall(call_id, name, as_json(step.get("arguments")))


# --- responses


def parse_interaction(body: JsonMapping) -> Response:
    """Parse an interaction.

    google-genai 3.6 _gaos/types/interactions/interaction.py: older API versions have `outputs`, contents, in
    place of `steps`.
    """
    steps = [fields(item) for item in list_or_empty(body.get("steps")) or list_or_empty(body.get("outputs"))]
    accumulator = PartsAccumulator()
    for step in steps:
        if step.get("type") not in ("user_input", "function_result"):  # these repeat the request
            for part in _parts(step):
                accumulator.add(part)
    parts = accumulator.parts()
    status = text_or_none(body.get("status"))
    response = Response.of(
        messages=[new_message("assistant", parts)] if parts else [],
        text="".join(part["content"] for part in parts if part["type"] == "text") or None,
        tool_calls=[_tool_call(step) for step in steps if step.get("type") == "function_call"],
        model=text_or_none(body.get("model")) or text_or_none(body.get("agent")),
        response_id=text_or_none(body.get("id")),
        service_tier=text_or_none(body.get("service_tier")),
        is_pending=status in _PENDING,
        finish_reason=None if status in _PENDING else status,
    )
    if usage := fields(body.get("usage")):
        response.usage, response.tokens = jsonable(usage), _tokens(usage)
    if error := fields(body.get("error")):
        response.error = parse_interaction_error(error)
    return response


def parse_interaction_error(error: JsonMapping, exception_name: str = "ResponseError") -> ErrorInfo:
    """Parse the error object of a response.

    Args:
        error: its keys.
        exception_name: the class of the exception that the SDK makes of it.
    """
    text = text_or_none(error.get("message"))
    code = text_or_none(error.get("status")) or text_or_none(error.get("code"))
    return ErrorInfo(text=text or code or "failed", type=exception_name, code=code or "api_error")


def _tokens(usage: JsonMapping) -> dict[str, int]:
    """Return a usage object as the tokens of an event.

    An event's `prompt` includes the tokens of tool use, its `completion` those of thoughts.
    """
    counts = {
        name: count
        for name in ("input", "tool_use", "output", "thought", "cached")
        if (count := count_or_none(usage.get(f"total_{name}_tokens"))) is not None
    }
    tokens = {}
    for name, pieces in (("prompt", ("input", "tool_use")), ("completion", ("output", "thought"))):
        if any(piece in counts for piece in pieces):
            tokens[name] = sum(counts.get(piece, 0) for piece in pieces)
    total = count_or_none(usage.get("total_tokens"))
    if total is not None or tokens:
        tokens["total"] = sum(tokens.values()) if total is None else total
    details = {"cached": counts.get("cached"), "reasoning": counts.get("thought")}
    return tokens | {name: count for name, count in details.items() if count}


# --- streams


class InteractionAccumulator:
    """Accumulates the events of one interaction."""

    __slots__ = ("_body", "_pieces", "_steps", "finished")

    def __init__(self) -> None:
        self.finished = False
        self._body: JsonObject = {}
        self._steps: dict[int, JsonObject] = {}  # by index
        self._pieces: dict[int, list[str]] = {}  # of the text, thought or arguments of a step, by index

    def add(self, chunk: object) -> Sequence[Delta]:
        """Add an event; return the new text in it."""
        event = fields(chunk)
        kind = str(event.get("event_type"))
        if interaction := fields(event.get("interaction")):
            self._body |= {name: value for name, value in interaction.items() if value is not None}
            self.finished = kind.startswith("interaction.complete")
        elif kind == "error":
            self._body["error"] = event.get("error")
        index = count_or_none(event.get("index")) or 0
        # `step...` and `interaction.completed`: google-genai 2 and later; `content...` and
        # `interaction.complete`: google-genai 1
        if kind in ("step.start", "content.start"):
            self._steps[index] = dict(fields(event.get("step") or event.get("content")))
            self._pieces[index] = []
        elif kind in ("step.delta", "content.delta"):
            return self._add_delta(index, fields(event.get("delta")))
        return ()

    def _add_delta(self, index: int, delta: JsonMapping) -> Sequence[Delta]:
        step = self._steps.setdefault(index, {})
        kind = _DELTAS.get(str(delta.get("type")))
        if kind is None:
            if delta.get("type") == step.get("type"):  # the call or the result of a server tool
                step.update(delta)
            return ()
        text = delta.get("text") or fields(delta.get("content")).get("text") or delta.get("arguments")
        if not isinstance(text, str) or not text:
            return ()
        self._pieces.setdefault(index, []).append(text)
        step.setdefault("type", {"reasoning": "thought"}.get(kind, "model_output"))
        return ((kind, text, 0),)

    def response(self) -> Response:
        """Return the response so far."""
        steps = [
            _complete_step(self._steps[index], "".join(self._pieces.get(index, ())))
            for index in sorted(self._steps)
        ]
        return parse_interaction({**self._body, "steps": self._body.get("steps") or steps})


def _complete_step(step: JsonObject, text: str) -> JsonObject:
    """Return a step with the text of its deltas, in the format of a complete interaction."""
    if not text:
        return step
    if step["type"] == "function_call":
        return step | {"arguments": text}
    if step["type"] == "thought":
        return step | {"summary": [{"type": "text", "text": text}]}
    return {"type": "model_output", "content": [{"type": "text", "text": text}]}
