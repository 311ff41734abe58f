"""Match the call of an SDK with the run of a framework that makes it, so that both give one group of events.

When a model's run starts, it is added to a context variable. The first call of an SDK in that context, or in
a copy of it, is attached to the run. A run can be claimed once, and only until it ends or produces output
without an SDK's call. Contexts have weak references to runs, so that they do not keep them in memory.
"""

from __future__ import annotations

import weakref
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

from hilt_autolog.contracts.model import text_of

if TYPE_CHECKING:
    from hilt_autolog.contracts.model import Request

    from .call import Call


class CallCorrelation(Protocol):
    """A model's run that an SDK's call may serve."""

    @property
    def is_waiting(self) -> bool:
        """Whether no call is attached, and it has neither produced output nor ended."""

    @property
    def prompt_text(self) -> str | None:
        """The text of its newest message."""

    @property
    def may_share_call(self) -> bool:
        """Whether one call may serve several such runs."""

    def attach_call(self, call: Call) -> Call:
        """Let an SDK's call serve it; return the call to which the instrumentation reports."""

    def detach(self) -> None:
        """Stop waiting: the call that serves another run serves this one, too."""


class PendingRuns:
    """The runs of one start that can be claimed, as long as this object exists."""

    __slots__ = ("__weakref__", "runs")

    def __init__(self) -> None:
        self.runs: list[CallCorrelation] = []


References = tuple[weakref.ref[PendingRuns], ...]
pending_runs: ContextVar[References] = ContextVar("hilt_pending_runs", default=())


def open_pending_runs() -> PendingRuns:
    """Register an empty `PendingRuns` in the caller's context.

    This must happen before the runs start: a start that is awaited may run in another task, whose context
    variables the caller does not see.
    """
    pending = PendingRuns()
    alive = (reference for reference in pending_runs.get() if reference() is not None)
    pending_runs.set((*alive, weakref.ref(pending)))
    return pending


def claim_run(request: Request, references: References) -> CallCorrelation | None:
    """Return the run that a call serves, or None.

    Of several waiting runs it is the one with the same text, else the newest: a model may call another.
    """
    if request.operation.is_embedding or request.operation.kind != "call":
        return None
    offers = [pending.runs for reference in references if (pending := reference()) is not None]
    waiting = [run for runs in offers for run in runs if run.is_waiting]
    if len(waiting) < 2:  # noqa: PLR2004  there is no choice
        return waiting[0] if waiting else None
    texts = {text_of(message) for message in request.messages}
    same = [run for run in waiting if run.prompt_text in texts]
    if len(same) > 1 and all(run.may_share_call for run in same):
        return SharedRun(same)
    return (same or waiting)[-1]


class SharedRun:
    """Several runs that one call serves; its events have the ids of the first."""

    is_waiting = may_share_call = True
    prompt_text = None

    def __init__(self, runs: list[CallCorrelation]) -> None:
        self._runs = runs

    def attach_call(self, call: Call) -> Call:
        """Let an SDK's call serve all of them."""
        first, *others = self._runs
        observed = first.attach_call(call)
        for run in others:
            run.detach()
        return observed

    def detach(self) -> None:
        """Stop waiting: the call that serves another run serves these, too."""
        for run in self._runs:
            run.detach()
