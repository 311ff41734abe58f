"""Gemini's models: contents in, candidates out, whole or in a stream; vectors, and counts of tokens."""

from __future__ import annotations

import json
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from offline.answers import Question, Reply, Tool, pieces, reply, tokens
from offline.gemini_envelope import MODELS, at, error, read_tokens, text_of
from offline.openai_media import dot, vector
from offline.wire import Answer, Request, Stream, as_json, frame, new_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Payload = dict[str, Any]
ALIASES = {"gemini-flash-latest": "gemini-2.5-flash", "gemini-pro-latest": "gemini-2.5-pro"}
DIMENSIONS = 768
TYPES = ("string", "string", "number", "integer", "boolean", "array", "object")  # by the protocol's numbers
HARM = [{"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True}]
FOUND = [
    {"web": {"uri": "https://example.com/recorders", "title": "Recorders", "domain": "example.com"}},
    {"web": {"uri": "https://example.com/flights", "title": "Flights", "domain": "example.com"}},
]


def generate(request: Request) -> Answer | Stream:
    """Answer POST :generateContent."""
    return as_json(_whole(request))


def stream(request: Request) -> Answer | Stream:
    """Answer POST :streamGenerateContent: as events where they are asked for, else as one array of JSON."""
    failure = error(500, request)
    payloads = list(_payloads(request))
    if request.query.get("alt") == "sse":
        return Stream(map(frame, payloads), frame(failure))
    return Stream(_array(payloads), b"," + json.dumps(failure).encode() + b"]")


def _array(payloads: Sequence[Payload]) -> Iterator[bytes]:
    for index, payload in enumerate(payloads):
        yield (b"," if index else b"[") + json.dumps(payload).encode()
    yield b"]"


# --- the request


def _question(body: Payload) -> Question:
    contents = body.get("contents") or []
    newest = list(takewhile(_results, reversed(contents)))
    said = [text_of(content) for content in contents if content.get("role") != "model" and text_of(content)]
    config = at(body, "generationConfig") or {}
    calling = at(at(body, "toolConfig") or {}, "functionCallingConfig") or {}
    modes = {"NONE": "none", "ANY": "required"}
    thinks = at(at(config, "thinkingConfig") or {}, "includeThoughts")
    return Question(
        model=f"{body['model']} {'think' if thinks else ''}",
        text=said[-1] if said else "",
        results=tuple(text for content in reversed(newest) for text in _results(content)),
        tools=tuple(_tools(body)),
        tool_choice=modes.get(str(calling.get("mode")), "auto"),
        schema=_lower(at(config, "responseSchema") or at(config, "responseJsonSchema")),
        limit=at(config, "maxOutputTokens"),
    )


def _results(content: Payload) -> list[str]:
    """Return what functions have returned, of a content that tells of nothing else."""
    given = [at(part, "functionResponse") for part in content.get("parts") or ()]
    return [str(next(iter((one.get("response") or {"": ""}).values()))) for one in given if one]


def _tools(body: Payload) -> Iterator[Tool]:
    for tool in body.get("tools") or ():
        for one in at(tool, "functionDeclarations") or ():
            yield Tool(one["name"], _lower(at(one, "parametersJsonSchema") or one.get("parameters")) or {})


def _lower(schema: Any) -> Any:
    """Return a schema with its types as JSON schemas name them: not in capitals, not as numbers."""
    if isinstance(schema, list):
        return [_lower(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    lowered = {name: _lower(value) for name, value in schema.items()}
    kind = schema.get("type")
    if isinstance(kind, str | int):
        lowered["type"] = kind.lower() if isinstance(kind, str) else TYPES[kind]
    return lowered


def _searches(body: Payload) -> bool:
    return any(at(tool, "googleSearch") is not None for tool in body.get("tools") or ())


# --- the answer


def _whole(request: Request) -> Payload:
    body = request.body
    if "block" in body["model"]:
        feedback = {"blockReason": "PROHIBITED_CONTENT", "safetyRatings": HARM}
        return {"promptFeedback": feedback, **_envelope(body), "usageMetadata": _usage(body, [])}
    count = at(at(body, "generationConfig") or {}, "candidateCount") or 1
    replies = [reply(_question(body), choice) for choice in range(count)]
    candidates = [
        _candidate(body, one, index, list(_parts(one)), ended=True) for index, one in enumerate(replies)
    ]
    return {"candidates": candidates, **_envelope(body), "usageMetadata": _usage(body, replies)}


def _payloads(request: Request) -> Iterator[Payload]:
    body = request.body
    if "block" in body["model"]:
        yield _whole(request)
        return
    answer = reply(_question(body))
    envelope = _envelope(body)
    *parts, last = [*_parts(answer, pieces), *([] if answer.calls else [{"text": ""}])]
    for part in parts:
        yield {"candidates": [_candidate(body, answer, 0, [part])], **envelope}
    ended = _candidate(body, answer, 0, [last], ended=True)
    yield {"candidates": [ended], **envelope, "usageMetadata": _usage(body, [answer])}


def _envelope(body: Payload) -> Payload:
    return {"modelVersion": ALIASES.get(body["model"], body["model"]), "responseId": new_id("gemini_")}


def _candidate(
    body: Payload, answer: Reply, index: int, parts: list[Payload], *, ended: bool = False
) -> Payload:
    candidate: Payload = {"index": index}
    if not answer.refusal:
        candidate["content"] = {"role": "model", "parts": parts}
    if ended:
        candidate["finishReason"] = "SAFETY" if answer.refusal else "MAX_TOKENS" if answer.cut else "STOP"
        if answer.refusal:
            candidate["safetyRatings"] = HARM
        if _searches(body):
            candidate["groundingMetadata"] = _grounding(answer)
    return candidate


def _parts(answer: Reply, split: Any = lambda text: [text] if text else []) -> Iterator[Payload]:
    yield from ({"text": piece, "thought": True} for piece in split(answer.reasoning))
    yield from ({"text": piece} for piece in split(answer.text))
    for call in answer.calls:
        yield {"functionCall": {"name": call.name, "args": json.loads(call.arguments)}}


def _grounding(answer: Reply) -> Payload:
    segment = {"startIndex": 0, "endIndex": len(answer.text), "text": answer.text}
    support = {"segment": segment, "groundingChunkIndices": [0, 1], "confidenceScores": [0.9, 0.4]}
    return {
        "webSearchQueries": ["flight recorder"],
        "groundingChunks": FOUND,
        "groundingSupports": [support],
    }


def _usage(body: Payload, replies: list[Reply]) -> Payload:
    """Return the usage: thoughts are counted beside the answer."""
    contents = [*(body.get("contents") or ()), at(body, "systemInstruction")]
    read = read_tokens(text_of(content) for content in contents if content)
    thought = sum(tokens(one.reasoning) for one in replies)
    written = sum(one.tokens for one in replies) - thought
    usage = {"promptTokenCount": read, "totalTokenCount": read + written + thought}
    usage |= {"candidatesTokenCount": written} if replies else {}
    return usage | ({"thoughtsTokenCount": thought} if thought else {})


# --- without a conversation


def embed(request: Request) -> Answer:
    """Answer POST :embedContent."""
    return as_json({"embedding": _embedded(request.body)})


def embed_batch(request: Request) -> Answer:
    """Answer POST :batchEmbedContents."""
    return as_json({"embeddings": [_embedded(one) for one in request.body["requests"]]})


def _embedded(given: Payload) -> Payload:
    return {"values": vector(text_of(given["content"]), at(given, "outputDimensionality") or DIMENSIONS)}


def count_tokens(request: Request) -> Answer:
    """Answer POST :countTokens."""
    return as_json({"totalTokens": read_tokens(map(text_of, request.body.get("contents") or ()))})


def predict(request: Request) -> Answer:
    """Answer POST :predict of Vertex AI: vectors for texts, grey dots for words."""
    instances: Iterable[Payload] = request.body["instances"]
    parameters = request.body.get("parameters") or {}
    length = parameters.get("outputDimensionality") or DIMENSIONS
    predictions: list[Payload] = []
    for one in instances:
        if text := one.get("content"):
            statistics = {"token_count": tokens(text), "truncated": False}
            predictions.append({"embeddings": {"values": vector(text, length), "statistics": statistics}})
        else:
            image = {"bytesBase64Encoded": dot(), "mimeType": "image/png"}
            predictions += [image] * int(parameters.get("sampleCount") or 1)
    return as_json({"predictions": predictions})


ROUTES = (
    ("POST", f"{MODELS}:generateContent", generate),
    ("POST", f"{MODELS}:streamGenerateContent", stream),
    ("POST", f"{MODELS}:embedContent", embed),
    ("POST", f"{MODELS}:batchEmbedContents", embed_batch),
    ("POST", f"{MODELS}:countTokens", count_tokens),
    ("POST", f"{MODELS}:predict", predict),
)
