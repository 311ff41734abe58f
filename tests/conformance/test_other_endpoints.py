"""Embeddings, images, sound and moderation: unchanged for the program, and recorded once."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
from typing import Any, NamedTuple

import pytest
from offline.answers import pieces
from offline.openai_media import TRANSCRIPT, TRANSCRIPT_USAGE, _verdict, dot, silence

from tests.support.calling import KINDS, SDK
from tests.support.ways import ANSWERS, STREAMS, streaming_unread

WAV = ("hello.wav", silence())
HELLO = {"text": "Hello"}
WAV_TYPE = mimetypes.guess_type("hello.wav")[0]
SOUND = {"type": "blob", "modality": "audio", "mime_type": WAV_TYPE, "name": "hello.wav"}


def described(content):
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def spoken(*parts):
    return {"messages": [{"role": "assistant", "parts": [*parts]}]}


def heard(*parts):
    return {"messages": [{"role": "user", "parts": [*parts]}]}


DOT = {"type": "blob", "modality": "image", "mime_type": "image/png"} | described(base64.b64decode(dot()))
LINK = {"type": "uri", "modality": "image", "uri": "https://images.example.com/img-#.png"}
SPEECH = {"type": "blob", "modality": "audio", "mime_type": "audio/mpeg"} | described(silence())
VERDICT = {"type": "moderation"} | _verdict("I attack")
IMAGE_USAGE = {
    "input_tokens": 4,
    "input_tokens_details": {"text_tokens": 4, "image_tokens": 0},
    "output_tokens": 272,
    "total_tokens": 276,
}
IMAGE_TOKENS = {"prompt": 4, "completion": 272, "total": 276}
HEARD_TOKENS = {"prompt": 30, "completion": 17, "total": 47, "audio_prompt": 30}


class Endpoint(NamedTuple):
    """What is asked of an endpoint, and what the log says of the question and the answer."""

    function: str
    arguments: dict[str, Any]
    asked: dict[str, Any]
    answered: dict[str, Any]
    usage: dict[str, Any] | None = None
    tokens: dict[str, int] | None = None
    request: dict[str, Any] | None = None


ENDPOINTS = {
    "images.generate": Endpoint(
        "images.generate",
        {"model": "gpt-image-1", "prompt": "Hello", "size": "1024x1024"},
        HELLO,
        spoken(DOT),
        IMAGE_USAGE,
        IMAGE_TOKENS,
        request={"size": "1024x1024"},
    ),
    "two links": Endpoint(
        "images.generate",
        {"model": "dall-e-3", "prompt": "Hello", "n": 2},
        HELLO,
        spoken(LINK, LINK),
        request={"n": 2},
    ),
    "images.edit": Endpoint(
        "images.edit",
        {"model": "gpt-image-1", "prompt": "Hello", "image": ("dot.png", base64.b64decode(dot()))},
        {"text": "Hello"} | heard({"type": "text", "content": "Hello"}, DOT | {"name": "dot.png"}),
        spoken(DOT),
        IMAGE_USAGE,
        IMAGE_TOKENS,
    ),
    "audio.transcriptions": Endpoint(
        "audio.transcriptions.create",
        {"model": "gpt-4o-transcribe", "file": WAV},
        heard(SOUND | described(WAV[1])),
        {"text": TRANSCRIPT},
        TRANSCRIPT_USAGE,
        HEARD_TOKENS,
    ),
    "as text": Endpoint(
        "audio.transcriptions.create",
        {"model": "whisper-1", "file": WAV, "response_format": "text"},
        heard(SOUND | described(WAV[1])),
        {"text": TRANSCRIPT},
        request={"response_format": "text"},
    ),
    "audio.speech": Endpoint(
        "audio.speech.create",
        {"model": "tts-1", "input": "Hello", "voice": "alloy"},
        HELLO,
        spoken(SPEECH),
        request={"voice": "alloy"},
    ),
    "moderations": Endpoint(
        "moderations.create",
        {"model": "text-moderation-stable", "input": "I attack"},
        {"text": "I attack"},
        spoken(VERDICT),
    ),
}
WAYS = ("plain", "raw", "streaming.read", "streaming.iter_bytes", "streaming.parse", "streaming.json")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ENDPOINTS)
def test_an_endpoint(compare, name, way, kind):
    endpoint = ENDPOINTS[name]
    log = compare(kind, ANSWERS[way], endpoint.function, endpoint.arguments)
    assert log.normalized() == [prompt(endpoint), completion(endpoint)]


def prompt(endpoint):
    model = endpoint.arguments["model"]
    return {
        "session_id": 0,
        "actor": {"type": "human", "id": "user"},
        "action": "prompt",
        "content": endpoint.asked,
        "provenance": provenance(endpoint),
        "extensions": {"model": model} | ({"request": endpoint.request} if endpoint.request else {}),
    }


def completion(endpoint, **more):
    model = endpoint.arguments["model"]
    metrics = {"tokens": endpoint.tokens, "cost_usd": True} if endpoint.tokens else {}
    answered = {"request_id": "req_#"} | (
        {"response_id": "modr-#"} if "moderations" in endpoint.function else {}
    )
    return {
        "session_id": 0,
        "actor": {"type": "agent", "id": model},
        "action": "completion",
        "content": endpoint.answered,
        "metrics": metrics,
        "provenance": provenance(endpoint) | answered,
        "extensions": {"reply_to": 0, "model": model, "status_code": 200}
        | ({"usage": endpoint.usage} if endpoint.usage else {})
        | more,
    }


def provenance(endpoint):
    operation = endpoint.function.removesuffix(".create")
    known = {"provider": "openai", "operation": operation, "model": endpoint.arguments["model"]}
    return known | {"sdk": SDK, "server": "127.0.0.1"}


# --- their streams


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "way", ["stream", "raw stream", "streaming.stream", "streaming.iter_lines of a stream"]
)
@pytest.mark.parametrize("name", ["images.generate", "audio.transcriptions"])
def test_a_stream(compare, name, way, kind):
    endpoint = ENDPOINTS[name]
    log = compare(kind, STREAMS[way], endpoint.function, endpoint.arguments)
    texts = pieces(TRANSCRIPT) if "audio" in name else []
    asked, *chunks, answer = log.normalized()
    assert asked == prompt(endpoint)
    assert [chunk["content"]["text"] for chunk in chunks] == texts
    assert answer == completion(endpoint, chunks=len(texts))


# --- embeddings: one event a call

EMBEDDED = {  # input: content, count, tokens
    "one text": ("Hello", {"text": "Hello"}, 1, 1),
    "two texts": (
        ["Hello", "you"],
        heard({"type": "text", "content": "Hello"}, {"type": "text", "content": "you"}),
        2,
        2,
    ),
    "token ids": ([1, 2], heard({"type": "token_ids", "content": [1, 2]}), 1, 5),
}
EMBEDDING = {"model": "text-embedding-3-small", "dimensions": 8}


def embedding(content, count, tokens, request):
    if count > 1:  # one message an input
        [message] = content["messages"]
        content = {"messages": [message | {"parts": [part]} for part in message["parts"]]}
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {
        "session_id": 0,
        "actor": {"type": "agent", "id": "text-embedding-3-small"},
        "action": "embedding",
        "content": content,
        "metrics": {"tokens": {"prompt": tokens, "total": tokens}, "cost_usd": True},
        "provenance": {
            "provider": "openai",
            "operation": "embeddings",
            "model": "text-embedding-3-small",
            "sdk": SDK,
            "server": "127.0.0.1",
            "request_id": "req_#",
        },
        "extensions": {
            "model": "text-embedding-3-small",
            "dimensions": 8,
            "inputs": count,
            "request": request,
            "usage": usage,
            "status_code": 200,
        },
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", EMBEDDED)
def test_an_embedding(compare, name, way, kind):
    given, content, count, tokens = EMBEDDED[name]
    log = compare(kind, ANSWERS[way], "embeddings.create", EMBEDDING | {"input": given})
    request = {key: log.sent[key] for key in log.sent if key not in ("model", "input")}
    assert log.normalized() == [embedding(content, count, tokens, request)]


@pytest.mark.parametrize("kind", KINDS)
def test_an_embedding_is_left_unread(compare, kind):
    [event] = compare(kind, streaming_unread, "embeddings.create", EMBEDDING | {"input": "Hello"}).events
    assert (event["action"], event["content"]) == ("embedding", {"text": "Hello"})
    assert (event["extensions"]["partial"], event["extensions"]["ended"]) == (True, "closed")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
def test_an_embedding_fails(compare, way, kind):
    [event] = compare(kind, ANSWERS[way], "embeddings.create", {"model": "fail-500", "input": "Hello"}).events
    assert (event["action"], event["extensions"]["status_code"]) == ("system", 500)
    assert "reply_to" not in event["extensions"]
