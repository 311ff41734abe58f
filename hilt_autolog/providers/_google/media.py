"""Gemini's endpoints beside the chat: embeddings, and images that are made or changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.media import blob_part
from hilt_autolog.contracts.model import Response, new_message, text_part
from hilt_autolog.contracts.sdk_objects import count_or_none, fields, jsonable, text_or_none

from .answers import tokens
from .contents import at, parts_of, sequence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hilt_autolog.contracts.types import Message, Part


# --- embeddings


def embedded(body: Mapping[str, Any]) -> list[Message]:
    """Return what is to be embedded: one message an input."""
    requests = map(fields, sequence(body.get("requests")))
    contents = [fields(one.get("content")) for one in requests] or [fields(body.get("content"))]
    return [new_message("user", parts_of(content)) for content in contents if content]


def embedding(body: Mapping[str, Any]) -> Response:
    """Read the vectors of an answer: how long they are."""
    vectors = sequence(body.get("embeddings")) or [body.get("embedding")]
    known = _sized(sequence(fields(vectors[0]).get("values")))
    if usage := fields(at(body, "usageMetadata")):
        known.usage, known.tokens = jsonable(usage), tokens(usage)
    return known


def predicted_embedding(body: Mapping[str, Any]) -> Response:
    """Read the vectors of a prediction, as Vertex makes them; each comes with its count of tokens."""
    vectors = [fields(fields(one).get("embeddings")) for one in sequence(body.get("predictions"))]
    known = _sized(sequence(vectors[0].get("values")) if vectors else ())
    counts = [count_or_none(at(fields(one.get("statistics")), "tokenCount")) for one in vectors]
    if read := sum(count for count in counts if count is not None):
        known.tokens = {"prompt": read, "total": read}
    if about := fields(body.get("metadata")):
        known.usage = jsonable(about)
    return known


def _sized(vector: Any) -> Response:
    return Response(dimensions=len(vector)) if vector else Response()


# --- predictions: embeddings on Vertex, and images


def instances(body: Mapping[str, Any]) -> list[Message]:
    """Return what a prediction is about: a text to embed, or words and images to make an image of."""
    return [
        new_message("user", [*_words(one), *_images(one)])
        for one in map(fields, sequence(body.get("instances")))
    ]


def _words(instance: Mapping[str, Any]) -> list[Part]:
    words = instance.get("content") or instance.get("prompt")
    return [text_part(words)] if isinstance(words, str) else []


def _images(instance: Mapping[str, Any]) -> list[Part]:
    parts = [_image(fields(instance["image"]))] if instance.get("image") else []
    for one in map(fields, sequence(at(instance, "referenceImages"))):
        about: Part = {"reference": kind} if (kind := text_or_none(at(one, "referenceType"))) else {}
        parts.append(_image(fields(at(one, "referenceImage"))) | about)
    return parts


def _image(given: Mapping[str, Any]) -> Part:
    if uri := text_or_none(at(given, "gcsUri")):
        return {"type": "uri", "modality": "image", "uri": uri}
    return blob_part("image", text_or_none(at(given, "mimeType")), at(given, "bytesBase64Encoded"))


def images(body: Mapping[str, Any]) -> Response:
    """Read the images of a prediction."""
    given = list(map(fields, sequence(body.get("predictions"))))
    parts = [_made(one) for one in given if at(one, "bytesBase64Encoded") or at(one, "gcsUri")]
    reasons = filter(None, (text_or_none(at(one, "raiFilteredReason")) for one in given))
    parts += [{"type": "refusal", "content": reason} for reason in reasons]
    return Response(messages=[new_message("assistant", parts)] if parts else [])


def _made(given: Mapping[str, Any]) -> Part:
    revised = text_or_none(given.get("prompt"))
    return _image(given) | ({"revised_prompt": revised} if revised else {})
