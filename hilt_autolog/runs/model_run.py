"""A model's run in a framework: told by the SDK below it where we watch that, else by the framework.

Which of the two it will be cannot be known when it starts, and its prompt must be on disk before the
request leaves. So: where the model is known to be called by an SDK that we watch, the SDK's call is left to
write the prompt, with the exact request. Any other model's prompt is written at once. A wrong guess costs
nothing but exactness: a call that comes unexpectedly goes on with the prompt that is there, and a run that
speaks or ends without a call (an answer from a cache, say) is written from the framework's data.
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


class ModelRun(ActiveRun):
    """A call of a model; also the ticket that an SDK's call takes."""

    __slots__ = ("_call", "_is_served", "_slot", "_take", "_waiting", "words")

    def __init__(self, recorder: Any, framework: Framework, run: Run, parent: ActiveRun | None) -> None:
        super().__init__(recorder, framework, run, parent)
        self._call: Call | None = None  # our own, if no SDK's call serves the run
        self._is_served = False
        self._slot: PendingRuns | None = None
        self._take: Callable[[Any], None] | None = None  # our call's, once it streams
        self._waiting = ["for a call"]  # pop() is atomic: whoever gets the item serves the run
        messages = self._prompt.messages
        self.words = text_of(messages[-1]) if messages else None

    @property
    def _prompt(self) -> Request:
        if self.run.request is None:
            raise TypeError("a model's run has a prompt")
        return self.run.request

    @property
    def is_waiting(self) -> bool:
        """Whether no call has taken the ticket, and the run has neither spoken nor ended."""
        return bool(self._waiting)

    @property
    def may_share_call(self) -> bool:
        """Whether one call may serve several such runs."""
        return self.run.may_share_call

    # --- told by an SDK

    def leave_ticket(self, slot: PendingRuns) -> None:
        """Be found by the calls of SDKs that look into this slot."""
        slot.tickets.append(self)
        self._slot = slot

    def served_by(self, call: Call) -> Call:
        """Let this call write what there is to write: all of it, or the end of what we have begun."""
        try:
            ticket = self._waiting.pop()
        except IndexError:  # another call was faster
            call.start()
            return call
        call.recorder = self.recorder  # a listener of the program's may have a log of its own
        try:
            self._place(call.request)
            self._hand_over(call)
        except Exception:
            self._waiting.append(ticket)
            raise
        self._is_served = True
        self.asked(call)
        return call

    def _hand_over(self, call: Call) -> None:
        if self._call is not None and self._call.claim_end():
            call.take_over(self._call)
        else:
            call.start()

    def give_way(self) -> None:
        """Leave the run to a call that serves another run, unless its prompt is written already."""
        self._waiting.clear()
        self._is_served = self._call is None

    # --- told by the framework

    def start(self, *, is_served: bool) -> None:
        """Ask, unless the SDK's call will."""
        if not is_served:
            self._ask()

    def add(self, chunk: Any) -> None:
        """Take a chunk of the answer."""
        self._waiting.clear()
        if self._is_served:
            return
        if self._take is None:
            self._take = self._ask().start_stream()
        self._take(chunk)

    @capture_errors
    def completed(self, result: Any) -> None:
        """End with the answer."""
        if not self._is_served:
            self._ask().finish(result)

    @capture_errors
    def failed(self, error: BaseException) -> None:
        """End with an exception; who stops listening to a stream closes it."""
        if self._is_served:
            return
        if isinstance(error, GeneratorExit):
            self._ask().abort("closed")
        else:
            self._ask().fail(error)

    @capture_errors
    def left(self, how: str) -> None:
        """End where it stands."""
        if self._is_served:
            return
        if how == "cancelled":
            self._ask().fail(CancelledError())
        else:
            self._ask().abort(how)

    def claim_end(self) -> bool:
        """End the run, which no call may serve any more."""
        self._waiting.clear()
        return super().claim_end()

    def discard(self) -> None:
        """Forget the run."""
        super().discard()
        self._waiting.clear()
        self._is_served = True

    def _ask(self) -> Call:
        if self._call is None:
            self._place(self._prompt)
            # A call without HTTP asks no more of a provider than to read answers and exceptions.
            self._call = Call(self.recorder, cast("Provider", self.framework), self._prompt)
            self._call.start()
            self.asked(self._call)
        return self._call

    def _place(self, prompt: Request) -> None:
        prompt.provenance = self.run.provenance
        prompt.fallback_session_id = self.trace.session_id
        if self.run.conversation is not None:
            prompt.conversation = self.run.conversation
