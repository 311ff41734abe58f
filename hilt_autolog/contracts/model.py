"""What a provider may say about a call: plain facts, with nothing of the SDK's left in them.

A provider reads a foreign request into a `Request`, a foreign answer into a `Response`, each piece of a
stream into `Delta`s and an exception into a `ErrorInfo`. Clocks, files and events are not its business.

Messages have the shape of OpenTelemetry's GenAI conventions: `{"role": ..., "parts": [...]}`, as
`event-format` says. A part that carries bytes holds them under `data` (bytes, or base64 text) until
the recorder has described them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Part = dict[str, Any]
Message = dict[str, Any]


# One piece of a stream that says something: (text, reasoning or tool_arguments; the words; the choice).
# A plain tuple: making anything with names costs more than reading the chunk.
Delta = tuple[str, str, int]


class ToolCall(NamedTuple):
    """A tool that the answer asks for; `arguments` is JSON text as the provider gave it."""

    id: str | None
    name: str | None
    arguments: str

    def part(self) -> Part:
        """Return the call as a part of a message."""
        known = {"id": self.id, "name": self.name, "arguments": self.arguments}
        return {"type": "tool_call", **{name: value for name, value in known.items() if value is not None}}


class Document(NamedTuple):
    """A document that the provider found for its model to read; `retriever` is the tool that found it."""

    retriever: str
    text: str | None
    id: str | None = None
    score: float | None = None
    metadata: Mapping[str, Any] = MappingProxyType({})


class HttpResponse(NamedTuple):
    """The HTTP response behind an answer: the foreign object, and what was learnt on the way."""

    response: Any
    status: int | None = None
    retries: int = 0
    request_id: str | None = None  # the provider's name for the request

    def without_body(self) -> HttpResponse:
        """Return no more of it than its head, so that the foreign object is not held."""
        return self._replace(response=ResponseHead(self.response.status_code, self.response.headers))


class ResponseHead(NamedTuple):
    """What is kept of an HTTP response whose body the program reads, or drops, by itself."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes = b""


class StreamAccumulator(Protocol):
    """Accumulates the chunks of one stream, each in O(1)."""

    finished: bool  # the provider has said that the answer is whole

    def add(self, chunk: Any) -> Sequence[Delta]:
        """Take the next chunk (the SDK's object, or the wire's dict); return what it newly says."""

    def response(self) -> Response:
        """Return the answer as far as it has come."""


class Response:
    """An answer. Every field that the provider did not give stays as it is here, and no event will show it.

    A plain class, because a dataclass would store all these defaults in every answer.
    """

    messages: Sequence[Message] = ()  # one assistant message a choice
    text: str | None = None  # what a person would see
    tool_calls: Sequence[ToolCall] = ()
    documents: Sequence[Document] = ()  # best first
    model: str | None = None
    response_id: str | None = None
    finish_reason: str | None = None
    usage: Mapping[str, Any] | None = None  # the provider's own object, whole
    tokens: Mapping[str, int] = MappingProxyType({})
    service_tier: str | None = None
    extra: Mapping[str, float] | None = None  # what else is charged for, as the price list names it
    details: Mapping[str, Any] | None = None  # what else the provider says, for the extensions
    inputs: int | None = None  # embeddings
    dimensions: int | None = None
    pending: bool = False  # accepted, to be answered later under `response_id`
    error: ErrorInfo | None = None  # a failure that the SDK hands over as an answer
    http: HttpResponse | None = None  # the head of the HTTP response, where only the answer tells of it

    def __init__(self, **known: Any) -> None:
        self.__dict__.update(known)


@dataclass(slots=True)
class ErrorInfo:
    """Why a call failed. `code` is the provider's, or one of the contract's; `retry_after` in seconds."""

    text: str
    type: str
    code: str
    status: int | None = None
    retry_after: float | None = None
    rate_limit: dict[str, str] = field(default_factory=dict)
    retries: int = 0
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """How one endpoint is read: pure functions from the wire's JSON to facts."""

    name: str  # provenance.operation
    messages: Callable[[Mapping[str, Any]], list[Message]]
    response: Callable[[Mapping[str, Any]], Response]
    accumulator: Callable[[], StreamAccumulator] | None = None
    content: tuple[str, ...] = ()  # body keys that `messages` has read; the others are parameters
    files: Callable[[Any], dict[str, Any]] | None = None  # reads what is uploaded beside the body
    binary: Callable[[bytes, str], Response] | None = None  # an answer that is not JSON: (body, content type)
    is_embedding: bool = False
    by_id: bool = False  # a later request may name the answer by its id
    kind: str = "call"  # "collects": fetches an answer that another call asked for; "submits" and "results":
    # of a batch, whose requests `batch` gives by their own ids, and are read by `each`; the reply to one item
    # of the results is read by `result`
    each: Operation | None = None
    batch: Callable[[Mapping[str, Any]], list[tuple[str, Mapping[str, Any]]]] | None = None
    result: Callable[[Mapping[str, Any]], tuple[str, Response]] | None = None


@dataclass(slots=True)
class Request:
    """A request as the program made it."""

    operation: Operation
    provider: str
    model: str | None
    messages: list[Message]  # the whole request, in order
    parameters: dict[str, Any]
    server: str | None = None
    sdk: str | None = None
    conversation: str | None = None  # named by the API
    asker: int | None = None  # identity of the program's object that holds the conversation, if one does
    previous: str | None = None  # id of the response that this request continues or collects
    service_tier: str | None = None
    origin: dict[str, Any] | None = None  # provenance of the framework that makes the call
    session: str | None = None  # where a conversation goes that nothing names and no history recognises
    batch: Sequence[Request] = ()  # the requests in this one
    details: dict[str, Any] | None = None  # what else is known, for the extensions


def is_plain_text(message: Message) -> bool:
    """Return whether a message is one text and nothing else, save what only its completion knows."""
    parts = message["parts"]
    return (
        len(parts) == 1
        and parts[0]["type"] == "text"
        and len(parts[0]) == 2  # noqa: PLR2004  the type and the content
        and len(message) == (3 if "finish_reason" in message else 2)
    )


def text_part(content: str) -> Part:
    """Return `content` as a text part."""
    return {"type": "text", "content": content}


def message(role: str, parts: list[Part]) -> Message:
    """Return a message of these parts."""
    return {"role": role, "parts": parts}


def text_of(message: Message | None) -> str | None:
    """Return what a message says in words: its texts, else the results that it brings; None for no words."""
    if message is None:
        return None
    parts = message["parts"]
    if len(parts) == 1 and parts[0]["type"] == "text":
        return parts[0]["content"]  # type: ignore[no-any-return]
    said = [part["content"] for part in parts if part.get("type") == "text"]
    if not said:
        said = [
            text_of_result(part["response"]) for part in parts if part.get("type") == "tool_call_response"
        ]
    return "".join(word for word in said if isinstance(word, str)) if said else None


def text_of_result(response: Any) -> str:
    """Return a tool's result as text; of one that came in parts, the texts among them."""
    return response if isinstance(response, str) else text_of({"parts": response or []}) or ""
