"""Gemini's responses: a complete one is parsed as a stream of one chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.model import Delta, Document, ErrorInfo, Response, new_message
from hilt_autolog.contracts.sdk_objects import (
    as_json,
    count_or_none,
    fields,
    jsonable,
    list_or_empty,
    text_or_none,
)

from .contents import PartsAccumulator, get_key, parse_part, tool_call

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hilt_autolog.contracts.model import ToolCall
    from hilt_autolog.contracts.types import JsonMapping, JsonObject, Message, Part


# The keys of a usual chunk after the first, and of a usual candidate: without others, nothing else is read.
_CHUNK_KEYS = frozenset(("candidates", "usageMetadata", "modelVersion", "responseId"))
_CANDIDATE_KEYS = frozenset(("content", "index"))


def parse_response(body: JsonMapping) -> Response:
    """Parse a complete response."""
    accumulator = GeminiAccumulator()
    accumulator.add(body)
    return accumulator.response()


class GeminiAccumulator:
    """Accumulates the chunks of one stream; each chunk has the format of a response, with new parts only."""

    __slots__ = ("_candidates", "_feedback", "_response", "_usage", "finished")

    def __init__(self) -> None:
        self.finished = False
        self._response = Response()
        self._candidates: dict[int, _Candidate] = {}  # by index
        self._feedback: JsonMapping = {}  # on a prompt that was blocked
        self._usage: JsonMapping = {}  # of the newest chunk that has it: its counts are totals

    def add(self, chunk: Any) -> Sequence[Delta]:
        """Add a chunk; return its texts, thoughts and function calls."""
        body = chunk if type(chunk) is dict else fields(chunk)
        if usage := fields(body.get("usageMetadata")):
            self._usage = usage
        if self._response.response_id is None or not body.keys() <= _CHUNK_KEYS:
            self._add_metadata(body)
        deltas: list[Delta] = []
        for item in list_or_empty(body.get("candidates")):
            source = item if type(item) is dict else fields(item)
            index = count_or_none(source.get("index")) or 0
            candidate = self._candidates.get(index)
            if candidate is None:
                candidate = self._candidates[index] = _Candidate(index)
            candidate.add(source, deltas)
            if candidate.finish_reason is not None:
                self.finished = all(other.finish_reason for other in self._candidates.values())
        return deltas

    def _add_metadata(self, body: JsonMapping) -> None:
        """Read the keys beside the candidates."""
        response = self._response
        response.model = response.model or text_or_none(body.get("modelVersion"))
        response.response_id = response.response_id or text_or_none(body.get("responseId"))
        if feedback := fields(body.get("promptFeedback")):
            self._feedback = feedback
        if error := fields(body.get("error")):
            text, code = text_or_none(error.get("message")), text_or_none(error.get("status"))
            response.error = ErrorInfo(
                text=text or code or "failed", type="ResponseError", code=code or "api_error"
            )

    def response(self) -> Response:
        """Return the response so far."""
        response = self._response
        if self._usage:
            response.usage, response.tokens = jsonable(self._usage), parse_tokens(self._usage)
        candidates = [self._candidates[index] for index in sorted(self._candidates)]
        messages = [candidate.message() for candidate in candidates]
        response.messages = messages if any(message["parts"] for message in messages) else []
        response.tool_calls = [call for candidate in candidates for call in candidate.calls]
        response.documents = [
            document for candidate in candidates for document in parse_documents(candidate.grounding)
        ]
        texts = list(map(_text, response.messages))
        response.text = (texts[0] if len(texts) == 1 else "\n\n".join(filter(None, texts))) or None
        response.finish_reason = next((c.finish_reason for c in candidates if c.finish_reason), None)
        if block_reason := text_or_none(get_key(self._feedback, "blockReason")):
            response.finish_reason = response.finish_reason or block_reason
            if not response.messages:
                refusal = _refusal(self._feedback, "blockReasonMessage")
                response.messages = [new_message("assistant", [refusal])]
        return response


class _Candidate:
    """One of the alternatives that the model has generated."""

    __slots__ = ("_annotations", "_parts", "_refusal", "calls", "finish_reason", "grounding", "index")

    def __init__(self, index: int) -> None:
        self.index = index
        self.calls: list[ToolCall] = []
        self.finish_reason: str | None = None
        self.grounding: JsonMapping = {}
        self._parts = PartsAccumulator()
        self._annotations: list[JsonObject] = []
        self._refusal: Part | None = None

    def add(self, source: JsonMapping, deltas: list[Delta]) -> None:
        """Add a chunk's keys for this candidate, and append what is new in them to the deltas."""
        for item in list_or_empty(fields(source.get("content")).get("parts")):
            # Most parts of a stream are {"text": ...}: this saves two calls and a dict for each of them.
            if type(item) is dict and len(item) == 1 and type(text := item.get("text")) is str and text:
                deltas.append(("text", text, self.index))
                self._parts.add_text("text", text)
            else:
                self._add_part(item, deltas)
        if not source.keys() <= _CANDIDATE_KEYS:
            self._add_metadata(source)

    def _add_part(self, item: object, deltas: list[Delta]) -> None:
        part = parse_part(item)
        if part is None:
            return
        kind = part["type"]
        if kind == "tool_call":
            call = tool_call(fields(get_key(fields(item), "functionCall")))
            self.calls.append(call)
            deltas.append(("tool_arguments", call.arguments, self.index))
        elif kind in ("text", "reasoning"):
            deltas.append((kind, part["content"], self.index))
        self._parts.add(part)

    def _add_metadata(self, source: JsonMapping) -> None:
        if (reason := source.get("finishReason")) is not None:
            self._finish(reason, source)
        if metadata := fields(source.get("citationMetadata")):
            citations = metadata.get("citationSources") or metadata.get("citations")
            self._annotations = list(list_or_empty(jsonable(citations)))
        grounding = fields(source.get("groundingMetadata"))
        if grounding.keys() - self.grounding.keys() or grounding.get("groundingChunks"):
            self.grounding = {**self.grounding, **grounding}

    def _finish(self, reason: object, source: JsonMapping) -> None:
        self.finish_reason = as_json(reason)
        if get_key(source, "finishMessage") or any(
            fields(rating).get("blocked") for rating in list_or_empty(get_key(source, "safetyRatings"))
        ):
            self._refusal = _refusal(source, "finishMessage")

    def message(self) -> Message:
        """Return the candidate as a message."""
        parts = self._parts.parts()
        if not parts and self._refusal is not None:
            parts = [self._refusal]
        if self._annotations and parts and parts[-1]["type"] == "text":
            parts = [*parts[:-1], parts[-1] | {"annotations": self._annotations}]
        message = new_message("assistant", parts)
        return message | ({"finish_reason": self.finish_reason} if self.finish_reason else {})


def _text(message: Message) -> str:
    return "".join(part["content"] for part in message["parts"] if part["type"] == "text")


def _refusal(source: JsonMapping, message_key: str) -> Part:
    """Return why there is no content: the provider's message and its safety ratings, if it sends them."""
    part: Part = {"type": "refusal"}
    if text := text_or_none(get_key(source, message_key)):
        part["content"] = text
    if ratings := list_or_empty(get_key(source, "safetyRatings")):
        part["safety_ratings"] = jsonable(ratings)
    return part


# --- tokens


def parse_tokens(usage: JsonMapping) -> dict[str, int]:
    """Return a usage object as the tokens of an event; a detail of 0 tokens is left out.

    Gemini's `promptTokenCount` leaves out the results of server tools, and its `candidatesTokenCount` the
    thoughts; an event's `prompt` and `completion` include them.
    """
    counts = {
        name: count
        for name, key in _COUNT_KEYS.items()
        if (count := count_or_none(get_key(usage, key))) is not None
    }
    tokens = {}
    for name, pieces in (("prompt", ("prompt", "tools")), ("completion", ("candidates", "thoughts"))):
        if any(piece in counts for piece in pieces):
            tokens[name] = sum(counts.get(piece, 0) for piece in pieces)
    if "total" in counts:
        tokens["total"] = counts["total"]
    elif tokens:
        tokens["total"] = sum(tokens.values())
    details = {
        "cached": counts.get("cached"),
        "reasoning": counts.get("thoughts"),
        "audio_prompt": _audio_tokens(get_key(usage, "promptTokensDetails")),
        "audio_completion": _audio_tokens(get_key(usage, "candidatesTokensDetails")),
    }
    return tokens | {name: count for name, count in details.items() if count}


_COUNT_KEYS = {
    "prompt": "promptTokenCount",
    "tools": "toolUsePromptTokenCount",
    "candidates": "candidatesTokenCount",
    "thoughts": "thoughtsTokenCount",
    "cached": "cachedContentTokenCount",
    "total": "totalTokenCount",
}


def _audio_tokens(details: object) -> int:
    sources = map(fields, list_or_empty(details))
    return sum(
        count_or_none(get_key(source, "tokenCount")) or 0
        for source in sources
        if source.get("modality") == "AUDIO"
    )


# --- documents

# Key of a grounding chunk: (the retriever, keys of the text, keys of the id); the first key present counts.
_RETRIEVERS = {
    "retrievedContext": ("retrieval", ("text", "title", "uri"), ("documentName", "uri", "title")),
    "web": ("google_search", ("title", "uri"), ("uri",)),
    "maps": ("google_maps", ("text", "title", "uri"), ("placeId", "uri")),
    "image": ("image_search", ("title", "sourceUri"), ("imageUri", "sourceUri")),
}


def parse_documents(grounding: JsonMapping) -> list[Document]:
    """Return the documents of a candidate's grounding metadata, in the provider's order."""
    scores = _scores(grounding)
    chunks = map(fields, list_or_empty(get_key(grounding, "groundingChunks")))
    return [
        document for index, chunk in enumerate(chunks) for document in _documents(chunk, scores.get(index))
    ]


def _documents(chunk: JsonMapping, score: float | None) -> Iterator[Document]:
    for key, (retriever, text_keys, id_keys) in _RETRIEVERS.items():
        if source := fields(get_key(chunk, key)):
            name = "file_search" if get_key(source, "fileSearchStore") else retriever
            text, document_id = _first_text(source, text_keys), _first_text(source, id_keys)
            yield Document(name, text, document_id, score, jsonable(source))


def _first_text(source: JsonMapping, keys: tuple[str, ...]) -> str | None:
    return next(filter(None, (text_or_none(get_key(source, key)) for key in keys)), None)


def _scores(grounding: JsonMapping) -> dict[int, float]:
    """Return, by a chunk's index, the highest confidence with which it supports a segment of the response."""
    scores: dict[int, float] = {}
    for support in map(fields, list_or_empty(get_key(grounding, "groundingSupports"))):
        indices = map(count_or_none, list_or_empty(get_key(support, "groundingChunkIndices")))
        confidences = list_or_empty(get_key(support, "confidenceScores"))
        for index, score in zip(indices, confidences, strict=False):
            if index is not None and isinstance(score, int | float):
                scores[index] = max(score, scores.get(index, 0.0))
    return scores
