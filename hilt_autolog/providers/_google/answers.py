"""Gemini's answers: a whole one is read as a stream of one chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.model import Delta, Document, ErrorInfo, Response, new_message
from hilt_autolog.contracts.sdk_objects import as_json, count_or_none, fields, jsonable, text_or_none

from .contents import Parts, at, read_part, sequence, tool_call

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hilt_autolog.contracts.model import ToolCall
    from hilt_autolog.contracts.types import Message, Part


_USUAL = frozenset(("candidates", "usageMetadata", "modelVersion", "responseId"))
_SPOKEN_ONLY = frozenset(("content", "index"))


def answer(body: Mapping[str, Any]) -> Response:
    """Read an answer that has come whole."""
    fold = AnswerAccumulator()
    fold.add(body)
    return fold.response()


class AnswerAccumulator:
    """Accumulates the chunks of one answer; each is an answer of its own, with the newest parts."""

    __slots__ = ("_candidates", "_feedback", "_reply", "_usage", "finished")

    def __init__(self) -> None:
        self.finished = False
        self._reply = Response()
        self._candidates: dict[int, _Candidate] = {}
        self._feedback: Mapping[str, Any] = {}  # on a prompt that was blocked
        self._usage: Mapping[str, Any] = {}  # each chunk may tell it anew

    def add(self, chunk: Any) -> Sequence[Delta]:
        """Take a chunk; return its texts, thoughts and function calls."""
        body = chunk if type(chunk) is dict else fields(chunk)
        if usage := fields(body.get("usageMetadata")):
            self._usage = usage
        if self._reply.response_id is None or not body.keys() <= _USUAL:
            self._take_envelope(body)
        deltas: list[Delta] = []
        for one in sequence(body.get("candidates")):
            given = one if type(one) is dict else fields(one)
            index = count_or_none(given.get("index")) or 0
            candidate = self._candidates.get(index)
            if candidate is None:
                candidate = self._candidates[index] = _Candidate(index)
            candidate.add(given, deltas)
            if candidate.finish_reason is not None:
                self.finished = all(known.finish_reason for known in self._candidates.values())
        return deltas

    def _take_envelope(self, body: Mapping[str, Any]) -> None:
        """Read what stands beside the candidates, in a whole answer and in each chunk of a stream alike."""
        reply = self._reply
        reply.model = reply.model or text_or_none(body.get("modelVersion"))
        reply.response_id = reply.response_id or text_or_none(body.get("responseId"))
        if feedback := fields(body.get("promptFeedback")):
            self._feedback = feedback
        if error := fields(body.get("error")):
            text, code = text_or_none(error.get("message")), text_or_none(error.get("status"))
            reply.error = ErrorInfo(
                text=text or code or "failed", type="ResponseError", code=code or "api_error"
            )

    def response(self) -> Response:
        """Return the answer as far as it has come."""
        reply = self._reply
        if self._usage:
            reply.usage, reply.tokens = jsonable(self._usage), tokens(self._usage)
        candidates = [self._candidates[index] for index in sorted(self._candidates)]
        messages = [candidate.message() for candidate in candidates]
        reply.messages = messages if any(one["parts"] for one in messages) else []
        reply.tool_calls = [call for candidate in candidates for call in candidate.calls]
        reply.documents = [one for candidate in candidates for one in documents(candidate.grounding)]
        said = list(map(_visible, reply.messages))
        reply.text = (said[0] if len(said) == 1 else "\n\n".join(filter(None, said))) or None
        reply.finish_reason = next((c.finish_reason for c in candidates if c.finish_reason), None)
        if blocked := text_or_none(at(self._feedback, "blockReason")):
            reply.finish_reason = reply.finish_reason or blocked
            if not reply.messages:
                reply.messages = [new_message("assistant", [_refusal(self._feedback, "blockReasonMessage")])]
        return reply


class _Candidate:
    """One of the answers that were made."""

    __slots__ = ("_annotations", "_parts", "_refused", "calls", "finish_reason", "grounding", "index")

    def __init__(self, index: int) -> None:
        self.index = index
        self.calls: list[ToolCall] = []
        self.finish_reason: str | None = None
        self.grounding: Mapping[str, Any] = {}
        self._parts = Parts()
        self._annotations: list[Any] = []
        self._refused: Part | None = None

    def add(self, given: Mapping[str, Any], deltas: list[Delta]) -> None:
        """Take what a chunk says of this candidate, and add to the deltas what is new in it."""
        for one in sequence(fields(given.get("content")).get("parts")):
            if type(one) is dict and len(one) == 1 and type(text := one.get("text")) is str and text:
                deltas.append(("text", text, self.index))  # most parts of a stream
                self._parts.say("text", text)
            else:
                self._take_part(one, deltas)
        if not given.keys() <= _SPOKEN_ONLY:
            self._take_rest(given)

    def _take_part(self, one: Any, deltas: list[Delta]) -> None:
        part = read_part(one)
        if part is None:
            return
        kind = part["type"]
        if kind == "tool_call":
            call = tool_call(fields(at(fields(one), "functionCall")))
            self.calls.append(call)
            deltas.append(("tool_arguments", call.arguments, self.index))
        elif kind in ("text", "reasoning"):
            deltas.append((kind, part["content"], self.index))
        self._parts.add(part)

    def _take_rest(self, given: Mapping[str, Any]) -> None:
        if (reason := given.get("finishReason")) is not None:
            self._finish(reason, given)
        if citations := fields(given.get("citationMetadata")):
            notes = citations.get("citationSources") or citations.get("citations")
            self._annotations = list(sequence(jsonable(notes)))
        grounding = fields(given.get("groundingMetadata"))
        if grounding.keys() - self.grounding.keys() or grounding.get("groundingChunks"):
            self.grounding = {**self.grounding, **grounding}

    def _finish(self, reason: Any, given: Mapping[str, Any]) -> None:
        self.finish_reason = as_json(reason)
        if at(given, "finishMessage") or any(
            fields(one).get("blocked") for one in sequence(at(given, "safetyRatings"))
        ):
            self._refused = _refusal(given, "finishMessage")

    def message(self) -> Message:
        """Return what it says as a message."""
        parts = self._parts.whole()
        if not parts and self._refused is not None:
            parts = [self._refused]
        if self._annotations and parts and parts[-1]["type"] == "text":
            parts = [*parts[:-1], parts[-1] | {"annotations": self._annotations}]
        said = new_message("assistant", parts)
        return said | ({"finish_reason": self.finish_reason} if self.finish_reason else {})


def _visible(said: Message) -> str:
    return "".join(part["content"] for part in said["parts"] if part["type"] == "text")


def _refusal(given: Mapping[str, Any], words: str) -> Part:
    """Return why nothing was said, where the provider tells more than a reason to finish."""
    part: Part = {"type": "refusal"}
    if text := text_or_none(at(given, words)):
        part["content"] = text
    if ratings := sequence(at(given, "safetyRatings")):
        part["safety_ratings"] = jsonable(ratings)
    return part


# --- tokens


def tokens(usage: Mapping[str, Any]) -> dict[str, int]:
    """Return the usage as the tokens of an event; a part of no tokens is left out.

    What the tools of the provider put into the prompt is counted beside it, and so are the thoughts beside
    the answer.
    """
    given = {name: count_or_none(at(usage, field)) for name, field in _COUNTS.items()}
    known = {name: count for name, count in given.items() if count is not None}
    counts = {}
    for name, pieces in (("prompt", ("read", "tools")), ("completion", ("said", "thought"))):
        if any(piece in known for piece in pieces):
            counts[name] = sum(known.get(piece, 0) for piece in pieces)
    if "total" in known:
        counts["total"] = known["total"]
    elif counts:
        counts["total"] = sum(counts.values())
    parts = {
        "cached": known.get("cached"),
        "reasoning": known.get("thought"),
        "audio_prompt": _of_audio(at(usage, "promptTokensDetails")),
        "audio_completion": _of_audio(at(usage, "candidatesTokensDetails")),
    }
    return counts | {name: count for name, count in parts.items() if count}


_COUNTS = {
    "read": "promptTokenCount",
    "tools": "toolUsePromptTokenCount",
    "said": "candidatesTokenCount",
    "thought": "thoughtsTokenCount",
    "cached": "cachedContentTokenCount",
    "total": "totalTokenCount",
}


def _of_audio(details: Any) -> int:
    known = map(fields, sequence(details))
    return sum(count_or_none(at(one, "tokenCount")) or 0 for one in known if one.get("modality") == "AUDIO")


# kind of a grounding chunk -> (the retriever, where its words stand, where its id stands; the first wins)
_KINDS = {
    "retrievedContext": ("retrieval", ("text", "title", "uri"), ("documentName", "uri", "title")),
    "web": ("google_search", ("title", "uri"), ("uri",)),
    "maps": ("google_maps", ("text", "title", "uri"), ("placeId", "uri")),
    "image": ("image_search", ("title", "sourceUri"), ("imageUri", "sourceUri")),
}


def documents(grounding: Mapping[str, Any]) -> list[Document]:
    """Return the documents of a candidate's grounding metadata, in the order of the provider."""
    scores = _scores(grounding)
    chunks = map(fields, sequence(at(grounding, "groundingChunks")))
    return [one for index, chunk in enumerate(chunks) for one in _documents(chunk, scores.get(index))]


def _documents(chunk: Mapping[str, Any], score: float | None) -> Iterator[Document]:
    for kind, (retriever, words, names) in _KINDS.items():
        if known := fields(at(chunk, kind)):
            if at(known, "fileSearchStore"):
                retriever = "file_search"  # noqa: PLW2901  a narrower name for it
            yield Document(retriever, _first(known, words), _first(known, names), score, jsonable(known))


def _first(known: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next(filter(None, (text_or_none(at(known, name)) for name in names)), None)


def _scores(grounding: Mapping[str, Any]) -> dict[int, float]:
    """Return the highest confidence with which a chunk, by its number, supports a piece of the answer."""
    scores: dict[int, float] = {}
    for one in map(fields, sequence(at(grounding, "groundingSupports"))):
        indices = map(count_or_none, sequence(at(one, "groundingChunkIndices")))
        for index, score in zip(indices, sequence(at(one, "confidenceScores")), strict=False):
            if index is not None and isinstance(score, int | float):
                scores[index] = max(score, scores.get(index, 0.0))
    return scores
