"""OpenAI's other endpoints: embeddings, images, audio, moderations, the list of models."""

from __future__ import annotations

import base64
import hashlib
import io
import math
import struct
import wave
import zlib
from typing import TYPE_CHECKING, Any

from offline.answers import pieces, tokens
from offline.openai_envelope import BASE, FULL_NAMES, error, full_name, input_tokens, now, text_of
from offline.wire import Request, Response, Stream, as_json, frame, new_id

if TYPE_CHECKING:
    from collections.abc import Callable

Payload = dict[str, Any]
DIMENSIONS = {"text-embedding-3-large": 3072}
DOT_TOKENS = 272
VIOLENT_WORDS = ("attack", "hurt", "kill")
CATEGORIES = ("harassment", "hate", "illicit", "self-harm", "sexual", "violence", "violence/graphic")
AUDIO_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", "opus": "audio/opus", "flac": "audio/flac"}
TRANSCRIPT = "This recording has a name and a size, and nobody has listened to it."
TRANSCRIPT_USAGE = {
    "type": "tokens",
    "input_tokens": 30,
    "input_token_details": {"text_tokens": 0, "audio_tokens": 30},
    "output_tokens": tokens(TRANSCRIPT),
    "total_tokens": 30 + tokens(TRANSCRIPT),
}
VERBOSE_TRANSCRIPT = {
    "task": "transcribe",
    "language": "english",
    "duration": 2.5,
    "text": TRANSCRIPT,
    "segments": [
        {
            "id": 0,
            "seek": 0,
            "start": 0.0,
            "end": 2.5,
            "text": TRANSCRIPT,
            "tokens": [],
            "temperature": 0.0,
            "avg_logprob": -0.2,
            "compression_ratio": 1.0,
            "no_speech_prob": 0.0,
        }
    ],
    "usage": {"type": "duration", "seconds": 3},
}


# --- embeddings


def embeddings(request: Request) -> Response:
    """Respond to POST /embeddings: a unit vector that depends on the text alone."""
    body = request.body
    inputs = _inputs(body["input"])
    length = body.get("dimensions") or DIMENSIONS.get(body["model"], 1536)
    encode: Callable[[list[float]], Any] = _base64_floats if body.get("encoding_format") == "base64" else list
    data = [
        {"object": "embedding", "index": index, "embedding": encode(vector(text, length))}
        for index, text in enumerate(inputs)
    ]
    count = sum(tokens(text) for text in inputs)
    usage = {"prompt_tokens": count, "total_tokens": count}
    return as_json({"object": "list", "data": data, "model": body["model"], "usage": usage})


def _inputs(value: Any) -> list[str]:
    """Return the inputs as texts: one text or several, or one list of token numbers or several."""
    are_several = isinstance(value, list) and not (value and isinstance(value[0], int))
    return [item if isinstance(item, str) else str(item) for item in (value if are_several else [value])]


def vector(text: str, length: int) -> list[float]:
    """Return a unit vector that depends on the text alone."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
    values = [math.sin(seed + 37.0 * n) for n in range(length)]
    norm = math.hypot(*values)
    return [value / norm for value in values]


def _base64_floats(values: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


# --- images


def images(request: Request) -> Response | Stream:
    """Respond to POST /images/generations, edits and variations: the image is a grey dot."""
    body = request.body
    prompt_tokens = input_tokens([body.get("prompt", "")])
    usage = {
        "input_tokens": prompt_tokens,
        "input_tokens_details": {"text_tokens": prompt_tokens, "image_tokens": 0},
        "output_tokens": DOT_TOKENS,
        "total_tokens": prompt_tokens + DOT_TOKENS,
    }
    if body.get("stream"):
        return _image_stream(request, usage)
    count = int(body.get("n") or 1)
    if "dall-e" in body.get("model", "dall-e-2") and body.get("response_format") != "b64_json":
        image = {"url": f"https://images.example.com/{new_id('img-')}.png"}
        return as_json({"created": now(), "data": [image] * count})
    return as_json({"created": now(), "data": [{"b64_json": dot()}] * count, "usage": usage})


def _image_stream(request: Request, usage: Payload) -> Stream:
    image = {"b64_json": dot(), "created_at": now(), "size": "1024x1024", "quality": "low"}
    image |= {"background": "opaque", "output_format": "png"}
    first, last = "image_generation.partial_image", "image_generation.completed"
    frames = [
        frame({"type": first, "partial_image_index": 0, **image}, first),
        frame({"type": last, "usage": usage, **image}, last),
    ]
    return Stream(frames, frame(error(500, request), "error"))


def dot() -> str:
    """Return a PNG of one grey pixel, in base64."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\x00\x80")),
        (b"IEND", b""),
    )
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return base64.b64encode(png).decode()


# --- audio


def transcription(request: Request) -> Response | Stream:
    """Respond to POST /audio/transcriptions and translations."""
    if str(request.body.get("stream")).lower() == "true":
        deltas = [frame({"type": "transcript.text.delta", "delta": piece}) for piece in pieces(TRANSCRIPT)]
        done = frame({"type": "transcript.text.done", "text": TRANSCRIPT, "usage": TRANSCRIPT_USAGE})
        return Stream([*deltas, done, frame("[DONE]")], frame(error(500, request)))
    match request.body.get("response_format"):
        case "text":
            return _text(f"{TRANSCRIPT}\n")
        case "srt":
            return _text(f"1\n00:00:00,000 --> 00:00:02,500\n{TRANSCRIPT}\n\n")
        case "vtt":
            return _text(f"WEBVTT\n\n00:00.000 --> 00:02.500\n{TRANSCRIPT}\n\n")
        case "verbose_json":
            return as_json(VERBOSE_TRANSCRIPT)
    return as_json({"text": TRANSCRIPT, "usage": TRANSCRIPT_USAGE})


def _text(text: str) -> Response:
    return Response(text.encode(), "text/plain; charset=utf-8")


def speech(request: Request) -> Response:
    """Respond to POST /audio/speech with silence, as WAV in any format."""
    audio_format = request.body.get("response_format", "mp3")
    return Response(silence(), AUDIO_TYPES.get(audio_format, "application/octet-stream"))


def silence() -> bytes:
    """Return a tenth of a second of silence, as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(1600))
    return file.getvalue()


# --- moderation and models


def moderations(request: Request) -> Response:
    """Respond to POST /moderations: some words count as violence."""
    value = request.body["input"]
    are_parts = isinstance(value, list) and value and isinstance(value[0], dict)
    texts = [text_of(value)] if are_parts else _inputs(value)
    model = request.body.get("model", "omni-moderation-latest")
    return as_json(
        {"id": new_id("modr-"), "model": full_name(model), "results": [_verdict(text) for text in texts]}
    )


def _verdict(text: str) -> Payload:
    flagged = any(word in text.lower() for word in VIOLENT_WORDS)
    categories = {name: flagged and name == "violence" for name in CATEGORIES}
    scores = {name: 0.98 if is_flagged else 0.001 for name, is_flagged in categories.items()}
    return {"flagged": flagged, "categories": categories, "category_scores": scores}


def list_models(request: Request) -> Response:
    """Respond to GET /models and /models/{model}."""
    names = [*FULL_NAMES, "text-embedding-3-small"]
    models = [
        {"id": name, "object": "model", "created": 1_715_367_049, "owned_by": "offline"} for name in names
    ]
    model_id = request.body.get("model")
    if model_id is None:
        return as_json({"object": "list", "data": models})
    matches = [model for model in models if model["id"] == model_id]
    return as_json(matches[0]) if matches else as_json(error(404, request), 404)


ROUTES = (
    ("POST", f"{BASE}/embeddings", embeddings),
    ("POST", f"{BASE}/images/(?:generations|edits|variations)", images),
    ("POST", f"{BASE}/audio/(?:transcriptions|translations)", transcription),
    ("POST", f"{BASE}/audio/speech", speech),
    ("POST", f"{BASE}/moderations", moderations),
    ("GET", r"(?:/openai)?/v1/models(?:/(?P<model>[^/]+))?", list_models),
)
