"""Tools that the program runs and records itself: runs without a framework."""

from __future__ import annotations

from inspect import isasyncgen, iscoroutine, isgenerator
from typing import TYPE_CHECKING, Any

import orjson

from hilt_autolog.clock import random_hex
from hilt_autolog.contracts.framework import Run, ToolOutput
from hilt_autolog.contracts.model import ErrorInfo, ToolCall
from hilt_autolog.contracts.provider import StreamInfo
from hilt_autolog.contracts.sdk_objects import as_json
from hilt_autolog.internal_errors import capture_errors
from hilt_autolog.log.file_names import app_name
from hilt_autolog.log.json_values import to_json_value

from .tool_run import ToolRun

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.types import EventDict, JsonMapping
    from hilt_autolog.recording.recorder import Recorder


# The default of `latency_ms`, compared by identity.
_MEASURED: Any = object()


class OwnTool(ToolRun):
    """A call of a tool; also a `CallObserver`, so that the call wrappers report to it.

    Args:
        recorder: writes its events.
        name: the tool's name.
        arguments: JSON text, or anything that JSON can represent.
        call_id: the id of the call in an answer. By default, it is that of an open call of this tool in this
            conversation whose arguments do not contradict these.
        latency_ms: how long it took, in milliseconds; None if that is unknown. By default it is measured.
    """

    __slots__ = ("_claimed_call", "_has_own_id", "_items", "_latency", "end_event_id", "http", "provider")

    def __init__(
        self,
        recorder: Recorder,
        name: str,
        arguments: object,
        call_id: str | None = None,
        latency_ms: int | None = _MEASURED,
    ) -> None:
        tools, position = recorder.conversations.tools, recorder.conversations.current()
        session_id = position.session_id
        text = as_json(to_json_value(arguments)) if arguments is not None else "{}"
        self._claimed_call = None if call_id else tools.claim(session_id, name, _distance_from(text))
        call_id = call_id or (self._claimed_call and self._claimed_call[0])
        self._has_own_id = call_id is None and tools.has_call_without_id(session_id, name)
        if self._has_own_id:
            call_id = random_hex(96)  # distinguishes calls without an id
        call = ToolCall(call_id, name, text)
        super().__init__(recorder, LOCAL_TOOLS, Run(random_hex(96), None, None, name, {}, tool=call), None)
        self.trace.session_id, self.trace.prompt_id = session_id, position.prompt_id
        self.position = recorder.conversations.with_current_context(position)
        self.provider: Any = LOCAL_TOOLS
        self.http = None
        self.end_event_id: str | None = None  # the event that replies to the call
        self._latency = latency_ms
        self._items: list[Any] | None = None  # of a generator

    # --- as a CallObserver

    def receive_response(self, _arguments: JsonMapping) -> None:
        """Do nothing: a tool has no HTTP response."""

    def release_response(self) -> None:
        """Do nothing, as above."""

    def finish(self, result: Any) -> None:
        """End with the function's return value; if that is a coroutine, the caller ends the run."""
        if iscoroutine(result):
            self.leave_context()
        else:
            self.end(result)

    def start_stream(self) -> Callable[[Any], None]:
        """Prepare for the items of a generator; return the function to call with each item."""
        self.leave_context()  # between two items, the program does other things
        self._items = []
        return lambda item: self._items.append(to_json_value(item)) if self._items is not None else None

    def finish_stream(self) -> None:
        """End: the generator has no more items."""
        self.end(self._collected())

    @capture_errors
    def finish_body(self, _content: bytes) -> None:
        """Do nothing: a tool has no HTTP response."""

    def write_abort(self, reason: str) -> None:
        """Write the end; if the program stopped reading a generator, its items so far are the result."""
        if self._items is None:
            super().write_abort(reason)
        else:
            self.write_end(self._collected())

    def _collected(self) -> Any:
        items, self._items = self._items or [], None
        are_texts = bool(items) and all(isinstance(item, str) for item in items)
        return "".join(items) if are_texts else items

    # --- differences from a framework's tool

    def claims_function(self, name: str, recorder: Recorder | None) -> bool:  # noqa: ARG002  a framework's does
        """Return False: each call of the function is a run of its own."""
        return False

    def write_error(self, error_info: ErrorInfo, ended: str | None = None) -> None:
        """Write why it failed; the tool call becomes open again, because the program may retry."""
        super().write_error(error_info, ended)
        if self._claimed_call is not None:
            tools = self.recorder.conversations.tools
            tools.release_claim(self.position.session_id, self.run.name, self._claimed_call)

    def _call_event(self, call_id: str | None) -> EventDict:
        event = super()._call_event(call_id)
        event["actor"]["id"] = app_name()
        return event

    def latency_ms(self) -> int | None:
        """Return how long it took, in milliseconds; None if that is unknown."""
        return super().latency_ms() if self._latency is _MEASURED else self._latency

    def emit(self, event: EventDict) -> str:
        """Write an event, without the tool call's id if that was generated here."""
        if self._has_own_id:
            event["extensions"].pop("tool_call_id", None)
        is_call = event["action"] == "tool_call"
        event_id = super().emit(event)
        if not is_call:
            self.end_event_id = event_id
        return event_id


class _LocalTools:
    """The methods of a framework that OwnTool calls, and those of a provider that the call wrappers call."""

    def tool_output(self, output: object) -> ToolOutput:
        return ToolOutput(None, output)

    def error_info(self, error: BaseException) -> ErrorInfo:
        name = type(error).__name__
        is_timeout = any("Timeout" in base.__name__ for base in type(error).__mro__)
        code = "timeout" if is_timeout else "api_error"
        if not isinstance(error, Exception):
            code = "cancelled"
        return ErrorInfo(text=str(error) or name, type=name, code=code)

    def interrupt(self, _error: BaseException) -> None:
        return None

    def stream_info(self, result: Any) -> StreamInfo | None:
        return StreamInfo() if isgenerator(result) or isasyncgen(result) else None


LOCAL_TOOLS: Any = _LocalTools()


def _distance_from(arguments: str) -> Callable[[str], int | None]:
    """Return a function that computes the distance of a call's arguments from these.

    The distance is 0 for the same arguments, 1 for arguments that may match, None for contradictory ones.
    Different arguments may match, because the program may add some or change their form.
    """
    own = _value(arguments)

    def distance(text: str) -> int | None:
        other = _value(text)
        if other == own:
            return 0
        if not isinstance(own, dict) or not isinstance(other, dict):
            return 1
        if any(other[name] != own[name] for name in other.keys() & own.keys()):
            return None
        return int(not other or not other.keys() <= own.keys())

    return distance


def _value(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
