"""Chat completions, and legacy ones, as they come in a stream: chunk after chunk, choice by choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.model import Delta, Response
from hilt_autolog.contracts.sdk_objects import count_or_none, fields, text_or_none

from .chat import content_parts, envelope, failure, sequence, spoken

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ChatAccumulator:
    """Accumulates the chunks of one stream."""

    __slots__ = ("_choices", "_reply", "finished")

    def __init__(self) -> None:
        self.finished = False
        self._reply = Response()
        self._choices: dict[int, _Choice] = {}

    def add(self, chunk: Any) -> Sequence[Delta]:
        """Take a chunk; return its text, reasoning and tool arguments."""
        try:  # most chunks are the SDK's object with one choice, which was given a text and nothing else
            (one,) = chunk.choices
            delta = one.delta
            text = delta.content
            choice = self._choices[one.index]
            if (
                text
                and one.finish_reason is chunk.usage is None
                and len(delta.__pydantic_fields_set__) == 1
                and type(text) is str
            ):
                choice.text.append(text)
                return (("text", text, choice.index),)
        except (AttributeError, KeyError, TypeError, ValueError):
            pass
        return self._take_any(fields(chunk))

    def _take_any(self, body: Mapping[str, Any]) -> list[Delta]:
        if self._reply.response_id is None or body.get("usage") or "x_groq" in body:
            envelope(self._reply, body)
        if error := body.get("error"):
            self._reply.error = failure(fields(error) or {"message": error})
        deltas: list[Delta] = []
        for one in sequence(body.get("choices")):
            piece = fields(one)
            index = count_or_none(piece.get("index")) or 0
            choice = self._choices.get(index)
            if choice is None:
                choice = self._choices[index] = _Choice(index)
            choice.add(piece, deltas)
            if choice.finish_reason is not None:
                self.finished = all(known.finish_reason for known in self._choices.values())
        return deltas

    def response(self) -> Response:
        """Return the answer as far as it has come."""
        choices = [self._choices[index] for index in sorted(self._choices)]
        return spoken(self._reply, [(choice.finish_reason, choice.message()) for choice in choices])


_OTHERS = (
    "role",
    "reasoning_content",
    "reasoning",
    "refusal",
    "tool_calls",
    "function_call",
    "audio",
)


class _Choice:
    """One choice of the answer: lists of pieces, joined once at the end."""

    __slots__ = ("audio", "calls", "finish_reason", "index", "newest", "reasoning", "refusal", "role", "text")

    def __init__(self, index: int) -> None:
        self.index = index
        self.role: str | None = None
        self.finish_reason: str | None = None
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.refusal: list[str] = []
        self.audio: dict[str, Any] = {}
        self.calls: list[_Call] = []
        self.newest: dict[Any, _Call] = {}  # the call that a stream's `index` means now

    def add(self, piece: Mapping[str, Any], deltas: list[Delta]) -> None:
        delta = fields(piece.get("delta"))
        content = delta.get("content") if delta else piece.get("text")
        if content:
            if type(content) is str:
                self.text.append(content)
                deltas.append(("text", content, self.index))
            else:
                self._say(content, deltas)
        if piece.get("finish_reason") is not None:
            self.finish_reason = piece["finish_reason"]
        if any(map(delta.get, _OTHERS)):
            self._take_others(delta, deltas)

    def _take_others(self, delta: Mapping[str, Any], deltas: list[Delta]) -> None:
        """Take what most chunks do not have."""
        self.role = self.role or delta.get("role")
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if thought and isinstance(thought, str):
            self.reasoning.append(thought)
            deltas.append(("reasoning", thought, self.index))
        refusal = delta.get("refusal")
        if refusal and isinstance(refusal, str):
            self.refusal.append(refusal)
            deltas.append(("text", refusal, self.index))
        for position, call in enumerate(sequence(delta.get("tool_calls"))):
            self._call(fields(call), position, deltas)
        if older := delta.get("function_call"):
            self._call({"index": "function_call", "function": older}, 0, deltas)
        if audio := delta.get("audio"):
            self._hear(fields(audio))

    def _say(self, content: Any, deltas: list[Delta]) -> None:
        """Take content in typed pieces, as Mistral sends thoughts and text."""
        for part in content_parts(content):
            kind = part["type"]
            if kind in ("text", "reasoning") and part["content"]:
                (self.text if kind == "text" else self.reasoning).append(part["content"])
                deltas.append((kind, part["content"], self.index))

    def _call(self, given: Mapping[str, Any], position: int, deltas: list[Delta]) -> None:
        """Take a piece of a tool call; a new id under a known index is a new call, for some number badly."""
        index = given.get("index")
        key = index if isinstance(index, int | str) else position
        call = self.newest.get(key)
        identity = text_or_none(given.get("id"))
        if call is None or (identity and call.id and identity != call.id):
            call = self.newest[key] = _Call()
            self.calls.append(call)
        call.id = call.id or identity
        function = fields(given.get("function")) or fields(given.get("custom"))
        call.name = call.name or function.get("name")
        arguments = function.get("arguments", function.get("input"))
        if isinstance(arguments, str) and arguments:
            call.arguments.append(arguments)
            deltas.append(("tool_arguments", arguments, self.index))
        elif isinstance(arguments, dict):
            call.whole = arguments

    def _hear(self, audio: Mapping[str, Any]) -> None:
        for key in ("data", "transcript"):
            if isinstance(audio.get(key), str):
                self.audio.setdefault(key, []).append(audio[key])
        if identity := text_or_none(audio.get("id")):
            self.audio["id"] = identity

    def message(self) -> dict[str, Any]:
        """Return the choice as a chat message."""
        audio = {k: "".join(v) if isinstance(v, list) else v for k, v in self.audio.items()}
        return {
            "role": self.role or "assistant",
            "content": "".join(self.text),
            "reasoning_content": "".join(self.reasoning),
            "refusal": "".join(self.refusal),
            "audio": audio or None,
            "tool_calls": [call.given() for call in self.calls],
        }


class _Call:
    __slots__ = ("arguments", "id", "name", "whole")

    def __init__(self) -> None:
        self.id: str | None = None
        self.name: str | None = None
        self.arguments: list[str] = []
        self.whole: dict[str, Any] | None = None

    def given(self) -> dict[str, Any]:
        arguments = "".join(self.arguments) if self.whole is None else self.whole
        return {"id": self.id, "function": {"name": self.name, "arguments": arguments}}
