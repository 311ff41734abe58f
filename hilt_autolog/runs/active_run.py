"""The open runs of a framework: what all kinds have in common, and chains."""

from __future__ import annotations

import weakref
from asyncio import CancelledError
from typing import TYPE_CHECKING, Any

from hilt_autolog.clock import Clock, random_hex
from hilt_autolog.contracts.model import ErrorInfo
from hilt_autolog.internal_errors import capture_errors, try_call
from hilt_autolog.log.json_values import to_json_value
from hilt_autolog.recording.activity import Activity
from hilt_autolog.recording.conversations import current_position
from hilt_autolog.recording.events import extensions_of, new_event

if TYPE_CHECKING:
    from hilt_autolog.contracts.framework import Framework, Interrupt, Run
    from hilt_autolog.contracts.types import EventDict, Extensions, JsonObject, Part
    from hilt_autolog.recording.call import Call
    from hilt_autolog.recording.conversations import ConversationPosition
    from hilt_autolog.recording.recorder import Recorder


class Trace:
    """Shared by all runs below one root: the latest prompt, and the session of events in no conversation."""

    __slots__ = ("prompt_id", "session_id")

    def __init__(self) -> None:
        self.session_id = f"conv_{random_hex(96)}"
        self.prompt_id: str | None = None


class ActiveRun(Activity):
    """A run in progress: it starts, may stream, and ends once by end, fail or abort.

    Args:
        recorder: writes its events.
        framework: reads the arguments of the callbacks.
        run: the framework's data at the start.
        parent: the run of which it is a step, if that is open.
    """

    __slots__ = (
        "__weakref__",
        "_handle",
        "event_id",
        "framework",
        "is_paused",
        "latest_position",
        "parent",
        "position",
        "run",
        "started",
        "trace",
    )

    recorder: Recorder

    def __init__(self, recorder: Recorder, framework: Framework, run: Run, parent: ActiveRun | None) -> None:
        super().__init__(recorder)
        self.framework = framework
        self.run = run
        self.parent = parent
        self.trace: Trace = Trace() if parent is None else parent.trace
        run.provenance = _as_json(run.provenance)
        if run.conversation is None and parent is not None:
            run.conversation = parent.run.conversation
        self.position = recorder.conversations.position_of_run(run.conversation, self.trace.session_id)
        self.latest_position: ConversationPosition | None = None  # of the latest call in it or its steps
        self.is_paused = False  # a step of it waits for a human
        self.event_id: str | None = None  # the event that its other events reply to
        self.started = Clock.monotonic()
        self._handle: weakref.ref[Any] | None = None

    def open_with(self, *, is_async: bool) -> None:
        """Register the run, and abort it if its handle is garbage collected: no callback can end it then.

        Args:
            is_async: whether it is awaited: then its handle is dropped because its task was cancelled.
        """
        reason = "cancelled" if is_async else "dropped"
        self._handle = weakref.ref(self.run.handle, lambda _: self.abort(reason))
        self.run.handle = None
        self.recorder.open_activities[id(self)] = self
        self.recorder.runs[self.run.id] = self

    def session_id(self) -> str:
        """Return the session for the next event; that of a trace may change."""
        if self.position.name is None:
            self.position.session_id = self.trace.session_id
        return self.position.session_id

    def record_call(self, call: Call) -> None:
        """Make later events of the trace belong to the conversation of a model's call in this run."""
        self.trace.session_id, self.trace.prompt_id = call.position.session_id, call.prompt_id
        run: ActiveRun | None = self
        while run is not None:
            run.latest_position, run = call.position, run.parent

    # --- callbacks

    def start(self, *, is_recorded_by_sdk: bool) -> None:
        """Write the event of the start.

        Args:
            is_recorded_by_sdk: whether the SDK's call is expected to record this run of a model.
        """

    def add(self, chunk: Any) -> None:
        """Read a chunk of a model's answer."""

    @capture_errors
    def end(self, result: Any) -> None:
        """End with a result."""
        if self.claim_end():
            if self.latest_position is not None:  # the steps of a run have contexts of their own
                current_position.set(self.latest_position)
            self.write_end(result)

    @capture_errors
    def fail(self, error: BaseException, result: Any = None) -> None:  # noqa: ARG002  calls only
        """End with an exception, which may be an interrupt."""
        if self.claim_end():
            if self.latest_position is not None:
                current_position.set(self.latest_position)
            self.write_failure(error)

    @capture_errors
    def abort(self, reason: str) -> None:
        """End without a callback; `reason` is cancelled, dropped or exit."""
        if self.claim_end():
            self.write_abort(reason)

    def discard(self) -> None:
        """End it without an event, because it belongs to another process."""
        super().discard()
        self._handle = None

    def claim_end(self) -> bool:
        """End it; False if it has ended before."""
        is_first = super().claim_end()
        if is_first:
            self._handle = None
            self.recorder.runs.pop(self.run.id, None)
        return is_first

    # --- the events of the end, by the kind of run

    def write_end(self, result: Any) -> None:
        """Write the end of a run with a result."""

    def write_failure(self, error: BaseException) -> None:
        """Write the end of a run with an exception, which may be an interrupt."""
        interrupt = try_call(self.framework.interrupt, error)
        if interrupt is not None:
            self.write_interrupt(interrupt)
        else:
            self.write_error(self.error_info(error))

    def write_abort(self, reason: str) -> None:
        """Write the end of a run without a callback."""
        self.write_error(self.error_info(CancelledError()), ended=reason)

    def write_interrupt(self, interrupt: Interrupt) -> None:
        """Write that the run waits for a human, and the questions to that person."""
        event = self.status_event(interrupt.status, self.event_id)
        if interrupt.values:
            parts: list[Part] = [
                {"type": "interrupt", "content": to_json_value(value)} for value in interrupt.values
            ]
            event["content"]["messages"] = [{"role": "assistant", "parts": parts}]
        parent = self.parent
        # A run inside a step does not pause its parent: the program may catch the interrupt in that step.
        if interrupt.status == "paused" and parent is not None and self.run.step != parent.run.step:
            parent.is_paused = True
        self.emit(self.with_latency(event))

    def write_error(self, error_info: ErrorInfo, ended: str | None = None) -> None:
        """Write why the run failed; `ended` is the reason of an abort."""
        event = self.status_event(error_info.text, self.event_id)
        event["extensions"].update(error_extensions(error_info))
        if self.run.tool is not None:
            event["extensions"].update(
                extensions_of(None, tool_call_id=self.run.tool.id, tool=self.run.tool.name)
            )
        if ended is not None:
            event["extensions"]["ended"] = ended
        self.emit(self.with_latency(event))

    def error_info(self, error: BaseException) -> ErrorInfo:
        """Read an exception."""
        name = type(error).__name__
        error_info: ErrorInfo | None = try_call(self.framework.error_info, error)
        return error_info or ErrorInfo(text=str(error) or name, type=name, code="api_error")

    # --- events

    def status_event(self, text: str, reply_to: str | None) -> EventDict:
        """Return a `system` event of the run: started, completed, paused, failed, or an error's text."""
        event = new_event("system", self.session_id(), "system", self.run.name)
        event["content"] = {"text": text}
        event["extensions"] = extensions_of(reply_to)
        return event

    def with_latency(self, event: EventDict) -> EventDict:
        """Return an event with the time since the start of the run."""
        latency = self.latency_ms()
        if latency is not None:
            event["metrics"], event["extensions"]["latency_ms"] = {"latency_ms": latency}, latency
        return event

    def latency_ms(self) -> int | None:
        """Return the milliseconds since the start of the run; None if they are unknown."""
        return round((Clock.monotonic() - self.started) * 1000)

    def emit(self, event: EventDict) -> str:
        """Write an event with the run's provenance, its fields in the order of the format; return its id."""
        metrics, extensions = event.pop("metrics", None), event.pop("extensions")
        if metrics:
            event["metrics"] = metrics
        if self.run.provenance:
            event["provenance"] = {**event.pop("provenance", {}), **self.run.provenance}  # type: ignore[typeddict-item]  # the framework's own key
        if extensions:
            event["extensions"] = extensions
        return self.recorder.emit(event, self.position)


class ChainRun(ActiveRun):
    """A chain, a graph, or a step of one."""

    __slots__ = ()

    def start(self, *, is_recorded_by_sdk: bool) -> None:  # noqa: ARG002  models only
        """Write that it has started."""
        parent_event = None if self.parent is None else self.parent.event_id
        self.event_id = self.emit(self.status_event("started", parent_event))

    def write_end(self, result: Any) -> None:  # noqa: ARG002  the result is in the events of its steps
        """Write that it has completed, or waits for a human."""
        status = "paused" if self.is_paused else "completed"
        self.emit(self.with_latency(self.status_event(status, self.event_id)))

    def write_error(self, error_info: ErrorInfo, ended: str | None = None) -> None:
        """Write that it has failed; the error's text is in a message."""
        event = self.status_event("failed", self.event_id)
        parts: list[Part] = [{"type": "error", "content": error_info.text}]
        event["content"]["messages"] = [{"role": "system", "parts": parts}]
        event["extensions"].update(error_extensions(error_info))
        if ended is not None:
            event["extensions"]["ended"] = ended
        self.emit(self.with_latency(event))


def _as_json(provenance: JsonObject) -> JsonObject:
    """Return a copy of a run's provenance as JSON; the usual one with texts only takes a fast path."""
    copy: JsonObject = {}
    for name, values in provenance.items():
        if type(values) is not dict:
            return to_json_value(provenance)  # type: ignore[no-any-return]  # of a dict it is one
        for value in values.values():
            if type(value) is not str:
                return to_json_value(provenance)  # type: ignore[no-any-return]  # as above
        copy[name] = values.copy()
    return copy


def error_extensions(error_info: ErrorInfo) -> Extensions:
    """Return the extensions that describe an error."""
    return extensions_of(
        None,
        status_code=error_info.status,
        error_type=error_info.type,
        error_code=error_info.code,
        retry_after=error_info.retry_after,
    )
