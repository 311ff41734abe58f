"""What the provider file of a framework offers: the callbacks to wrap, and how to read their arguments.

A framework is a library above the SDKs: it calls models, tools and retrievers in chains, and reports the
start, the stream, the end and the failure of each of these runs to callback functions. These functions are
wrapped; no handler is added to the program's own. Their arguments become the plain data of `contracts.model`,
as with any provider.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .model import Document, ErrorInfo, HttpResponse, Request, Response, ToolCall
    from .provider import Coverage, PatchTarget
    from .types import JsonMapping, JsonObject

# The roles of a framework's functions:
# "start": a run starts, whose id and data are read from the arguments and the return value;
# "model start": the same, of a run that calls a model, perhaps through an SDK that is recorded itself;
# "chunk", "end", "error": a run streams, ends or fails; the data is read from the arguments alone;
# "scores": a search within a retriever returns the scores of its documents.
# A function of an "async" role is awaited; its return value is the result of that.
_START_ROLES = ("start", "async start", "model start", "async model start")
CALLBACK_ROLES = frozenset((*_START_ROLES, "chunk", "end", "error", "scores", "async scores"))


@dataclass(slots=True)
class Run:
    """One step of a framework: a call of a model or of a tool, a retrieval, or a chain of such steps.

    At most one of `request`, `tool` and `query` is set, and says which kind it is; a chain has none of them.
    """

    id: str
    handle: object  # the framework's object for this run; garbage collected without an end, it ends the run
    parent_id: str | None
    name: str
    provenance: JsonObject  # keys for the event's provenance: {"langchain": {...}}
    conversation: str | None = None
    step: str | None = None  # the node of a graph that this run is, or is within
    request: Request | None = None  # of a model
    sdk_packages: frozenset[str] = frozenset()  # the SDKs that this model's class calls, as far as known
    may_share_call: bool = False  # one call of an SDK may serve several such runs
    tool: ToolCall | None = None
    is_tool_call_id_final: bool = True  # False: `tool.id` is None because the id comes only at the end
    query: str | None = None  # of a retriever


class ToolOutput(NamedTuple):
    """The return value of a tool; `content` is anything that the tool may return."""

    tool_call_id: str | None
    content: object


class Interrupt(NamedTuple):
    """An exception that ends a run on purpose: to continue in another graph, or to wait for a human."""

    status: str  # the text of the run's last event: `completed` or `paused`
    values: Sequence[object] = ()  # the questions to the human


class Framework(Protocol):
    """What the provider file of a framework offers as `PROVIDER`."""

    @property
    def package(self) -> str:
        """The name under which the framework is imported."""

    @property
    def targets(self) -> tuple[PatchTarget, ...]:
        """The callback functions to wrap; their roles are `CALLBACK_ROLES`."""

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        """The operations that are recorded through them."""

    def new_runs(
        self, name: str, args: tuple[object, ...], kwargs: JsonMapping, result: object
    ) -> Sequence[Run]:
        """Return the runs that a call of the function `name`, of a "start" role, has started.

        Args:
            name: the function's name.
            args: its positional arguments, without `self`.
            kwargs: its keyword arguments.
            result: its return value.
        """

    def run_id(self, handle: Any) -> str:
        """Return the id of the run that `handle`, the `self` of a callback, belongs to."""

    def payload(self, args: tuple[object, ...], kwargs: JsonMapping) -> Any:
        """Return the chunk, result or exception among the arguments of a "chunk", "end" or "error" call."""

    def tool_output(self, result: object) -> ToolOutput:
        """Parse the return value of a tool."""

    def documents(self, result: object, scores: Mapping[int, float]) -> Sequence[Document]:
        """Parse the return value of a retriever.

        Args:
            result: its return value, a list of the framework's documents.
            scores: the scores that searches within it have returned, by the `id()` of the document.
        """

    def scores(self, result: object) -> Mapping[int, float]:
        """Return the scores in the return value of a "scores" function, by the `id()` of the document."""

    def response(self, request: Request, result: object, http: HttpResponse | None) -> Response:
        """Parse the result of a model's run."""

    def error_info(self, error: BaseException) -> ErrorInfo:
        """Parse an exception."""

    def interrupt(self, error: BaseException) -> Interrupt | None:
        """Return how this exception ends a run on purpose; None for a failure."""
