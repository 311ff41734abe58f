"""A call that a program logs by a helper of `integrations`, into its own session and with its own names.

If the SDK is recorded as well, both are one call, and nothing is logged twice: the helper's call is offered
as a run, the SDK's call is attached to it, and the instrumentation reports to the helper's call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from hilt_autolog.contracts.model import text_of

from .call import Call
from .context import conversation
from .correlation import open_pending_runs
from .events import retrieval_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.model import Request, Response
    from hilt_autolog.contracts.provider import Provider
    from hilt_autolog.contracts.types import EventDict, JsonMapping, JsonObject

    from .correlation import PendingRuns
    from .recorder import Recorder

_OK = 200
_FIELDS = (
    *("hilt_version", "event_id", "timestamp", "session_id", "actor", "action"),
    *("content", "metrics", "provenance", "extensions", "billing"),
)


class ManualCallOptions(NamedTuple):
    """The program's choices for the events of a call."""

    conversation: str
    user: str = "user"
    assistant: str | None = None  # the id of the agent; None: the model
    metrics: JsonMapping | None = None  # of the answer; None: they are measured
    retrieval_ms: int | None = None  # how long the search for its documents took


class ManualCall(Call):
    """A call of a helper; also the run that an SDK's call may serve (`CallCorrelation`)."""

    __slots__ = ("_options", "_pending", "prompt_text")

    def __init__(
        self, recorder: Recorder, provider: Provider, request: Request, options: ManualCallOptions
    ) -> None:
        super().__init__(recorder, provider, request)
        self._options = options
        self._pending: PendingRuns | None = None
        self.prompt_text = text_of(request.messages[-1]) if request.messages else None

    def start(self) -> None:
        """Write the prompt, in the conversation that the helper names."""
        with conversation(self._options.conversation):
            super().start()

    def record(self, response: Response) -> None:
        """Write all events of a call that has ended already."""
        self.start()
        self.claim_end()
        for rank, document in enumerate(response.documents, 1):  # before the answer, which was made from them
            event = retrieval_event(self.position.session_id, document, rank, self.prompt_id)
            self.recorder.emit(event, self.position, skip_stat=True)
        response.documents = ()
        self.write_response(response)

    # --- as a run that an SDK's call may serve

    may_share_call = False

    def offer(self) -> None:
        """Wait for the call of an SDK; there need not be one."""
        self._pending = open_pending_runs()
        self._pending.runs.append(self)

    @property
    def is_waiting(self) -> bool:
        """Whether no call is attached, and this one has neither been answered nor ended."""
        return self._pending is not None

    def attach_call(self, call: Call) -> Call:
        """Make the instrumentation report to this call instead of the SDK's."""
        self.detach()
        own, attached = self.request, call.request
        own.operation, own.provider = attached.operation, attached.provider
        own.sdk, own.server = attached.sdk, attached.server
        self.provider = call.provider
        return self

    def detach(self) -> None:
        """Stop waiting for an SDK's call."""
        self._pending = None

    def claim_end(self) -> bool:
        """End it; no call can be attached any more."""
        self._pending = None
        return super().claim_end()

    # --- differences of its events

    def start_stream(self) -> Callable[[Any], None]:
        """Prepare for an answer in chunks; the attached call may have started the stream before."""
        self._pending = None
        if self._chunks is not None or not self._open:
            return lambda _chunk: None
        return self._start_stream(self._options.assistant or self.request.model or self.request.provider)

    def adapt(self, event: EventDict) -> EventDict:
        """Return an event with the program's names and metrics."""
        options, actor, extensions = self._options, event["actor"], event["extensions"]
        if actor["type"] == "human":
            actor["id"] = options.user
        elif actor["type"] == "agent" and options.assistant:
            actor["id"] = options.assistant
        if event["action"] == "completion" and "partial" not in extensions:
            extensions.setdefault("status_code", _OK)  # an SDK that returns a value has received no other
        if options.metrics is not None:
            event = _with_metrics(event, options)
        return event


def _with_metrics(event: EventDict, options: ManualCallOptions) -> EventDict:
    """Return an event with the program's metrics in place of the measured ones."""
    values: JsonMapping = {}
    if event["action"] == "completion":
        values = options.metrics or {}
    elif event["action"] == "retrieval" and options.retrieval_ms is not None:
        values = {"latency_ms": options.retrieval_ms}
    metrics = cast("JsonObject", event.get("metrics", {}))
    extensions = cast("JsonObject", event["extensions"])
    for holder in (metrics, extensions):
        holder.pop("latency_ms", None)
    metrics.update(values)
    if "latency_ms" in metrics:
        extensions["latency_ms"] = metrics["latency_ms"]
    fields: JsonObject = {**event, "metrics": metrics}
    return cast(
        "EventDict", {name: fields[name] for name in _FIELDS if fields.get(name) or name == "extensions"}
    )
