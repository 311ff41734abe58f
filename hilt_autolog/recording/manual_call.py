"""A call that a program logs by a helper: into a session of its own, in words of its own.

Where the SDK below is recorded as well, the two are one: the helper's call is a ticket, which the SDK's call
takes, and the engine tells the helper's call what came over the wire. So nothing is logged twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from hilt_autolog.contracts.model import text_of

from .call import Call
from .context import conversation
from .correlation import open_pending_runs
from .events import retrieval_event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hilt_autolog.contracts.model import Request, Response
    from hilt_autolog.contracts.provider import Provider

    from .correlation import PendingRuns
    from .events import Event
    from .recorder import Recorder

_OK = 200
_FIELDS = (
    *("hilt_version", "event_id", "timestamp", "session_id", "actor", "action"),
    *("content", "metrics", "provenance", "extensions"),
)


class ManualCallOptions(NamedTuple):
    """How a program wants its call to be told."""

    conversation: str
    user: str = "user"
    assistant: str | None = None  # the model that answers, if nobody is named
    measured: Mapping[str, Any] | None = None  # metrics of the answer; None: we measure by ourselves
    searched_for: int | None = None  # milliseconds that its documents took


class ManualCall(Call):
    """A call of a helper's."""

    __slots__ = ("_how", "_slot", "words")

    def __init__(
        self, recorder: Recorder, provider: Provider, prompt: Request, how: ManualCallOptions
    ) -> None:
        super().__init__(recorder, provider, prompt)
        self._how = how
        self._slot: PendingRuns | None = None
        self.words = text_of(prompt.messages[-1]) if prompt.messages else None

    def start(self) -> None:
        """Write the prompt; what the helper names as the conversation wins."""
        with conversation(self._how.conversation):
            super().start()

    def tell(self, reply: Response) -> None:
        """Write the whole call at once: it has been made already."""
        self.start()
        self.claim_end()
        for rank, document in enumerate(reply.documents, 1):  # before the answer, which was made of them
            self._write(retrieval_event(self.place.session_id, document, rank, self.prompt_id))
        reply.documents = ()
        self.write_response(reply)

    # --- as a ticket

    may_share_call = False

    def offer(self) -> None:
        """Wait for the call of an SDK that is recorded; there need not be one."""
        self._slot = open_pending_runs()
        self._slot.tickets.append(self)

    @property
    def is_waiting(self) -> bool:
        """Whether no call has taken the ticket, and this one has neither been answered nor ended."""
        return self._slot is not None

    def served_by(self, call: Call) -> Call:
        """Let the engine tell this call what it would tell the SDK's."""
        self.give_way()
        ours, theirs = self.request, call.request
        ours.operation, ours.provider = theirs.operation, theirs.provider
        ours.sdk, ours.server = theirs.sdk, theirs.server
        self.provider = call.provider
        return self

    def give_way(self) -> None:
        """Wait no more."""
        self._slot = None

    def claim_end(self) -> bool:
        """End the call, which nothing may serve any more."""
        self._slot = None
        return super().claim_end()

    # --- as it is told

    def start_stream(self) -> Callable[[Any], None]:
        """Take note that the answer comes in chunks; the SDK below may have said so before."""
        self._slot = None
        if self._chunks is not None or not self._open:
            return lambda _chunk: None
        fold = self.request.operation.accumulator
        if fold is None or self._how.assistant is None:
            return super().start_stream()
        speaker = self._how.assistant
        self._chunks = self.recorder.chunks_of(fold(), self.place.session_id, speaker, self.prompt_id)
        return self._chunks.add

    def _write(self, event: Event, *, is_json: bool = False) -> str:
        how, actor, extensions = self._how, event["actor"], event["extensions"]
        if actor["type"] == "human":
            actor["id"] = how.user
        elif actor["type"] == "agent" and how.assistant:
            actor["id"] = how.assistant
        if event["action"] == "completion" and "partial" not in extensions:
            extensions.setdefault("status_code", _OK)  # an SDK that returns has been given no other
        if how.measured is not None:
            event = _measured(event, how)
        return super()._write(event, is_json=is_json)


def _measured(event: Event, how: ManualCallOptions) -> Event:
    """Put what the program has measured into an event, and take out what we have."""
    given: Mapping[str, Any] = {}
    if event["action"] == "completion":
        given = how.measured or {}
    elif event["action"] == "retrieval" and how.searched_for is not None:
        given = {"latency_ms": how.searched_for}
    metrics, extensions = event.get("metrics", {}), event["extensions"]
    for holder in (metrics, extensions):
        holder.pop("latency_ms", None)
    metrics.update(given)
    if "latency_ms" in metrics:
        extensions["latency_ms"] = metrics["latency_ms"]
    event["metrics"] = metrics
    return {name: event[name] for name in _FIELDS if event.get(name) or name == "extensions"}
