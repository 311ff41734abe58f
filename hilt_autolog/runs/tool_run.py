"""Tools and retrievers that a framework runs."""

from __future__ import annotations

import contextlib
import weakref
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.model import Operation, Request, Response, ToolCall, new_message, text_part
from hilt_autolog.log.encoder import encode_line
from hilt_autolog.log.json_values import to_json_value
from hilt_autolog.recording.context import current_position
from hilt_autolog.recording.conversations import ConversationPosition
from hilt_autolog.recording.events import blank, linked, prompt_event, retrieval_event, tool_result_event
from hilt_autolog.recording.tool_tracker import ToolCallRecord

from .active_run import ActiveRun

if TYPE_CHECKING:
    from hilt_autolog.contracts.framework import Framework, Run
    from hilt_autolog.contracts.model import ErrorInfo
    from hilt_autolog.recording.events import Event
    from hilt_autolog.recording.recorder import Recorder

_RETRIEVAL = Operation("retrieval", lambda _: [], lambda _: Response())
_NO_CALL = ToolCall(None, None, "")

# The tool that runs here, as long as it does.
_running: ContextVar[weakref.ref[ToolRun] | None] = ContextVar("hilt_tool", default=None)


class ToolRun(ActiveRun):
    """A call of a tool; an answer has asked for it, or the program by itself."""

    __slots__ = ("_inside", "_untold")

    def __init__(self, recorder: Recorder, framework: Framework, run: Run, parent: ActiveRun | None) -> None:
        super().__init__(recorder, framework, run, parent)
        self._inside: list[Token[Any]] = []
        self._untold = ["the function"]  # pop() is atomic: one call of the function is this run

    def go_inside(self) -> None:
        """Let what the program records from now on, until the tool has ended, reply to its call."""
        self.go_outside()
        replied_to = self.event_id or self.trace.prompt_id
        spot = self.recorder.conversations.spot(self.session_id, self.name, replied_to)
        self._inside = [current_position.set(spot), _running.set(weakref.ref(self))]

    def go_outside(self) -> None:
        """Let it reply again to what it replied to before."""
        inside, self._inside = self._inside, []
        for token in inside:
            with contextlib.suppress(ValueError):  # it ends in another context than it began in
                token.var.reset(token)

    def claim_end(self) -> bool:
        """End the run; False if it has ended before."""
        self.go_outside()
        return super().claim_end()

    def tells(self, name: str, recorder: Recorder | None) -> bool:
        """Return whether this run is what a function's call would tell, into this log if any is named."""
        is_meant = name == self._called.name and recorder in (None, self.recorder)
        return is_meant and bool(self._open and self._untold and self._untold.pop())

    @property
    def _called(self) -> ToolCall:
        return self.run.tool or _NO_CALL

    def start(self, *, is_served: bool) -> None:  # noqa: ARG002  concerns models only
        """Write the call, unless an answer's event says it; whether one does may turn out at the end only."""
        tools, name = self.recorder.conversations.tools, self._called.name
        if self.run.is_tool_call_id_final or not tools.awaits(name or ""):
            self._call(self._called.id)

    def completed(self, result: Any) -> None:
        """Write the result, if it has not come by."""
        given = self.framework.tool_output(result)
        identity = self._called.id or given.tool_call_id
        self._call(identity)
        tools = self.recorder.conversations.tools
        if identity is not None and tools.resulted(self.session_id, identity) is None:
            return
        place = ConversationPosition(self.session_id, self.name, None, None, [], 0, 0)
        text = _words(given.content)
        event = tool_result_event(place, identity, self._called.name, text, self.event_id)
        event["provenance"] = dict(self.run.provenance)
        event_id = self.write(self.measured(event))
        if identity is not None:
            tools.told(self.session_id, identity, event_id, self._called.name)

    def write_failed(self, failure: ErrorInfo, ended: str | None = None) -> None:
        """Write why the tool failed; what its caller makes of that comes by in the next request."""
        super().write_failed(failure, ended)
        if self._called.id is not None and self.event_id is not None:
            asked = ToolCallRecord(self.event_id, self._called.name)
            self.recorder.conversations.tools.release(self.session_id, self._called.id, asked)

    def _call(self, identity: str | None) -> None:
        """Find the event that asks for this tool, or write it."""
        if self.event_id is not None:
            return
        session = self.place()
        tools, name = self.recorder.conversations.tools, self._called.name
        asker = None
        if identity is not None:
            asker = tools.asker(session, identity)
            if asker is None and (adopted := tools.adopt(session, identity, name)) is not None:
                asker = session, adopted
        if asker is None:
            self.event_id = self.write(self._call_event(identity))
            if identity is not None:
                tools.asked(session, identity, self.event_id, name)
        else:
            if self.name is None:
                self.trace.session_id = asker[0]
            self.session_id, self.event_id = asker[0], asker[1].event_id

    def _call_event(self, identity: str | None) -> Event:
        """Return the event of a call that no answer has asked for: the chain that makes it is its actor."""
        by = self.run.name if self.parent is None else self.parent.run.name
        event = blank("tool_call", self.session_id, "agent", by)
        event["content"] = {"text": self._called.arguments}
        event["provenance"] = dict(self.run.provenance)
        event["extensions"] = linked(self.trace.prompt_id, tool_call_id=identity, tool=self._called.name)
        return event


class RetrieverRun(ActiveRun):
    """A search for documents."""

    __slots__ = ("scores",)

    def __init__(self, recorder: Any, framework: Framework, run: Run, parent: ActiveRun | None) -> None:
        super().__init__(recorder, framework, run, parent)
        self.scores: dict[int, float] = {}

    def start(self, *, is_served: bool) -> None:  # noqa: ARG002  concerns models only
        """Find what asks for the documents, a tool's call or an earlier prompt; else write the query."""
        session = self.place()
        self.event_id = self._tool_call() or self.trace.prompt_id
        if self.event_id is None:
            query = [new_message("user", [text_part(self.run.query or "")])]
            prompt = Request(
                _RETRIEVAL, self.framework.package, None, query, {}, provenance=self.run.provenance
            )
            place = ConversationPosition(session, self.name, None, None, query, 0, 1)
            self.event_id = self.write(
                prompt_event(prompt, place, self.recorder.user, None, is_plain_text=True)
            )

    def completed(self, result: Any) -> None:
        """Write the documents, the best first."""
        found = self.framework.documents(result, self.scores)
        took = self.measured({"extensions": {}})  # of the search, and so of all that it has found
        for rank, one in enumerate(found, 1):
            document = one._replace(retriever=self.run.name, metadata=to_json_value(one.metadata))
            event = retrieval_event(self.place(), document, rank, self.event_id, self.run.provenance)
            event["metrics"] = took["metrics"]
            event["extensions"].update(took["extensions"])
            self.write(event)

    def _tool_call(self) -> str | None:
        above = self.parent
        while above is not None and not isinstance(above, ToolRun):
            above = above.parent
        return None if above is None else above.event_id


def is_run_by_framework(name: str, recorder: Recorder | None) -> bool:
    """Return whether a framework, which runs a tool here, tells of this call of its function.

    Args:
        name: the tool's.
        recorder: where the call would be written; None: in this process's log.
    """
    reference = _running.get()
    running = None if reference is None else reference()
    return running is not None and running.tells(name, recorder)


def _words(content: Any) -> str:
    """Return what a tool gave back as text: texts as they are, messages' parts by their words, else JSON."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    said = [part.get("content") for part in parts if isinstance(part, dict) and part.get("type") == "text"]
    if said and len(said) == len(parts):
        return "".join(map(str, said))
    return encode_line({"_": content}).decode()[len('{"_":') : -len("}\n")]
