"""Tickets: how the call of an SDK finds the model's run, in a framework above it, that it serves.

A run that starts leaves a ticket in a context variable. The first call of an SDK in that context, or in one
copied from it, takes it: both are then told by one group of events. A ticket is good once, and lapses when
its run speaks by other means, or ends. Contexts hold tickets weakly: nothing stays behind in them.
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
    """A model's run that an SDK may serve."""

    @property
    def is_waiting(self) -> bool:
        """Whether no call has taken it, and it has neither spoken nor ended."""

    @property
    def words(self) -> str | None:
        """What it asks the model."""

    @property
    def may_share_call(self) -> bool:
        """Whether one call may serve several such runs."""

    def served_by(self, call: Call) -> Call:
        """Be told by the SDK's call, which asks in its stead; return what the engine is to tell of it."""

    def give_way(self) -> None:
        """Be told by the call that serves another."""


class PendingRuns:
    """Where the tickets of a start will lie, once it has happened; it lives as long as they are good."""

    __slots__ = ("__weakref__", "tickets")

    def __init__(self) -> None:
        self.tickets: list[CallCorrelation] = []


Slots = tuple[weakref.ref[PendingRuns], ...]
pending_runs: ContextVar[Slots] = ContextVar("hilt_slots", default=())


def open_pending_runs() -> PendingRuns:
    """Make a slot in the context of the caller: a start that is awaited may happen in a task of its own."""
    slot = PendingRuns()
    pending_runs.set((*(known for known in pending_runs.get() if known() is not None), weakref.ref(slot)))
    return slot


def claim_run(prompt: Request, slots: Slots) -> CallCorrelation | None:
    """Return whom a call serves, of those who wait in these slots.

    Of several that wait the one that asks the same is meant, else the newest: a model may call another.
    """
    if prompt.operation.is_embedding or prompt.operation.kind != "call":
        return None
    known = [slot.tickets for reference in slots if (slot := reference()) is not None]
    good = [ticket for tickets in known for ticket in tickets if ticket.is_waiting]
    if len(good) < 2:  # noqa: PLR2004  there is nothing to choose
        return good[0] if good else None
    asked = {text_of(message) for message in prompt.messages}
    same = [ticket for ticket in good if ticket.words in asked]
    if len(same) > 1 and all(ticket.may_share_call for ticket in same):
        return SharedRun(same)
    return (same or good)[-1]


class SharedRun:
    """Several runs that one call serves; it bears the ids of the first."""

    is_waiting = may_share_call = True
    words = None

    def __init__(self, tickets: list[CallCorrelation]) -> None:
        self._tickets = tickets

    def served_by(self, call: Call) -> Call:
        """Be told by this call."""
        first, *others = self._tickets
        told = first.served_by(call)
        for ticket in others:
            ticket.give_way()
        return told

    def give_way(self) -> None:
        """Be told by the call of another."""
        for ticket in self._tickets:
            ticket.give_way()
