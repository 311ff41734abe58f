"""Streams of chat completions and of legacy completions: chunks, each with pieces of several choices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.model import Delta, Response
from hilt_autolog.contracts.sdk_objects import count_or_none, fields, list_or_empty, text_or_none

from .chat import content_parts, response_error, set_choices, set_metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hilt_autolog.contracts.types import JsonMapping, JsonObject


class ChatAccumulator:
    """Accumulates the chunks of one stream."""

    __slots__ = ("_choices", "_response", "finished")

    def __init__(self) -> None:
        self.finished = False
        self._response = Response()
        self._choices: dict[int, _Choice] = {}

    def add(self, chunk: Any) -> Sequence[Delta]:
        """Add a chunk; return its text, reasoning and tool arguments.

        The fast path takes an SDK object with one choice, whose delta has `content` alone, and with neither
        finish reason nor usage: most chunks of a stream. It saves looking up a dozen keys in the chunk and
        its choice (tests/benchmarks/calls.py, chunks). `__pydantic_fields_set__` holds the names of the
        fields that the server sent, undeclared ones included. A chunk of any other kind raises one of the
        exceptions below, or fails the condition.
        """
        try:
            (piece,) = chunk.choices
            delta = piece.delta
            text = delta.content
            choice = self._choices[piece.index]
            if (
                text
                and piece.finish_reason is None
                and chunk.usage is None
                and len(delta.__pydantic_fields_set__) == 1
                and type(text) is str
            ):
                choice.text.append(text)
                return (("text", text, choice.index),)
        except (AttributeError, KeyError, TypeError, ValueError):
            pass
        return self._add_any(fields(chunk))

    def _add_any(self, body: JsonMapping) -> list[Delta]:
        if self._response.response_id is None or body.get("usage") or "x_groq" in body:
            set_metadata(self._response, body)
        if error := body.get("error"):
            self._response.error = response_error(fields(error) or {"message": error})
        deltas: list[Delta] = []
        for item in list_or_empty(body.get("choices")):
            piece = fields(item)
            index = count_or_none(piece.get("index")) or 0
            choice = self._choices.get(index)
            if choice is None:
                choice = self._choices[index] = _Choice(index)
            choice.add(piece, deltas)
            if choice.finish_reason is not None:
                self.finished = all(choice.finish_reason for choice in self._choices.values())
        return deltas

    def response(self) -> Response:
        """Return the response so far."""
        choices = [self._choices[index] for index in sorted(self._choices)]
        return set_choices(self._response, [(choice.finish_reason, choice.message()) for choice in choices])


_RARE_KEYS = (
    "role",
    "reasoning_content",
    "reasoning",
    "refusal",
    "tool_calls",
    "function_call",
    "audio",
)


class _Choice:
    """One choice of the response: lists of pieces, joined once at the end."""

    __slots__ = (
        "audio",
        "audio_id",
        "calls",
        "calls_by_index",
        "finish_reason",
        "index",
        "reasoning",
        "refusal",
        "role",
        "text",
    )

    def __init__(self, index: int) -> None:
        self.index = index
        self.role: str | None = None
        self.finish_reason: str | None = None
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.refusal: list[str] = []
        self.audio: dict[str, list[str]] = {}  # pieces of "data" and "transcript"
        self.audio_id: str | None = None
        self.calls: list[_PartialCall] = []
        self.calls_by_index: dict[int | str, _PartialCall] = {}  # the call that each `index` means now

    def add(self, piece: JsonMapping, deltas: list[Delta]) -> None:
        """Add a piece of this choice, and append the new text in it to `deltas`."""
        delta = fields(piece.get("delta"))
        content = delta.get("content") if delta else piece.get("text")
        if content:
            if type(content) is str:
                self.text.append(content)
                deltas.append(("text", content, self.index))
            else:
                self._add_content_parts(content, deltas)
        if piece.get("finish_reason") is not None:
            self.finish_reason = piece["finish_reason"]
        if any(map(delta.get, _RARE_KEYS)):
            self._add_rare(delta, deltas)

    def _add_rare(self, delta: JsonMapping, deltas: list[Delta]) -> None:
        """Add what most chunks do not have."""
        self.role = self.role or delta.get("role")
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        if reasoning and isinstance(reasoning, str):
            self.reasoning.append(reasoning)
            deltas.append(("reasoning", reasoning, self.index))
        refusal = delta.get("refusal")
        if refusal and isinstance(refusal, str):
            self.refusal.append(refusal)
            deltas.append(("text", refusal, self.index))
        for position, call in enumerate(list_or_empty(delta.get("tool_calls"))):
            self._add_call(fields(call), position, deltas)
        if function_call := delta.get("function_call"):
            self._add_call({"index": "function_call", "function": function_call}, 0, deltas)
        if audio := delta.get("audio"):
            self._add_audio(fields(audio))

    def _add_content_parts(self, content: object, deltas: list[Delta]) -> None:
        """Add content that is a list of typed pieces, as Mistral sends reasoning and text."""
        for part in content_parts(content):
            kind = part["type"]
            if kind in ("text", "reasoning") and part["content"]:
                (self.text if kind == "text" else self.reasoning).append(part["content"])
                deltas.append((kind, part["content"], self.index))

    def _add_call(self, piece: JsonMapping, position: int, deltas: list[Delta]) -> None:
        """Add a piece of a tool call.

        Some servers give several calls the same index, or none: another id at an index starts a new call.
        """
        index = piece.get("index")
        key = index if isinstance(index, int | str) else position
        call = self.calls_by_index.get(key)
        call_id = text_or_none(piece.get("id"))
        if call is None or (call_id and call.id and call_id != call.id):
            call = self.calls_by_index[key] = _PartialCall()
            self.calls.append(call)
        call.id = call.id or call_id
        function = fields(piece.get("function")) or fields(piece.get("custom"))
        call.name = call.name or function.get("name")
        arguments = function.get("arguments", function.get("input"))
        if isinstance(arguments, str) and arguments:
            call.arguments.append(arguments)
            deltas.append(("tool_arguments", arguments, self.index))
        elif isinstance(arguments, dict):
            call.arguments_object = arguments

    def _add_audio(self, audio: JsonMapping) -> None:
        for key in ("data", "transcript"):
            if isinstance(audio.get(key), str):
                self.audio.setdefault(key, []).append(audio[key])
        self.audio_id = text_or_none(audio.get("id")) or self.audio_id

    def message(self) -> JsonObject:
        """Return the choice as a message of the protocol."""
        audio: JsonObject = {key: "".join(pieces) for key, pieces in self.audio.items()}
        if self.audio_id:
            audio["id"] = self.audio_id
        return {
            "role": self.role or "assistant",
            "content": "".join(self.text),
            "reasoning_content": "".join(self.reasoning),
            "refusal": "".join(self.refusal),
            "audio": audio or None,
            "tool_calls": [call.tool_call() for call in self.calls],
        }


class _PartialCall:
    """A tool call as far as it has been streamed."""

    __slots__ = ("arguments", "arguments_object", "id", "name")

    def __init__(self) -> None:
        self.id: str | None = None
        self.name: str | None = None
        self.arguments: list[str] = []
        self.arguments_object: JsonObject | None = None  # if the server sends an object, whole

    def tool_call(self) -> JsonObject:
        """Return the call as a tool call of the protocol."""
        arguments = "".join(self.arguments) if self.arguments_object is None else self.arguments_object
        return {"id": self.id, "function": {"name": self.name, "arguments": arguments}}
