"""The runs of a framework while they are under way: what all kinds share, and chains."""

from __future__ import annotations

import weakref
from asyncio import CancelledError
from typing import TYPE_CHECKING, Any

from hilt_autolog.clock import Clock
from hilt_autolog.contracts.model import ErrorInfo
from hilt_autolog.format import session_id_of
from hilt_autolog.internal_errors import capture_errors, try_call
from hilt_autolog.log.json_values import to_json_value
from hilt_autolog.recording.context import current_position, tags_with
from hilt_autolog.recording.conversations import new_session_id
from hilt_autolog.recording.events import Event, blank, linked

if TYPE_CHECKING:
    from hilt_autolog.contracts.framework import Framework, Interrupt, Run
    from hilt_autolog.recording.call import Call
    from hilt_autolog.recording.conversations import ConversationPosition
    from hilt_autolog.recording.events import Event


_FIELDS = (
    *("hilt_version", "event_id", "timestamp", "session_id", "actor", "action"),
    *("content", "metrics", "provenance", "extensions"),
)


class Trace:
    """What all runs below one root share: a session for what nothing else places, and the newest prompt."""

    __slots__ = ("prompt_id", "session_id")

    def __init__(self) -> None:
        self.session_id = new_session_id()
        self.prompt_id: str | None = None

    def asked(self, call: Call) -> None:
        """Take note of a call's prompt: what comes next in this trace belongs to its conversation."""
        self.session_id, self.prompt_id = call.place.session_id, call.prompt_id


class ActiveRun:
    """A run under way: started, perhaps heard in between, ended once by the first of end, fail and cut."""

    __slots__ = (
        "__weakref__",
        "_handle",
        "_open",
        "begun",
        "event_id",
        "framework",
        "is_paused",
        "latest",
        "name",
        "parent",
        "recorder",
        "run",
        "session_id",
        "tags",
        "trace",
    )

    def __init__(self, recorder: Any, framework: Framework, run: Run, parent: ActiveRun | None) -> None:
        self.recorder = recorder
        self.framework = framework
        self.run = run
        self.parent = parent
        self.trace: Trace = Trace() if parent is None else parent.trace
        run.provenance = to_json_value(run.provenance)
        if run.conversation is None and parent is not None:
            run.conversation = parent.run.conversation
        self.name: str | None = recorder.conversations.named(run.conversation)
        self.session_id = self.trace.session_id if self.name is None else session_id_of(self.name)
        self.is_paused = False  # a step of it waits, and it comes to its end without a word of that
        self.latest: ConversationPosition | None = (
            None  # where the newest call of a model stands, in it or below
        )
        self.event_id: str | None = None  # what replies to this run refers to
        self.tags = tags_with(recorder.tags)
        self.begun = Clock.monotonic()
        self._open = ["open"]  # pop() is atomic, as in a call
        self._handle: Any = None

    def watch(self, *, is_async: bool) -> None:
        """End the run when its handle dies first: nobody is left then who could tell of its end.

        What is awaited is dropped that way when it is cancelled.
        """
        how = "cancelled" if is_async else "dropped"
        self._handle = weakref.ref(self.run.handle, lambda _: self.abort(how))
        self.run.handle = None
        self.recorder.open[id(self)] = self
        self.recorder.runs[self.run.id] = self

    def place(self) -> str:
        """Return the session of what is written now: a trace finds its conversation as it goes on."""
        if self.name is None:
            self.session_id = self.trace.session_id
        return self.session_id

    def asked(self, call: Call) -> None:
        """Take note that a model was asked, in this run and all those above it."""
        self.trace.asked(call)
        run: ActiveRun | None = self
        while run is not None:
            run.latest, run = call.place, run.parent

    def _stand(self) -> None:
        """Let the caller of the run stand at its latest call: steps run in contexts of their own."""
        if self.latest is not None:
            current_position.set(self.latest)

    # --- what is told of it

    def start(self, *, is_served: bool) -> None:
        """Write what there is to say at the start; `is_served` if the SDK that it calls will say it."""

    def add(self, chunk: Any) -> None:
        """Take what a model says."""

    @capture_errors
    def end(self, result: Any) -> None:
        """End with a result."""
        if self.claim_end():
            self._stand()
            self.completed(result)

    @capture_errors
    def fail(self, error: BaseException) -> None:
        """End with an exception, or at a pause."""
        if self.claim_end():
            self._stand()
            self.failed(error)

    @capture_errors
    def abort(self, how: str) -> None:
        """End where it stands: cancelled, dropped or exit."""
        if self.claim_end():
            self.left(how)

    def discard(self) -> None:
        """Forget the run without a word: it is another process's."""
        self._open.clear()
        self._handle = None

    def claim_end(self) -> bool:
        """End the run; False if it has ended before."""
        try:
            self._open.pop()
        except IndexError:
            return False
        self._handle = None
        self.recorder.open.pop(id(self), None)
        self.recorder.runs.pop(self.run.id, None)
        return True

    # --- ends, by the kind of run

    def completed(self, result: Any) -> None:
        """Write the end of a run that has a result."""

    def failed(self, error: BaseException) -> None:
        """Write the end of a run that an exception has ended, or only interrupted."""
        pause = try_call(self.framework.interrupt, error)
        if pause is not None:
            self.write_paused(pause)
        else:
            self.write_failed(self.error_info(error))

    def left(self, how: str) -> None:
        """Write the end of a run whose end nobody tells."""
        self.write_failed(self.error_info(CancelledError()), ended=how)

    def error_info(self, error: BaseException) -> ErrorInfo:
        """Read an exception."""
        kind = type(error).__name__
        failure = try_call(self.framework.error_info, error)
        return failure or ErrorInfo(text=str(error) or kind, type=kind, code="api_error")

    # --- events

    def write_paused(self, pause: Interrupt) -> None:
        """Write that the run waits for a human, and what it asks."""
        event = boundary(self.place(), self.run, pause.status, self.event_id)
        if pause.values:
            parts = [{"type": "interrupt", "content": to_json_value(question)} for question in pause.values]
            event["content"]["messages"] = [{"role": "assistant", "parts": parts}]
        if self.parent is not None and self.run.step != self.parent.run.step and pause.status == "paused":
            self.parent.is_paused = True  # a graph; within a step, somebody may have made up for it
        self.write(self.measured(event))

    def write_failed(self, failure: ErrorInfo, ended: str | None = None) -> None:
        """Write why the run failed."""
        event = failed(self.place(), self.run, failure, self.event_id)
        if ended is not None:
            event["extensions"]["ended"] = ended
        self.write(self.measured(event))

    def measured(self, event: Event) -> Event:
        """Return an event with the time that the run has taken."""
        took = round((Clock.monotonic() - self.begun) * 1000)
        event["metrics"], event["extensions"]["latency_ms"] = {"latency_ms": took}, took
        return event

    def write(self, event: Event) -> str:
        """Write an event of this run, and return its id."""
        extensions = event["extensions"]
        if self.name is not None:
            extensions["conversation"] = self.name
        if self.tags:
            extensions["tags"] = self.tags
        self.recorder.write({name: event[name] for name in _FIELDS if event.get(name)})
        return event["event_id"]  # type: ignore[no-any-return]


class ChainRun(ActiveRun):
    """A chain, a graph, or a step of one."""

    __slots__ = ()

    def start(self, *, is_served: bool) -> None:  # noqa: ARG002  concerns models only
        """Write that it has started."""
        above = None if self.parent is None else self.parent.event_id
        self.event_id = self.write(boundary(self.place(), self.run, "started", above))

    def completed(self, result: Any) -> None:  # noqa: ARG002  what came out is in the events of its steps
        """Write that it has come to its end, or waits for a human."""
        word = "paused" if self.is_paused else "completed"
        self.write(self.measured(boundary(self.place(), self.run, word, self.event_id)))

    def write_failed(self, failure: ErrorInfo, ended: str | None = None) -> None:
        """Write that it has failed; the words of the error stand beside the word `failed`."""
        event = boundary(self.place(), self.run, "failed", self.event_id)
        event["content"]["messages"] = [
            {"role": "system", "parts": [{"type": "error", "content": failure.text}]}
        ]
        event["extensions"].update(because(failure))
        if ended is not None:
            event["extensions"]["ended"] = ended
        self.write(self.measured(event))


def boundary(session_id: str, run: Run, word: str, reply_to: str | None) -> Event:
    """Return the event of a run's start or end: `word` is started, completed, paused or failed."""
    event = blank("system", session_id, "system", run.name)
    event["content"] = {"text": word}
    event["provenance"] = dict(run.provenance)
    event["extensions"] = linked(reply_to)
    return event


def failed(session_id: str, run: Run, failure: ErrorInfo, reply_to: str | None) -> Event:
    """Return the event of an exception in a tool or a retriever."""
    event = boundary(session_id, run, failure.text, reply_to)
    event["extensions"].update(because(failure))
    if run.tool is not None:
        event["extensions"].update(linked(None, tool_call_id=run.tool.id, tool=run.tool.name))
    return event


def because(failure: ErrorInfo) -> dict[str, Any]:
    """Return what extensions say of a failure."""
    return linked(
        None,
        status_code=failure.status,
        error_type=failure.type,
        error_code=failure.code,
        retry_after=failure.retry_after,
    )
