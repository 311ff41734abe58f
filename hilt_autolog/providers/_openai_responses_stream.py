"""Responses as they come in a stream: event after event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.foreign import fields

from ._openai_chat import failure
from ._openai_responses import response_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hilt_autolog.facts import Delta, Failure, Reply


class ResponseFold:
    """Accumulates the events of a response's stream; the last event usually brings the whole."""

    __slots__ = ("_begun", "_done", "_failed", "_final", "_partial", "finished")

    def __init__(self) -> None:
        self.finished = False
        self._begun: dict[str, Any] = {}
        self._final: dict[str, Any] | None = None
        self._done: list[dict[str, Any]] = []
        self._partial: list[str] = []
        self._failed: Failure | None = None

    def take(self, chunk: Any) -> list[Delta]:
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

    def reply(self) -> Reply:
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
_HAPPENS: dict[str, Callable[[ResponseFold, Mapping[str, Any]], None]] = {
    "response.created": ResponseFold.begin,
    "response.queued": ResponseFold.begin,
    "response.in_progress": ResponseFold.begin,
    "response.output_item.done": ResponseFold.item,
    "response.completed": ResponseFold.end,
    "response.incomplete": ResponseFold.end,
    "response.failed": ResponseFold.end,
    "response.done": ResponseFold.end,
    "error": ResponseFold.fail,
}
