"""Tools that the program runs and tells of by itself: the runs of no framework."""

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
    from collections.abc import Callable, Mapping

    from hilt_autolog.recording.events import Event
    from hilt_autolog.recording.recorder import Recorder


class OwnTool(ToolRun):
    """A tool under way; the engine drives it as it drives calls.

    Args:
        recorder: where it is written.
        name: the tool's.
        arguments: what it is given: JSON text, or anything that JSON can say.
        identity: the id of the call that an answer has asked for it by, if the program says so; else an open
            call of this tool in this conversation is meant, if its arguments do not contradict these.
    """

    __slots__ = ("_claimed", "_collected", "_is_nameless", "ended_by", "http", "provider", "took")

    def __init__(self, recorder: Recorder, name: str, arguments: Any, identity: str | None = None) -> None:
        tools, place = recorder.conversations.tools, recorder.conversations.standing()
        text = as_json(to_json_value(arguments)) if arguments is not None else "{}"
        self._claimed = None if identity else tools.claim(place.session_id, name, _distance_from(text))
        identity = identity or (self._claimed and self._claimed[0])
        self._is_nameless = identity is None and tools.waits_nameless(place.session_id, name)
        if self._is_nameless:
            identity = random_hex(96)
        call = ToolCall(identity, name, text)
        super().__init__(recorder, PLAIN, Run(random_hex(96), None, None, name, {}, tool=call), None)
        self.trace.session_id, self.trace.prompt_id = place.session_id, place.prompt_id
        self.name, self.session_id = place.name, place.session_id
        self.took: Mapping[str, int] | None = None  # `latency_ms`, if it is known; None: we measure it
        self.provider: Any = PLAIN
        self.http: Any = None
        self.ended_by: str | None = None  # the event that replies to the call
        self._collected: list[Any] | None = None

    # --- told by the engine

    def finish(self, result: Any) -> None:
        """End with what the function returned; who awaits a coroutine of it tells the end by himself."""
        if iscoroutine(result):
            self.go_outside()
        else:
            self.end(result)

    @capture_errors
    def fail(self, error: BaseException, _result: Any = None) -> None:
        """End with the exception that the function has raised."""
        if self.claim_end():
            self.failed(error)

    def start_stream(self) -> Callable[[Any], None]:
        """Take note that the result comes piece by piece, in between other things; return what takes them."""
        self.go_outside()
        self._collected = []
        return lambda one: self._collected.append(to_json_value(one)) if self._collected is not None else None

    def finish_stream(self) -> None:
        """End: there are no more pieces."""
        self.end(self._pieces())

    def left(self, how: str) -> None:
        """End where it stands: a program that takes no more pieces has all that it wanted."""
        if self._collected is None:
            super().left(how)
        else:
            self.completed(self._pieces())

    def _pieces(self) -> Any:
        pieces, self._collected = self._collected or [], None
        are_texts = bool(pieces) and all(isinstance(one, str) for one in pieces)
        return "".join(pieces) if are_texts else pieces

    # --- how it differs from a framework's

    def tells(self, name: str, recorder: Recorder | None) -> bool:  # noqa: ARG002  a framework's does
        """Return False: each call of the function is one of its own."""
        return False

    def write_failed(self, failure: ErrorInfo, ended: str | None = None) -> None:
        """Write why it failed; the call waits again, for the program may try once more."""
        super().write_failed(failure, ended)
        if self._claimed is not None:
            self.recorder.conversations.tools.unclaim(self.session_id, self.run.name, self._claimed)

    def _call_event(self, identity: str | None) -> Event:
        event = super()._call_event(identity)
        event["actor"]["id"] = app_name()
        return event

    def measured(self, event: Event) -> Event:
        """Return an event with the time that the run has taken, as far as it is known."""
        if self.took is None:
            return super().measured(event)
        event["metrics"] = dict(self.took)
        event["extensions"].update(self.took)
        return event

    def write(self, event: Event) -> str:
        """Write an event; an id that we have made up, to tell calls apart, stays with us."""
        if self._is_nameless:
            event["extensions"].pop("tool_call_id", None)
        event_id = super().write(event)
        if event["action"] != "tool_call":
            self.ended_by = event_id
        return event_id


class _Plain:
    """What a framework would know of such tools, and a provider of their calls."""

    def tool_output(self, output: object) -> ToolOutput:
        return ToolOutput(None, output)

    def error_info(self, error: BaseException) -> ErrorInfo:
        kind = type(error)
        code = "timeout" if any("Timeout" in one.__name__ for one in kind.__mro__) else "api_error"
        if not isinstance(error, Exception):
            code = "cancelled"
        return ErrorInfo(text=str(error) or kind.__name__, type=kind.__name__, code=code)

    def interrupt(self, _error: BaseException) -> None:
        return None

    def http_response(self, _kwargs: Mapping[str, Any]) -> None:
        return None

    def stream_info(self, result: Any) -> StreamInfo | None:
        return StreamInfo() if isgenerator(result) or isasyncgen(result) else None


PLAIN: Any = _Plain()


def _distance_from(arguments: str) -> Callable[[str], int | None]:
    """Return how far a call's arguments are from these: 0 the same, 1 perhaps, None contradictory.

    A function may be given more than the model has said, or take it in another form.
    """
    ours = _value(arguments)

    def distance(text: str) -> int | None:
        theirs = _value(text)
        if theirs == ours:
            return 0
        if not isinstance(ours, dict) or not isinstance(theirs, dict):
            return 1
        if any(theirs[name] != ours[name] for name in theirs.keys() & ours.keys()):
            return None
        return int(not theirs or not theirs.keys() <= ours.keys())

    return distance


def _value(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
