"""Messages as they come in a stream: event after event, block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from hilt_autolog.contracts.sdk_objects import count_or_none, fields, jsonable, text_or_none
from hilt_autolog.providers._openai.chat import sequence

from .messages import completion_reply, failure, message_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hilt_autolog.contracts.model import Delta, ErrorInfo, Response

# type of a delta: field of the block that it adds to, what it is to a reader, type of a block without a start
_PIECES = {
    "text_delta": ("text", "text", "text"),
    "thinking_delta": ("thinking", "reasoning", "thinking"),
    "input_json_delta": ("partial_json", "tool_arguments", "tool_use"),
    "signature_delta": ("signature", None, "thinking"),
    "compaction_delta": ("content", None, "compaction"),
}


class MessageAccumulator:
    """Accumulates the events of one message."""

    __slots__ = ("_blocks", "_failed", "_message", "_usage", "finished")

    def __init__(self) -> None:
        self.finished = False
        self._message: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._blocks: dict[Any, _Block] = {}
        self._failed: ErrorInfo | None = None

    def add(self, chunk: Any) -> Sequence[Delta]:
        """Take an event; return what it newly says."""
        try:  # most events are the SDK's object with a piece of text
            event = chunk.__dict__
            delta = event["delta"].__dict__
            text = delta["text"]
            if delta["type"] == "text_delta" and type(text) is str and text:
                self._blocks[event["index"]].pieces["text"].append(text)
                return (("text", text, 0),)
        except (AttributeError, KeyError, TypeError):
            pass
        event = fields(chunk)
        happens = _HAPPENS.get(str(event.get("type")))
        return () if happens is None else happens(self, event)

    def response(self) -> Response:
        """Return the answer as far as it has come."""
        content = [block.content() for block in self._blocks.values()]
        reply = message_reply({**self._message, "content": content, "usage": self._usage})
        reply.error = reply.error or self._failed
        return reply

    def begin(self, event: Mapping[str, Any]) -> Sequence[Delta]:
        """Take the message as it begins."""
        self._message = dict(fields(event.get("message")))
        self._count(self._message.get("usage"))
        return ()

    def block(self, event: Mapping[str, Any]) -> Sequence[Delta]:
        """Take the beginning of a block; some servers say its first words with it."""
        block = _Block(dict(fields(event.get("content_block"))))
        self._blocks[count_or_none(event.get("index"))] = block
        text = block.given.get("text")
        return (("text", text, 0),) if text and type(text) is str else ()

    def piece(self, event: Mapping[str, Any]) -> Sequence[Delta]:
        """Take a piece of a block."""
        delta = fields(event.get("delta"))
        name, kind, whole = _PIECES.get(str(delta.get("type")), (None, None, "text"))
        index = count_or_none(event.get("index"))
        block = self._blocks.get(index)
        if block is None:
            block = self._blocks[index] = _Block({"type": whole})
        if name is None:
            block.cite(delta.get("citation"))
            return ()
        piece = text_or_none(delta.get(name))
        if piece is None:
            return ()
        block.pieces[name].append(piece)
        return () if kind is None else ((kind, piece, 0),)

    def end_of_block(self, event: Mapping[str, Any]) -> Sequence[Delta]:
        """Take the end of a block."""
        block = self._blocks.get(count_or_none(event.get("index")))
        if block is not None:
            block.is_whole = True
        return ()

    def change(self, event: Mapping[str, Any]) -> Sequence[Delta]:
        """Take how the message ends, and what it has used up to here."""
        changes = {**fields(event.get("delta")), "context_management": event.get("context_management")}
        self._message.update((key, value) for key, value in changes.items() if value is not None)
        self._count(event.get("usage"))
        self.finished = self.finished or self._message.get("stop_reason") is not None
        return ()

    def end(self, _event: Mapping[str, Any]) -> Sequence[Delta]:
        """Take the end of the message."""
        self.finished = True
        return ()

    def fail(self, event: Mapping[str, Any]) -> Sequence[Delta]:
        """Take an error that the stream reports."""
        self._failed = failure(fields(event.get("error")))
        self.finished = True
        return ()

    def _count(self, usage: Any) -> None:
        self._usage.update(jsonable({**fields(usage)}))


class _Block:
    """One block: how it began, and lists of pieces, joined once at the end."""

    __slots__ = ("citations", "given", "is_whole", "pieces")

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self.pieces: dict[str, list[str]] = {name: [] for name, _, _ in _PIECES.values()}
        self.citations: list[Any] = []
        self.is_whole = False

    def cite(self, citation: Any) -> None:
        if citation is not None:
            self.citations.append(citation)

    def content(self) -> dict[str, Any]:
        """Return the block as it stands in a whole message."""
        block = dict(self.given)
        for name, pieces in self.pieces.items():
            if pieces and name != "partial_json":
                block[name] = (text_or_none(block.get(name)) or "") + "".join(pieces)
        if self.citations:
            block["citations"] = [*sequence(block.get("citations")), *self.citations]
        if str(block.get("type")).endswith("tool_use"):
            block["input"] = self._input(block.get("input"))
        return block

    def _input(self, begun: Any) -> Any:
        """Return a tool's arguments, as JSON text where they do not come to a whole."""
        written = "".join(self.pieces["partial_json"])
        if not written:
            return begun if self.is_whole or begun else ""
        try:
            return orjson.loads(written)
        except orjson.JSONDecodeError:
            return written


_HAPPENS: dict[str, Callable[[MessageAccumulator, Mapping[str, Any]], Sequence[Delta]]] = {
    "message_start": MessageAccumulator.begin,
    "content_block_start": MessageAccumulator.block,
    "content_block_delta": MessageAccumulator.piece,
    "content_block_stop": MessageAccumulator.end_of_block,
    "message_delta": MessageAccumulator.change,
    "message_stop": MessageAccumulator.end,
    "error": MessageAccumulator.fail,
}


class CompletionAccumulator:
    """Accumulates the events of a text completion."""

    __slots__ = ("_last", "_pieces", "finished")

    def __init__(self) -> None:
        self.finished = False
        self._last: Mapping[str, Any] = {}
        self._pieces: list[str] = []

    def add(self, chunk: Any) -> Sequence[Delta]:
        """Take an event; return its text."""
        event = fields(chunk)
        if event.get("type") != "completion":
            return ()
        self._last = event
        self.finished = event.get("stop_reason") is not None
        piece = text_or_none(event.get("completion"))
        if piece is None:
            return ()
        self._pieces.append(piece)
        return (("text", piece, 0),)

    def response(self) -> Response:
        """Return the answer as far as it has come."""
        return completion_reply({**self._last, "completion": "".join(self._pieces)})
