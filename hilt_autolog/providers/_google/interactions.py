"""Gemini's interactions: steps in, steps out; an interaction goes on from another by its id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
from hilt_autolog.contracts.sdk_objects import as_json, count_or_none, fields, jsonable, text_or_none

from .contents import Parts, sequence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hilt_autolog.contracts.types import JsonObject, Message, Part

_MEDIA = ("image", "audio", "video", "document")
_PENDING = ("in_progress", "queued")
_SPEAKERS = {"user_input": "user", "function_result": "tool", "user": "user"}
_DELTAS = {"text": "text", "thought_summary": "reasoning", "arguments_delta": "tool_arguments"}


# --- requests


def interaction_messages(body: Mapping[str, Any]) -> list[Message]:
    """Return the system instruction and the input of a request as messages."""
    instruction = text_or_none(body.get("system_instruction"))
    messages = [new_message("system", [text_part(instruction)])] if instruction else []
    given = body.get("input")
    for one in given if isinstance(given, list) else () if given is None else (given,):
        step = fields(one) or {"type": "text", "text": one}
        role = _speaker(step)
        if messages and messages[-1]["role"] == role != "system" and "role" not in step:
            messages[-1]["parts"] += _parts(step)
        else:
            messages.append(new_message(role, _parts(step)))
    return messages


def _speaker(step: Mapping[str, Any]) -> str:
    kind = str(step.get("role") or step.get("type"))
    if kind in _SPEAKERS:
        return _SPEAKERS[kind]
    is_content = kind == "text" or kind in _MEDIA
    return "user" if is_content else "tool" if kind.endswith("_result") else "assistant"


def _parts(step: Mapping[str, Any]) -> list[Part]:
    """Return what a step, a turn or one content says."""
    kind = step.get("type")
    content = step.get("content")
    if kind in ("user_input", "model_output") or "role" in step:
        contents = content if isinstance(content, list) else () if content is None else (content,)
        return [part for one in contents for part in _parts(fields(one) or {"type": "text", "text": one})]
    if kind == "text":
        return [text_part(text)] if (text := text_or_none(step.get("text"))) else []
    if kind in ("thought", "thought_summary"):
        said = [text_or_none(fields(one).get("text")) for one in sequence(step.get("summary"))]
        thought = "\n".join(filter(None, said))
        return [{"type": "reasoning", "content": thought}] if thought else []
    return [_part(str(kind), step)]


def _part(kind: str, step: Mapping[str, Any]) -> Part:
    if kind == "function_call":
        return _call(step).part()
    if kind == "function_result":
        known = {"id": text_or_none(step.get("call_id")), "name": text_or_none(step.get("name"))}
        named = {name: value for name, value in known.items() if value}
        return provider_part({"type": "tool_call_response", **named, "response": as_json(step.get("result"))})
    if kind in _MEDIA:
        return _media(kind, step)
    shown: JsonObject = jsonable(dict(step))
    if kind.endswith("_call"):
        return {"type": "server_tool_call", "name": kind.removesuffix("_call"), "server_tool_call": shown}
    if kind.endswith("_result"):
        return {"type": "server_tool_call_response", "server_tool_call_response": shown}
    return provider_part(shown | {"type": kind})


def _media(kind: str, content: Mapping[str, Any]) -> Part:
    mime_type = text_or_none(content.get("mime_type"))
    if uri := text_or_none(content.get("uri")):
        part: Part = {"type": "uri", "modality": kind, "uri": uri}
        return part | ({"mime_type": mime_type} if mime_type else {})
    return blob_part(kind, mime_type, content.get("data"))


def _call(step: Mapping[str, Any]) -> ToolCall:
    identity, name = text_or_none(step.get("id")), text_or_none(step.get("name"))
    return ToolCall(identity, name, as_json(step.get("arguments")))


# --- answers


def interaction_reply(body: Mapping[str, Any]) -> Response:
    """Read an interaction; older ones have their contents in `outputs`."""
    steps = [fields(one) for one in sequence(body.get("steps")) or sequence(body.get("outputs"))]
    parts = Parts()
    for step in steps:
        if step.get("type") not in ("user_input", "function_result"):  # these are the request's own
            for part in _parts(step):
                parts.add(part)
    said = parts.whole()
    status = text_or_none(body.get("status"))
    reply = Response(
        messages=[new_message("assistant", said)] if said else [],
        text="".join(part["content"] for part in said if part["type"] == "text") or None,
        tool_calls=[_call(step) for step in steps if step.get("type") == "function_call"],
        model=text_or_none(body.get("model")) or text_or_none(body.get("agent")),
        response_id=text_or_none(body.get("id")),
        service_tier=text_or_none(body.get("service_tier")),
        is_pending=status in _PENDING,
        finish_reason=None if status in _PENDING else status,
    )
    if usage := fields(body.get("usage")):
        reply.usage, reply.tokens = jsonable(usage), _tokens(usage)
    if error := fields(body.get("error")):
        reply.error = interaction_failure(error)
    return reply


def interaction_failure(error: Mapping[str, Any], kind: str = "ResponseError") -> ErrorInfo:
    """Read an error that came as an answer."""
    text = text_or_none(error.get("message"))
    code = text_or_none(error.get("status")) or text_or_none(error.get("code"))
    return ErrorInfo(text=text or code or "failed", type=kind, code=code or "api_error")


def _tokens(usage: Mapping[str, Any]) -> dict[str, int]:
    names = ("input", "tool_use", "output", "thought", "cached")
    given = {name: count_or_none(usage.get(f"total_{name}_tokens")) for name in names}
    known = {name: count for name, count in given.items() if count is not None}
    counts = {}
    for name, pieces in (("prompt", ("input", "tool_use")), ("completion", ("output", "thought"))):
        if any(piece in known for piece in pieces):
            counts[name] = sum(known.get(piece, 0) for piece in pieces)
    total = count_or_none(usage.get("total_tokens"))
    if total is not None or counts:
        counts["total"] = sum(counts.values()) if total is None else total
    parts = {"cached": known.get("cached"), "reasoning": known.get("thought")}
    return counts | {name: count for name, count in parts.items() if count}


# --- streams


class InteractionAccumulator:
    """Accumulates the events of one interaction."""

    __slots__ = ("_body", "_steps", "finished")

    def __init__(self) -> None:
        self.finished = False
        self._body: dict[str, Any] = {}
        self._steps: dict[int, dict[str, Any]] = {}

    def add(self, chunk: Any) -> Sequence[Delta]:
        """Take an event."""
        event = fields(chunk)
        kind = str(event.get("event_type"))
        if known := fields(event.get("interaction")):
            self._body |= {name: value for name, value in known.items() if value is not None}
            self.finished = kind.startswith("interaction.complete")
        elif kind == "error":
            self._body["error"] = event.get("error")
        index = count_or_none(event.get("index")) or 0
        if kind in ("step.start", "content.start"):
            self._steps[index] = dict(fields(event.get("step") or event.get("content")))
        elif kind in ("step.delta", "content.delta"):
            return self._grow(index, fields(event.get("delta")))
        return ()

    def _grow(self, index: int, delta: Mapping[str, Any]) -> Sequence[Delta]:
        step = self._steps.setdefault(index, {})
        kind = _DELTAS.get(str(delta.get("type")))
        if kind is None:
            if delta.get("type") == step.get("type"):  # the call or result of a tool of the provider's
                step.update(delta)
            return ()
        said = delta.get("text") or fields(delta.get("content")).get("text") or delta.get("arguments")
        if not isinstance(said, str) or not said:
            return ()
        step.setdefault("said", []).append((kind, said))
        step.setdefault("type", {"reasoning": "thought"}.get(kind, "model_output"))
        return ((kind, said, 0),)

    def response(self) -> Response:
        """Return the answer as far as it has come."""
        steps = [_grown(self._steps[index]) for index in sorted(self._steps)]
        return interaction_reply({**self._body, "steps": self._body.get("steps") or steps})


def _grown(step: dict[str, Any]) -> dict[str, Any]:
    step = dict(step)
    pieces = step.pop("said", [])
    said = "".join(text for _, text in pieces)
    if not said:
        return step
    if step["type"] == "function_call":
        return step | {"arguments": said}
    if step["type"] == "thought":
        return step | {"summary": [{"type": "text", "text": said}]}
    return {"type": "model_output", "content": [{"type": "text", "text": said}]}
