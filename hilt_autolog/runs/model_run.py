"""A model's run in a framework: recorded from an instrumented SDK's call, else from the framework's data.

When the run starts, it is unknown which of the two will happen, but the prompt must be on disk before the
request is sent. Therefore: if the model's class is known to call an instrumented SDK, the SDK's call is
expected to write the prompt, with the exact request. The prompt of any other model is written at once. A
wrong guess only makes the events less exact: an unexpected call continues with the prompt that is written,
and a run that streams or ends without a call (an answer from a cache) is written from the framework's data.
"""

from __future__ import annotations

from asyncio import CancelledError
from typing import TYPE_CHECKING, Any, cast

from hilt_autolog.contracts.model import text_of
from hilt_autolog.internal_errors import capture_errors
from hilt_autolog.recording.call import Call

from .active_run import ActiveRun

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.framework import Framework, Run
    from hilt_autolog.contracts.model import Request
    from hilt_autolog.contracts.provider import Provider
    from hilt_autolog.recording.correlation import PendingRuns
    from hilt_autolog.recording.recorder import Recorder


class ModelRun(ActiveRun):
    """A call of a model; also the run that an SDK's call may serve (`CallCorrelation`)."""

    __slots__ = ("_add", "_call", "_is_served", "_pending", "_waiting", "prompt_text")

    def __init__(self, recorder: Recorder, framework: Framework, run: Run, parent: ActiveRun | None) -> None:
        super().__init__(recorder, framework, run, parent)
        self._call: Call | None = None  # a call that is recorded from the framework's data
        self._is_served = False  # an SDK's call records the run
        self._pending: PendingRuns | None = None  # a reference that keeps the run claimable
        self._add: Callable[[Any], None] | None = None  # takes the chunks of `_call`
        self._waiting = ["for a call"]  # pop() is atomic: the call that gets the item serves the run
        messages = self._request.messages
        self.prompt_text = text_of(messages[-1]) if messages else None

    @property
    def _request(self) -> Request:
        if self.run.request is None:
            raise TypeError("the run of a model has a request")
        return self.run.request

    @property
    def is_waiting(self) -> bool:
        """Whether no call is attached, and the run has neither produced output nor ended."""
        return bool(self._waiting)

    @property
    def may_share_call(self) -> bool:
        """Whether one call may serve several such runs."""
        return self.run.may_share_call

    # --- recorded by an SDK

    def offer(self, pending: PendingRuns) -> None:
        """Add the run to those that an SDK's call can claim."""
        pending.runs.append(self)
        self._pending = pending

    def attach_call(self, call: Call) -> Call:
        """Make this call write the run: all of it, or only the end if the prompt is written."""
        try:
            item = self._waiting.pop()
        except IndexError:  # another call was faster
            call.start()
            return call
        call.record_in(self.recorder)  # the program's handler may have its own log
        try:
            self._complete_request(call.request)
            if self._call is not None and self._call.claim_end():
                call.take_over(self._call)
            else:
                call.start()
        except Exception:
            self._waiting.append(item)
            raise
        self._is_served = True
        self.record_call(call)
        return call

    def detach(self) -> None:
        """Stop waiting: another run's call records this one, too, unless its prompt is written."""
        self._waiting.clear()
        self._is_served = self._call is None

    # --- recorded by the framework

    def start(self, *, is_recorded_by_sdk: bool) -> None:
        """Write the prompt, unless the SDK's call is expected to write it."""
        if not is_recorded_by_sdk:
            self._start_call()

    def add(self, chunk: Any) -> None:
        """Read a chunk of the answer."""
        self._waiting.clear()
        if self._is_served:
            return
        if self._add is None:
            self._add = self._start_call().start_stream()
        self._add(chunk)

    @capture_errors
    def write_end(self, result: Any) -> None:
        """Write the answer."""
        if not self._is_served:
            self._start_call().finish(result)

    @capture_errors
    def write_failure(self, error: BaseException) -> None:
        """Write the error; GeneratorExit means that the program stopped reading the stream."""
        if self._is_served:
            return
        if isinstance(error, GeneratorExit):
            self._start_call().abort("closed")
        else:
            self._start_call().fail(error)

    @capture_errors
    def write_abort(self, reason: str) -> None:
        """Write the end of a run without a callback."""
        if self._is_served:
            return
        if reason == "cancelled":
            self._start_call().fail(CancelledError())
        else:
            self._start_call().abort(reason)

    def claim_end(self) -> bool:
        """End it; no call can be attached any more."""
        self._waiting.clear()
        return super().claim_end()

    def discard(self) -> None:
        """End it without an event, because it belongs to another process."""
        super().discard()
        self._waiting.clear()
        self._is_served = True

    def _start_call(self) -> Call:
        if self._call is None:
            self._complete_request(self._request)
            # Without HTTP, a call needs a provider only to read answers and exceptions: a framework can.
            self._call = Call(self.recorder, cast("Provider", self.framework), self._request)
            self._call.start()
            self.record_call(self._call)
        return self._call

    def _complete_request(self, request: Request) -> None:
        request.provenance = self.run.provenance
        request.fallback_session_id = self.trace.session_id
        if self.run.conversation is not None:
            request.conversation = self.run.conversation
