"""Streams of Anthropic's protocol: the events of a message, block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from hilt_autolog.contracts.sdk_objects import count_or_none, fields, jsonable, list_or_empty, text_or_none

from .messages import parse_completion, parse_error, parse_message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hilt_autolog.contracts.model import Delta, ErrorInfo, Response
    from hilt_autolog.contracts.types import JsonMapping, JsonObject

# Type of a delta: (the block's field that it extends, the kind of our `Delta`, the type of the block).
# The type of the block counts only for a server that sends no `content_block_start`.
_DELTAS = {
    "text_delta": ("text", "text", "text"),
    "thinking_delta": ("thinking", "reasoning", "thinking"),
    "input_json_delta": ("partial_json", "tool_arguments", "tool_use"),
    "signature_delta": ("signature", None, "thinking"),
    "compaction_delta": ("content", None, "compaction"),
}


class MessageAccumulator:
    """Accumulates the events of one message."""

    __slots__ = ("_blocks", "_error", "_message", "_usage", "finished")

    def __init__(self) -> None:
        self.finished = False
        self._message: JsonObject = {}
        self._usage: JsonObject = {}
        self._blocks: dict[int | None, _Block] = {}  # by index
        self._error: ErrorInfo | None = None

    def add(self, chunk: Any) -> Sequence[Delta]:
        """Add an event; return the new text in it."""
        # Most events are the SDK's `RawContentBlockDeltaEvent` with a `TextDelta`: reading their `__dict__`
        # directly saves two calls of `fields`, and that of a handler, for each chunk.
        try:
            event = chunk.__dict__
            delta = event["delta"].__dict__
            text = delta["text"]
            if delta["type"] == "text_delta" and type(text) is str and text:
                self._blocks[event["index"]].pieces["text"].append(text)
                return (("text", text, 0),)
        except (AttributeError, KeyError, TypeError):
            pass
        event = fields(chunk)
        handler = _HANDLERS.get(str(event.get("type")))
        return () if handler is None else handler(self, event)

    def response(self) -> Response:
        """Return the response so far."""
        content = [block.content() for block in self._blocks.values()]
        response = parse_message({**self._message, "content": content, "usage": self._usage})
        response.error = response.error or self._error
        return response

    # --- handlers, one for each type of event

    def message_start(self, event: JsonMapping) -> Sequence[Delta]:
        """Start the message."""
        self._message = dict(fields(event.get("message")))
        self._add_usage(self._message.get("usage"))
        return ()

    def content_block_start(self, event: JsonMapping) -> Sequence[Delta]:
        """Start a block; some compatible servers send its first text here."""
        block = _Block(dict(fields(event.get("content_block"))))
        self._blocks[count_or_none(event.get("index"))] = block
        text = block.start.get("text")
        return (("text", text, 0),) if text and type(text) is str else ()

    def content_block_delta(self, event: JsonMapping) -> Sequence[Delta]:
        """Add a piece to a block."""
        delta = fields(event.get("delta"))
        name, kind, block_type = _DELTAS.get(str(delta.get("type")), (None, None, "text"))
        index = count_or_none(event.get("index"))
        block = self._blocks.get(index)
        if block is None:
            block = self._blocks[index] = _Block({"type": block_type})
        if name is None:
            block.add_citation(delta.get("citation"))
            return ()
        piece = text_or_none(delta.get(name))
        if piece is None:
            return ()
        block.pieces[name].append(piece)
        return () if kind is None else ((kind, piece, 0),)

    def content_block_stop(self, event: JsonMapping) -> Sequence[Delta]:
        """Mark a block as complete."""
        block = self._blocks.get(count_or_none(event.get("index")))
        if block is not None:
            block.is_complete = True
        return ()

    def message_delta(self, event: JsonMapping) -> Sequence[Delta]:
        """Update the message's own fields, `stop_reason` among them, and its usage."""
        changes = {**fields(event.get("delta")), "context_management": event.get("context_management")}
        self._message.update((key, value) for key, value in changes.items() if value is not None)
        self._add_usage(event.get("usage"))
        self.finished = self.finished or self._message.get("stop_reason") is not None
        return ()

    def message_stop(self, _event: JsonMapping) -> Sequence[Delta]:
        """Mark the message as complete."""
        self.finished = True
        return ()

    def error(self, event: JsonMapping) -> Sequence[Delta]:
        """Store an error that ends the stream.

        anthropic 2.14 _streaming.py: `Stream.__stream__` raises on `error` events itself; they come here only
        from a body that the program decodes.
        """
        self._error = parse_error(fields(event.get("error")))
        self.finished = True
        return ()

    def _add_usage(self, usage: object) -> None:
        self._usage.update(jsonable({**fields(usage)}))


class _Block:
    """One content block: its start, and lists of pieces, joined once at the end."""

    __slots__ = ("citations", "is_complete", "pieces", "start")

    def __init__(self, start: JsonObject) -> None:
        self.start = start
        self.pieces: dict[str, list[str]] = {name: [] for name, _, _ in _DELTAS.values()}
        self.citations: list[object] = []
        self.is_complete = False

    def add_citation(self, citation: object) -> None:
        if citation is not None:
            self.citations.append(citation)

    def content(self) -> JsonObject:
        """Return the block in the format of a complete message."""
        block = dict(self.start)
        for name, pieces in self.pieces.items():
            if pieces and name != "partial_json":
                block[name] = (text_or_none(block.get(name)) or "") + "".join(pieces)
        if self.citations:
            block["citations"] = [*list_or_empty(block.get("citations")), *self.citations]
        if str(block.get("type")).endswith("tool_use"):
            block["input"] = self._input(block.get("input"))
        return block

    def _input(self, start: object) -> object:
        """Return a tool's arguments: parsed, or as text if the JSON is incomplete."""
        text = "".join(self.pieces["partial_json"])
        if not text:
            return start if self.is_complete or start else ""
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text


_HANDLERS: dict[str, Callable[[MessageAccumulator, JsonMapping], Sequence[Delta]]] = {
    "message_start": MessageAccumulator.message_start,
    "content_block_start": MessageAccumulator.content_block_start,
    "content_block_delta": MessageAccumulator.content_block_delta,
    "content_block_stop": MessageAccumulator.content_block_stop,
    "message_delta": MessageAccumulator.message_delta,
    "message_stop": MessageAccumulator.message_stop,
    "error": MessageAccumulator.error,
}


class CompletionAccumulator:
    """Accumulates the events of a text completion."""

    __slots__ = ("_last_event", "_pieces", "finished")

    def __init__(self) -> None:
        self.finished = False
        self._last_event: JsonMapping = {}
        self._pieces: list[str] = []

    def add(self, chunk: object) -> Sequence[Delta]:
        """Add an event; return its text."""
        event = fields(chunk)
        if event.get("type") != "completion":
            return ()
        self._last_event = event
        self.finished = event.get("stop_reason") is not None
        piece = text_or_none(event.get("completion"))
        if piece is None:
            return ()
        self._pieces.append(piece)
        return (("text", piece, 0),)

    def response(self) -> Response:
        """Return the response so far."""
        return parse_completion({**self._last_event, "completion": "".join(self._pieces)})
