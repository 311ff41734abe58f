"""What a framework's provider file offers: which functions tell of its runs, and how to read them.

A framework is something above the SDKs: it calls models, tools and retrievers in chains, and tells its own
listeners when each of these runs starts, streams, ends or fails. We listen where it tells them, with none
of our listeners among theirs. What it says becomes facts, as with any provider.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .model import Document, ErrorInfo, HttpResponse, Request, Response, ToolCall
    from .provider import Coverage, PatchTarget

# What the functions of a framework tell: that a run starts, which `asks` a model or does not; that a model
# says something; how a run ends; and what a search in passing knows of the scores of documents. A start and
# a search tell it by what they return; of these, "async" are those that are awaited.
_STARTS = ("start", "async start", "asks", "async asks")
RUN_ROLES = frozenset((*_STARTS, "token", "end", "error", "scores", "async scores"))


@dataclass(slots=True)
class Run:
    """One step of a framework: a call of a model or of a tool, a retrieval, or a chain of such steps.

    Exactly one of `request`, `tool` and `query` says what it is; a chain has none of them.
    """

    id: str
    handle: Any  # the framework's object for this run: when it dies without an end, so does the run
    parent: str | None
    name: str
    origin: dict[str, Any]  # provenance.langchain and its like
    conversation: str | None = None
    step: str | None = None  # the step of a graph that this run is, or is within
    request: Request | None = None  # of a model
    through: frozenset[str] = frozenset()  # the SDKs by which this model is known to be called
    shares_calls: bool = False  # one call of an SDK may serve several such runs
    tool: ToolCall | None = None
    tells_call_id: bool = True  # whether a tool's call id is known now, if it has one, and not at its end
    query: str | None = None  # of a retriever


class ToolOutput(NamedTuple):
    """What a tool gave back; `content` is anything that the tool may return."""

    tool_call_id: str | None
    content: Any


class Interrupt(NamedTuple):
    """A run that an exception has ended on purpose: it hands over, or waits for a human to answer."""

    word: str  # what the log says of it: `completed` or `paused`
    questions: Sequence[Any] = ()


class Framework(Protocol):
    """What the provider file of a framework offers as `PROVIDER`."""

    @property
    def package(self) -> str:
        """The name under which the framework is imported."""

    @property
    def targets(self) -> tuple[PatchTarget, ...]:
        """The functions to listen at; their roles are `RUN_ROLES`."""

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        """What is watched by them."""

    def runs(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> Sequence[Run]:
        """Read what the function `name` of role "start" was given and has returned."""

    def run_id(self, handle: Any) -> str:
        """Return the id of the run that a function of another role belongs to."""

    def said(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Return what such a function was given: the chunk, the result or the exception."""

    def result(self, output: Any) -> ToolOutput:
        """Read what a tool returned."""

    def documents(self, found: Any, scores: Mapping[int, float]) -> Sequence[Document]:
        """Read what a retriever returned; `scores` are those seen on the way, by the documents' identity."""

    def scores(self, found: Any) -> Mapping[int, float]:
        """Read what a function of role "scores" returned."""

    def response(self, prompt: Request, result: Any, http: HttpResponse | None) -> Response:
        """Read what a model has answered."""

    def error_info(self, error: BaseException) -> ErrorInfo:
        """Read an exception."""

    def pause(self, error: BaseException) -> Interrupt | None:
        """Return how a run is left by this exception, if it is no failure."""
