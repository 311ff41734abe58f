"""Gemini's API: generation, whole or as a stream; embeddings, images, and token counts."""

from __future__ import annotations

import json
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from offline.answers import Question, Reply, Tool, generate_reply, pieces, tokens
from offline.gemini_envelope import MODELS, error, get_key, input_tokens, text_of
from offline.openai_media import dot, vector
from offline.wire import Request, Response, Stream, as_json, frame, new_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Payload = dict[str, Any]
ALIASES = {"gemini-flash-latest": "gemini-2.5-flash", "gemini-pro-latest": "gemini-2.5-pro"}
DIMENSIONS = 768
TYPE_NUMBERS = ("string", "string", "number", "integer", "boolean", "array", "object")  # of the protobuf enum
HARM = [{"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True}]
SEARCH_RESULTS = [
    {"web": {"uri": "https://example.com/recorders", "title": "Recorders", "domain": "example.com"}},
    {"web": {"uri": "https://example.com/flights", "title": "Flights", "domain": "example.com"}},
]


def generate(request: Request) -> Response | Stream:
    """Respond to POST :generateContent."""
    return as_json(_whole(request))


def stream(request: Request) -> Response | Stream:
    """Respond to POST :streamGenerateContent: as events with `alt=sse`, else as one JSON array."""
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
    last = list(takewhile(_results, reversed(contents)))
    texts = [text_of(content) for content in contents if content.get("role") != "model" and text_of(content)]
    config = get_key(body, "generationConfig") or {}
    calling_config = get_key(get_key(body, "toolConfig") or {}, "functionCallingConfig") or {}
    modes = {"NONE": "none", "ANY": "required"}
    is_thinking = get_key(get_key(config, "thinkingConfig") or {}, "includeThoughts")
    return Question(
        model=f"{body['model']} {'think' if is_thinking else ''}",
        text=texts[-1] if texts else "",
        results=tuple(text for content in reversed(last) for text in _results(content)),
        tools=tuple(_tools(body)),
        tool_choice=modes.get(str(calling_config.get("mode")), "auto"),
        schema=_json_schema(get_key(config, "responseSchema") or get_key(config, "responseJsonSchema")),
        limit=get_key(config, "maxOutputTokens"),
    )


def _results(content: Payload) -> list[str]:
    """Return the function results in a content, as texts."""
    responses = [get_key(part, "functionResponse") for part in content.get("parts") or ()]
    return [
        str(next(iter((response.get("response") or {"": ""}).values()))) for response in responses if response
    ]


def _tools(body: Payload) -> Iterator[Tool]:
    for tool in body.get("tools") or ():
        for function in get_key(tool, "functionDeclarations") or ():
            parameters = get_key(function, "parametersJsonSchema") or function.get("parameters")
            yield Tool(function["name"], _json_schema(parameters) or {})


def _json_schema(schema: Any) -> Any:
    """Return a schema with the type names of JSON schemas, from capitals or from enum numbers."""
    if isinstance(schema, list):
        return [_json_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    converted = {name: _json_schema(value) for name, value in schema.items()}
    kind = schema.get("type")
    if isinstance(kind, str | int):
        converted["type"] = kind.lower() if isinstance(kind, str) else TYPE_NUMBERS[kind]
    return converted


def _uses_search(body: Payload) -> bool:
    return any(get_key(tool, "googleSearch") is not None for tool in body.get("tools") or ())


# --- the response


def _whole(request: Request) -> Payload:
    body = request.body
    if "block" in body["model"]:
        feedback = {"blockReason": "PROHIBITED_CONTENT", "safetyRatings": HARM}
        return {"promptFeedback": feedback, **_envelope(body), "usageMetadata": _usage(body, [])}
    count = get_key(get_key(body, "generationConfig") or {}, "candidateCount") or 1
    replies = [generate_reply(_question(body), choice) for choice in range(count)]
    candidates = [
        _candidate(body, reply, index, list(_parts(reply)), is_last=True)
        for index, reply in enumerate(replies)
    ]
    return {"candidates": candidates, **_envelope(body), "usageMetadata": _usage(body, replies)}


def _payloads(request: Request) -> Iterator[Payload]:
    body = request.body
    if "block" in body["model"]:
        yield _whole(request)
        return
    reply = generate_reply(_question(body))
    envelope = _envelope(body)
    *parts, last = [*_parts(reply, pieces), *([] if reply.calls else [{"text": ""}])]
    for part in parts:
        yield {"candidates": [_candidate(body, reply, 0, [part])], **envelope}
    candidate = _candidate(body, reply, 0, [last], is_last=True)
    yield {"candidates": [candidate], **envelope, "usageMetadata": _usage(body, [reply])}


def _envelope(body: Payload) -> Payload:
    return {"modelVersion": ALIASES.get(body["model"], body["model"]), "responseId": new_id("gemini_")}


def _candidate(
    body: Payload, reply: Reply, index: int, parts: list[Payload], *, is_last: bool = False
) -> Payload:
    candidate: Payload = {"index": index}
    if not reply.refusal:
        candidate["content"] = {"role": "model", "parts": parts}
    if is_last:
        candidate["finishReason"] = (
            "SAFETY" if reply.refusal else "MAX_TOKENS" if reply.is_truncated else "STOP"
        )
        if reply.refusal:
            candidate["safetyRatings"] = HARM
        if _uses_search(body):
            candidate["groundingMetadata"] = _grounding(reply)
    return candidate


def _parts(reply: Reply, split: Any = lambda text: [text] if text else []) -> Iterator[Payload]:
    yield from ({"text": piece, "thought": True} for piece in split(reply.reasoning))
    yield from ({"text": piece} for piece in split(reply.text))
    for call in reply.calls:
        yield {"functionCall": {"name": call.name, "args": json.loads(call.arguments)}}


def _grounding(reply: Reply) -> Payload:
    segment = {"startIndex": 0, "endIndex": len(reply.text), "text": reply.text}
    support = {"segment": segment, "groundingChunkIndices": [0, 1], "confidenceScores": [0.9, 0.4]}
    return {
        "webSearchQueries": ["flight recorder"],
        "groundingChunks": SEARCH_RESULTS,
        "groundingSupports": [support],
    }


def _usage(body: Payload, replies: list[Reply]) -> Payload:
    """Return the usage; thoughts are counted separately from candidates."""
    contents = [*(body.get("contents") or ()), get_key(body, "systemInstruction")]
    prompt = input_tokens(text_of(content) for content in contents if content)
    thoughts = sum(tokens(reply.reasoning) for reply in replies)
    candidates = sum(reply.tokens for reply in replies) - thoughts
    usage = {"promptTokenCount": prompt, "totalTokenCount": prompt + candidates + thoughts}
    usage |= {"candidatesTokenCount": candidates} if replies else {}
    return usage | ({"thoughtsTokenCount": thoughts} if thoughts else {})


# --- other operations


def embed(request: Request) -> Response:
    """Respond to POST :embedContent."""
    return as_json({"embedding": _embedding(request.body)})


def embed_batch(request: Request) -> Response:
    """Respond to POST :batchEmbedContents."""
    return as_json({"embeddings": [_embedding(item) for item in request.body["requests"]]})


def _embedding(request_body: Payload) -> Payload:
    length = get_key(request_body, "outputDimensionality") or DIMENSIONS
    return {"values": vector(text_of(request_body["content"]), length)}


def count_tokens(request: Request) -> Response:
    """Respond to POST :countTokens."""
    return as_json({"totalTokens": input_tokens(map(text_of, request.body.get("contents") or ()))})


def predict(request: Request) -> Response:
    """Respond to POST :predict of Vertex AI: vectors for contents, a grey dot for a prompt of an image."""
    instances: Iterable[Payload] = request.body["instances"]
    parameters = request.body.get("parameters") or {}
    length = parameters.get("outputDimensionality") or DIMENSIONS
    predictions: list[Payload] = []
    for instance in instances:
        if text := instance.get("content"):
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
