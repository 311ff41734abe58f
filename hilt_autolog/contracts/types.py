"""The shapes of an event and of its parts, as type checkers know them. `event.Event` is the same, validated.

`hilt_autolog/docs/event-format.md` says what each key means and when it is there. Nothing here exists at run
time but the names: an event is a plain dict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypedDict

# What came as JSON, from a provider or out of a log: nobody has checked it.
JsonObject = dict[str, Any]
JsonMapping = Mapping[str, Any]

Role = Literal["system", "user", "assistant", "tool"]


class Part(TypedDict, total=False):
    """A part of a message; its `type` says which of the other keys it has.

    A provider's own types of parts have keys of their own, as the provider sends them: `provider_part` of
    `contracts.model` makes these.
    """

    type: str
    content: str  # text, reasoning, refusal, document
    id: str | None  # tool_call, tool_call_response and the like
    name: str | None
    arguments: object
    response: str | list[Part]  # tool_call_response
    is_error: bool
    server_tool_call: JsonObject
    server_tool_call_response: JsonObject
    modality: str  # uri, file, blob
    mime_type: str | None
    uri: str
    file_id: str | None
    data: bytes | str | None  # of a blob: the recorder replaces it with `sha256` and `bytes`
    sha256: str
    bytes: int
    detail: object
    transcript: str
    revised_prompt: str
    reference: str
    annotations: list[JsonObject]
    safety_ratings: list[JsonObject]


class Message(TypedDict, total=False):
    """A message in the shape of OpenTelemetry's GenAI conventions; `role` and `parts` are always there."""

    role: str
    parts: list[Part]
    name: str
    finish_reason: str | None
    provider_role: str  # the provider's role, where `role` has the conventional one for it
    is_transcript: bool  # in a reader's queue only, never in an event: speech whose transcript may go on


class ActorDict(TypedDict, total=False):
    """Who acts; `type` (human, agent, tool, system) and `id` are always there."""

    type: str
    id: str
    name: str
    metadata: JsonObject


class ContentDict(TypedDict, total=False):
    """What was said."""

    text: str | None
    messages: Sequence[Message]
    text_hash: str


class MetricsDict(TypedDict, total=False):
    """What was measured: milliseconds, counts of tokens, US dollars."""

    latency_ms: int
    ttft_ms: int
    tokens: Mapping[str, int]
    cost_usd: float


class Provenance(TypedDict, total=False):
    """Where an event came from."""

    provider: str
    operation: str
    model: str
    response_id: str
    request_id: str
    service_tier: str
    sdk: str
    server: str
    langchain: JsonObject
    retrieval: JsonMapping


class History(TypedDict, total=False):
    """Which messages came before those of a prompt, and which event holds the last of them."""

    messages: int
    after: str
    choice: int
    omits: list[str]


class Extensions(TypedDict, total=False):
    """What HILT's own fields leave out."""

    reply_to: str | None
    status_code: int | None
    model: str | None
    latency_ms: int
    conversation: str
    tags: list[str]
    custom_id: str
    batch: str
    requests: int
    user: str
    request: JsonMapping
    history: History
    finish_reason: str | None
    usage: JsonMapping | None
    partial: bool
    ended: str
    chunks: int
    index: int
    kind: str
    choice: int
    tool_call_id: str | None
    tool: str | None
    inputs: int
    dimensions: int | None
    score: float | None
    rank: int
    label: str
    document_id: str | None
    error_type: str
    error_code: str
    retry_after: float | None
    rate_limit: dict[str, str] | None
    retries: int | None
    # Of the process:
    pid: int
    argv: list[str]
    host: str
    versions: dict[str, str]
    written: int
    dropped: int
    failed: int
    drops: dict[str, int]
    faults: dict[str, str]


class PrivacyNote(TypedDict, total=False):
    """What was done to an event for privacy."""

    pii_detected: list[str]
    redaction_applied: bool
    consent: JsonObject


class Billing(NamedTuple):
    """What the cost of an answer is computed from."""

    provider: str
    models: tuple[str | None, ...]  # the one that answered, then the one that was requested
    tokens: Mapping[str, int]
    service_tier: str | None
    billed_units: Mapping[str, float] | None  # other units that are charged for, as the price list names them


class EventDict(TypedDict, total=False):
    """An event; the first six are always there. `billing` is gone once the cost is computed."""

    hilt_version: str
    event_id: str
    timestamp: str
    session_id: str
    actor: ActorDict
    action: str
    content: ContentDict
    metrics: MetricsDict
    provenance: Provenance
    privacy: PrivacyNote
    integrity: JsonObject
    extensions: Extensions
    billing: Billing
