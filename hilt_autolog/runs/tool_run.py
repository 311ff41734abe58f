"""Tools and retrievers that a framework runs."""

from __future__ import annotations

import contextlib
import weakref
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.model import Operation, Request, Response, ToolCall, new_message, text_part
from hilt_autolog.log.encoder import encode_line
from hilt_autolog.log.json_values import to_json_value
from hilt_autolog.recording.conversations import current_position
from hilt_autolog.recording.events import (
    extensions_of,
    new_event,
    prompt_event,
    retrieval_event,
    tool_result_event,
)
from hilt_autolog.recording.tool_tracker import ToolCallRecord

from .active_run import ActiveRun

if TYPE_CHECKING:
    from hilt_autolog.contracts.framework import Framework, Run
    from hilt_autolog.contracts.model import ErrorInfo
    from hilt_autolog.contracts.types import EventDict
    from hilt_autolog.recording.recorder import Recorder

_RETRIEVAL = Operation("retrieval", lambda _: [], lambda _: Response())
_NO_CALL = ToolCall(None, None, "")

_current_tool: ContextVar[weakref.ref[ToolRun] | None] = ContextVar("hilt_tool", default=None)


class ToolRun(ActiveRun):
    """A call of a tool, requested by an answer or made by the program itself."""

    __slots__ = ("_function_call", "_tokens", "tool")

    def __init__(self, recorder: Recorder, framework: Framework, run: Run, parent: ActiveRun | None) -> None:
        super().__init__(recorder, framework, run, parent)
        self.tool: ToolCall = run.tool or _NO_CALL
        self._tokens: list[Token[Any]] = []
        self._function_call = ["of the tool"]  # pop() is atomic: one call of the function is this run

    def enter(self) -> None:
        """Make all events reply to the tool's call that the program records until the tool ends."""
        if self._tokens:
            self.leave_context()
        reply_to = self.event_id or self.trace.prompt_id
        position = self.position
        inner = self.recorder.conversations.position_at(position.session_id, position.name, reply_to)
        self._tokens = [current_position.set(inner), _current_tool.set(weakref.ref(self))]

    def leave_context(self) -> None:
        """Undo `enter`."""
        tokens, self._tokens = self._tokens, []
        for token in tokens:
            with contextlib.suppress(
                ValueError
            ):  # it may end in another context than the one in which it was started
                token.var.reset(token)

    def claim_end(self) -> bool:
        """End it; False if it has ended before."""
        if self._tokens:
            self.leave_context()
        return super().claim_end()

    def claims_function(self, name: str, recorder: Recorder | None) -> bool:
        """Return whether this run is the call of a function, recorded by this recorder (None: by any)."""
        is_same = name == self.tool.name and recorder in (None, self.recorder)
        return is_same and bool(self._open and self._function_call and self._function_call.pop())

    def start(self, *, is_recorded_by_sdk: bool) -> None:  # noqa: ARG002  models only
        """Write the call, unless an answer has it, or may have it: then the id at the end decides."""
        tools = self.recorder.conversations.tools
        if self.run.is_tool_call_id_final or not tools.is_awaited(self.tool.name or ""):
            self._find_or_write_call(self.tool.id)

    def write_end(self, result: Any) -> None:
        """Write the result, unless it is in the log."""
        output = self.framework.tool_output(result)
        call_id = self.tool.id or output.tool_call_id
        self._find_or_write_call(call_id)
        tools, session_id = self.recorder.conversations.tools, self.position.session_id
        if call_id is not None and tools.record_result(session_id, call_id) is None:
            return
        event = tool_result_event(
            self.position, call_id, self.tool.name, _result_text(output.content), self.event_id
        )
        event_id = self.emit(self.with_latency(event))
        if call_id is not None:
            tools.record_early_result(session_id, call_id, event_id, self.tool.name)

    def write_error(self, error_info: ErrorInfo, ended: str | None = None) -> None:
        """Write why the tool failed; the result that the model gets is in the next request."""
        super().write_error(error_info, ended)
        if self.tool.id is not None and self.event_id is not None:
            record = ToolCallRecord(self.event_id, self.tool.name)
            self.recorder.conversations.tools.release_id(self.position.session_id, self.tool.id, record)

    def _find_or_write_call(self, call_id: str | None) -> None:
        if self.event_id is not None:
            return
        session_id = self.session_id()
        tools, name = self.recorder.conversations.tools, self.tool.name
        requested = None
        if call_id is not None:
            requested = tools.find_call(session_id, call_id)
            if requested is None and (adopted := tools.adopt_id(session_id, call_id, name)) is not None:
                requested = session_id, adopted
        if requested is None:
            self.event_id = self.emit(self._call_event(call_id))
            if call_id is not None:
                tools.record_call(session_id, call_id, self.event_id, name)
        else:
            if self.position.name is None:
                self.trace.session_id = requested[0]
            self.position.session_id, self.event_id = requested[0], requested[1].event_id

    def _call_event(self, call_id: str | None) -> EventDict:
        """Return the event of a call that is in no answer: its actor is the chain that makes it."""
        actor_id = self.run.name if self.parent is None else self.parent.run.name
        event = new_event("tool_call", self.position.session_id, "agent", actor_id)
        event["content"] = {"text": self.tool.arguments}
        event["extensions"] = extensions_of(self.trace.prompt_id, tool_call_id=call_id, tool=self.tool.name)
        return event


class RetrieverRun(ActiveRun):
    """A search for documents."""

    __slots__ = ("scores",)

    def __init__(self, recorder: Recorder, framework: Framework, run: Run, parent: ActiveRun | None) -> None:
        super().__init__(recorder, framework, run, parent)
        self.scores: dict[int, float] = {}  # by the identity of a document

    def start(self, *, is_recorded_by_sdk: bool) -> None:  # noqa: ARG002  models only
        """Find the tool call or prompt for which it searches; else write the query as a prompt."""
        self.session_id()
        self.event_id = self._tool_event_id() or self.trace.prompt_id
        if self.event_id is None:
            query = [new_message("user", [text_part(self.run.query or "")])]
            request = Request(_RETRIEVAL, self.framework.package, None, query, {})
            event = prompt_event(request, self.position, self.recorder.user, None, is_plain=True)
            self.event_id = self.emit(event)

    def write_end(self, result: Any) -> None:
        """Write the documents, the best first, each with the time that the search took."""
        documents = self.framework.documents(result, self.scores)
        latency, session_id = self.latency_ms(), self.session_id()
        for rank, document in enumerate(documents, 1):
            metadata = to_json_value(document.metadata)
            event = retrieval_event(
                session_id,
                document._replace(retriever=self.run.name, metadata=metadata),
                rank,
                self.event_id,
            )
            if latency is not None:
                event["metrics"], event["extensions"]["latency_ms"] = {"latency_ms": latency}, latency
            self.emit(event)

    def _tool_event_id(self) -> str | None:
        run = self.parent
        while run is not None and not isinstance(run, ToolRun):
            run = run.parent
        return None if run is None else run.event_id


def is_run_by_framework(name: str, recorder: Recorder | None) -> bool:
    """Return whether a call of a function in this context is part of a framework's run, which records it.

    Args:
        name: the tool's name.
        recorder: the recorder that would write the call; None: any.
    """
    reference = _current_tool.get()
    run = None if reference is None else reference()
    return run is not None and run.claims_function(name, recorder)


def _result_text(content: Any) -> str:
    """Return a tool's result as text: a text unchanged, the joined texts of parts, else JSON."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("content") for part in parts if isinstance(part, dict) and part.get("type") == "text"]
    if texts and len(texts) == len(parts):
        return "".join(map(str, texts))
    return encode_line({"_": content}).decode()[len('{"_":') : -len("}\n")]
