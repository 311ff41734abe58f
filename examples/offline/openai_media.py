"""OpenAI's endpoints that hold no conversation: vectors, images, sound, moderation, the list of models."""

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
from offline.openai_envelope import BASE, EXACT_NAMES, error, exact, now, read_tokens, text_of
from offline.wire import Answer, Request, Stream, as_json, frame, new_id

if TYPE_CHECKING:
    from collections.abc import Callable

Payload = dict[str, Any]
DIMENSIONS = {"text-embedding-3-large": 3072}
DOT_TOKENS = 272
HARM = ("attack", "hurt", "kill")
CATEGORIES = ("harassment", "hate", "illicit", "self-harm", "sexual", "violence", "violence/graphic")
SOUND_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", "opus": "audio/opus", "flac": "audio/flac"}
HEARD = "This recording has a name and a size, and nobody has listened to it."
HEARD_USAGE = {
    "type": "tokens",
    "input_tokens": 30,
    "input_token_details": {"text_tokens": 0, "audio_tokens": 30},
    "output_tokens": tokens(HEARD),
    "total_tokens": 30 + tokens(HEARD),
}
HEARD_VERBOSELY = {
    "task": "transcribe",
    "language": "english",
    "duration": 2.5,
    "text": HEARD,
    "segments": [
        {
            "id": 0,
            "seek": 0,
            "start": 0.0,
            "end": 2.5,
            "text": HEARD,
            "tokens": [],
            "temperature": 0.0,
            "avg_logprob": -0.2,
            "compression_ratio": 1.0,
            "no_speech_prob": 0.0,
        }
    ],
    "usage": {"type": "duration", "seconds": 3},
}


# --- vectors


def embeddings(request: Request) -> Answer:
    """Answer POST /embeddings: a unit vector that depends on the text alone."""
    body = request.body
    inputs = _inputs(body["input"])
    length = body.get("dimensions") or DIMENSIONS.get(body["model"], 1536)
    spell: Callable[[list[float]], Any] = _base64_floats if body.get("encoding_format") == "base64" else list
    data = [
        {"object": "embedding", "index": index, "embedding": spell(vector(text, length))}
        for index, text in enumerate(inputs)
    ]
    read = sum(tokens(text) for text in inputs)
    usage = {"prompt_tokens": read, "total_tokens": read}
    return as_json({"object": "list", "data": data, "model": body["model"], "usage": usage})


def _inputs(given: Any) -> list[str]:
    """Return the inputs as texts: one text or several, or one list of token numbers or several."""
    several = isinstance(given, list) and not (given and isinstance(given[0], int))
    return [one if isinstance(one, str) else str(one) for one in (given if several else [given])]


def vector(text: str, length: int) -> list[float]:
    """Return a unit vector that depends on the text alone."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
    values = [math.sin(seed + 37.0 * n) for n in range(length)]
    norm = math.hypot(*values)
    return [value / norm for value in values]


def _base64_floats(values: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


# --- images


def images(request: Request) -> Answer | Stream:
    """Answer POST /images/generations, edits and variations with a grey dot."""
    body = request.body
    read = read_tokens([body.get("prompt", "")])
    usage = {
        "input_tokens": read,
        "input_tokens_details": {"text_tokens": read, "image_tokens": 0},
        "output_tokens": DOT_TOKENS,
        "total_tokens": read + DOT_TOKENS,
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


# --- sound


def transcription(request: Request) -> Answer | Stream:
    """Answer POST /audio/transcriptions and translations."""
    if str(request.body.get("stream")).lower() == "true":
        deltas = [frame({"type": "transcript.text.delta", "delta": piece}) for piece in pieces(HEARD)]
        done = frame({"type": "transcript.text.done", "text": HEARD, "usage": HEARD_USAGE})
        return Stream([*deltas, done, frame("[DONE]")], frame(error(500, request)))
    match request.body.get("response_format"):
        case "text":
            return _text(f"{HEARD}\n")
        case "srt":
            return _text(f"1\n00:00:00,000 --> 00:00:02,500\n{HEARD}\n\n")
        case "vtt":
            return _text(f"WEBVTT\n\n00:00.000 --> 00:02.500\n{HEARD}\n\n")
        case "verbose_json":
            return as_json(HEARD_VERBOSELY)
    return as_json({"text": HEARD, "usage": HEARD_USAGE})


def _text(text: str) -> Answer:
    return Answer(text.encode(), "text/plain; charset=utf-8")


def speech(request: Request) -> Answer:
    """Answer POST /audio/speech with silence; whatever format it is called, inside it is WAV."""
    shape = request.body.get("response_format", "mp3")
    return Answer(silence(), SOUND_TYPES.get(shape, "application/octet-stream"))


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


def moderations(request: Request) -> Answer:
    """Answer POST /moderations: some words are found violent."""
    given = request.body["input"]
    of_parts = isinstance(given, list) and given and isinstance(given[0], dict)
    texts = [text_of(given)] if of_parts else _inputs(given)
    model = request.body.get("model", "omni-moderation-latest")
    return as_json(
        {"id": new_id("modr-"), "model": exact(model), "results": [_verdict(text) for text in texts]}
    )


def _verdict(text: str) -> Payload:
    flagged = any(word in text.lower() for word in HARM)
    found = {name: flagged and name == "violence" for name in CATEGORIES}
    scores = {name: 0.98 if is_so else 0.001 for name, is_so in found.items()}
    return {"flagged": flagged, "categories": found, "category_scores": scores}


def models(request: Request) -> Answer:
    """Answer GET /models and /models/{model}."""
    names = [*EXACT_NAMES, "text-embedding-3-small"]
    known = [
        {"id": name, "object": "model", "created": 1_715_367_049, "owned_by": "offline"} for name in names
    ]
    wanted = request.body.get("model")
    if wanted is None:
        return as_json({"object": "list", "data": known})
    found = [model for model in known if model["id"] == wanted]
    return as_json(found[0]) if found else as_json(error(404, request), 404)


ROUTES = (
    ("POST", f"{BASE}/embeddings", embeddings),
    ("POST", f"{BASE}/images/(?:generations|edits|variations)", images),
    ("POST", f"{BASE}/audio/(?:transcriptions|translations)", transcription),
    ("POST", f"{BASE}/audio/speech", speech),
    ("POST", f"{BASE}/moderations", moderations),
    ("GET", r"(?:/openai)?/v1/models(?:/(?P<model>[^/]+))?", models),
)
