"""The data that a provider reads out of a call: requests, responses, deltas and errors, free of SDK objects.

A provider converts an SDK's request to a `Request`, its response to a `Response`, each chunk of a stream to
`Delta`s and an exception to an `ErrorInfo`. It reads no clock, writes no file and builds no event.

Messages have the shape of OpenTelemetry's GenAI conventions (`types.Message`), see `docs/event-format.md`.
A part with bytes has them under `data` (bytes, or base64 text) until the recorder's `MediaRedactor` replaces
them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .types import JsonMapping, JsonObject, Message, Part


# New text in a stream: (kind, text, index of the choice); kind is "text", "reasoning" or "tool_arguments".
# A plain tuple, because a stream makes one for each chunk: creating a NamedTuple costs more than reading the
# chunk (tests/benchmarks/calls.py, streams).
Delta = tuple[str, str, int]


class ToolCall(NamedTuple):
    """A tool call that the model requests; `arguments` is JSON text as the provider sent it."""

    id: str | None
    name: str | None
    arguments: str

    def part(self) -> Part:
        """Return the call as a part of a message."""
        part: Part = {"type": "tool_call"}
        if self.id is not None:
            part["id"] = self.id
        if self.name is not None:
            part["name"] = self.name
        part["arguments"] = self.arguments
        return part


class Document(NamedTuple):
    """A document that was retrieved for a model; `retriever` names the tool that retrieved it."""

    retriever: str
    text: str | None
    id: str | None = None
    score: float | None = None
    metadata: JsonMapping = MappingProxyType({})


class HttpResponse(NamedTuple):
    """The HTTP response of a call: the HTTP library's object and what the SDK knows besides."""

    response: Any  # of httpx, requests, aiohttp or urllib3: `status_code`, `headers` and `content` are read
    status: int | None = None
    retries: int = 0
    request_id: str | None = None  # the provider's id of the request, from the headers

    def with_body(self, content: bytes) -> HttpResponse:
        """Return a copy with the status, the headers and this body."""
        head = ResponseHead(self.response.status_code, self.response.headers, content)
        return self._replace(response=head)

    def without_body(self) -> HttpResponse:
        """Return a copy with the status and the headers alone, so that the SDK's object is not kept alive."""
        return self._replace(response=ResponseHead(self.response.status_code, self.response.headers))


class ResponseHead(NamedTuple):
    """Status and headers of an HTTP response whose body the program reads, or drops, itself."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes = b""


class StreamAccumulator(Protocol):
    """Accumulates the chunks of one stream, each in O(1)."""

    finished: bool  # whether the provider has sent its end-of-response marker

    def add(self, chunk: Any) -> Sequence[Delta]:
        """Add the next chunk, the SDK's object or the decoded JSON; return the new text in it."""

    def response(self) -> Response:
        """Return the response so far."""


class Response:
    """A response. A field that the provider did not send keeps its default here and is left out of events.

    A plain class with class attributes and no `__init__`: a dataclass would store every default in every
    instance (tests/benchmarks/calls.py).
    """

    messages: Sequence[Message] = ()  # one assistant message for each choice
    text: str | None = None  # the visible text
    tool_calls: Sequence[ToolCall] = ()
    documents: Sequence[Document] = ()  # by descending relevance
    model: str | None = None
    response_id: str | None = None
    finish_reason: str | None = None
    usage: JsonMapping | None = None  # the provider's usage object, complete
    tokens: Mapping[str, int] = MappingProxyType({})
    service_tier: str | None = None
    billed_units: Mapping[str, float] | None = None  # billed besides tokens, by names of the price list
    extensions: JsonMapping | None = None  # merged into the extensions of the event
    input_count: int | None = None  # embeddings: how many inputs
    dimensions: int | None = None  # embeddings: length of a vector
    is_pending: bool = False  # accepted only: the answer can be fetched later by `response_id`
    error: ErrorInfo | None = None  # an error that the SDK returns as a response instead of raising
    http: HttpResponse | None = None  # where the HTTP response is known from this response alone

    @classmethod
    def of(cls, **fields: object) -> Response:
        """Return a response with these fields."""
        response = cls()
        response.__dict__.update(fields)
        return response


@dataclass(slots=True)
class ErrorInfo:
    """Why a call failed.

    `code` is the provider's code, or one of the event format's: `timeout`, `connection`, `rate_limit`,
    `cancelled`, `api_error`. `retry_after` is in seconds; `status` is the HTTP status.
    """

    text: str
    type: str  # the exception's class name
    code: str
    status: int | None = None
    retry_after: float | None = None
    rate_limit: dict[str, str] = field(default_factory=dict)  # the rate-limit headers
    retries: int = 0
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """How to read one endpoint: pure functions from the JSON of requests and responses to facts.

    `kind` says which call object records it: "call" for a request and its response; "fetch" for a request
    that fetches the response of an earlier call; "submit_batch" and "batch_results" for a batch's two ends.
    """

    name: str  # provenance.operation
    parse_messages: Callable[[JsonMapping], list[Message]]
    parse_response: Callable[[JsonMapping], Response]
    accumulator: Callable[[], StreamAccumulator] | None = None
    content_keys: tuple[str, ...] = ()  # body keys that `parse_messages` reads; the others are parameters
    parse_files: Callable[[object], JsonObject] | None = None  # uploads -> body keys for `parse_messages`
    parse_binary: Callable[[bytes, str], Response] | None = None  # (body, content type) if it is not JSON
    is_embedding: bool = False
    stores_responses: bool = False  # whether a later request can continue a response by its id
    kind: Literal["call", "fetch", "submit_batch", "batch_results"] = "call"
    item_operation: Operation | None = None  # of a batch: reads each of its requests and responses
    parse_batch: Callable[[JsonMapping], list[tuple[str, JsonMapping]]] | None = (
        None  # (custom id, body) each
    )
    parse_result: Callable[[JsonMapping], tuple[str, Response]] | None = (
        None  # a result line: (custom id, ...)
    )


@dataclass(slots=True)
class Request:
    """A request as the program made it."""

    operation: Operation
    provider: str
    model: str | None
    messages: list[Message]  # all messages of the request, in order
    parameters: JsonObject
    server: str | None = None  # host and port
    sdk: str | None = None  # name and version
    conversation: str | None = None  # the API's id of the conversation
    chat_object_id: int | None = None  # id() of the SDK's chat object that keeps the conversation
    previous_response_id: str | None = None  # of the response that this request continues or fetches
    service_tier: str | None = None
    provenance: JsonObject | None = None  # provenance added by the framework that makes the call
    fallback_session_id: str | None = None  # if neither a name nor the history identifies the conversation
    batch: Sequence[Request] = ()  # the requests in a batch
    extensions: JsonObject | None = None  # merged into the extensions of the event


def is_plain_text(message: Message) -> bool:
    """Return whether a message is a single text part, with no keys but role, parts and finish reason."""
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


def provider_part(keys: JsonObject) -> Part:
    """Return `keys` as a part: of a provider's own type, or with keys that `Part` does not list."""
    part: Any = keys
    typed: Part = part
    return typed


def new_message(role: str, parts: list[Part]) -> Message:
    """Return a message of these parts."""
    return {"role": role, "parts": parts}


def text_of(message: Message | None) -> str | None:
    """Return the text of a message: its text parts, else its tool results; None if it has neither."""
    if message is None:
        return None
    parts = message["parts"]
    if len(parts) == 1 and parts[0]["type"] == "text":
        return parts[0]["content"]
    texts: list[object] = [part["content"] for part in parts if part.get("type") == "text"]
    if not texts:
        texts = [
            text_of_result(part["response"]) for part in parts if part.get("type") == "tool_call_response"
        ]
    return "".join(text for text in texts if isinstance(text, str)) if texts else None


def text_of_result(response: str | list[Part]) -> str:
    """Return a tool's result as text: of a list of parts, their texts."""
    return response if isinstance(response, str) else text_of({"parts": response or []}) or ""
