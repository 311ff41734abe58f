"""Gemini's other endpoints: embeddings, and images that are generated or edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilt_autolog.contracts.media import blob_part
from hilt_autolog.contracts.model import Response, new_message, text_part
from hilt_autolog.contracts.sdk_objects import count_or_none, fields, jsonable, list_or_empty, text_or_none

from .answers import parse_tokens
from .contents import get_key, parse_parts

if TYPE_CHECKING:
    from hilt_autolog.contracts.types import JsonMapping, Message, Part


# --- embeddings


def parse_embedding_inputs(body: JsonMapping) -> list[Message]:
    """Return one message for each input to embed."""
    requests = map(fields, list_or_empty(body.get("requests")))
    contents = [fields(request.get("content")) for request in requests] or [fields(body.get("content"))]
    return [new_message("user", parse_parts(content)) for content in contents if content]


def parse_embedding(body: JsonMapping) -> Response:
    """Parse the response of `embedContent` and `batchEmbedContents`: the length of its vectors."""
    embeddings = list_or_empty(body.get("embeddings")) or [body.get("embedding")]
    response = _embedding_response(fields(embeddings[0]).get("values"))
    if usage := fields(get_key(body, "usageMetadata")):
        response.usage, response.tokens = jsonable(usage), parse_tokens(usage)
    return response


def parse_predicted_embedding(body: JsonMapping) -> Response:
    """Parse the embeddings of a prediction on Vertex; each one has its own count of tokens."""
    predictions = map(fields, list_or_empty(body.get("predictions")))
    embeddings = [fields(prediction.get("embeddings")) for prediction in predictions]
    response = _embedding_response(embeddings[0].get("values") if embeddings else None)
    statistics = [fields(embedding.get("statistics")) for embedding in embeddings]
    counts = [count_or_none(get_key(source, "tokenCount")) for source in statistics]
    if tokens := sum(count for count in counts if count is not None):
        response.tokens = {"prompt": tokens, "total": tokens}
    if metadata := fields(body.get("metadata")):
        response.usage = jsonable(metadata)
    return response


def _embedding_response(values: object) -> Response:
    vector = list_or_empty(values)
    return Response.of(dimensions=len(vector)) if vector else Response()


# --- predictions: embeddings on Vertex, and images


def parse_instances(body: JsonMapping) -> list[Message]:
    """Return one message for each instance: a text to embed, or the prompt and the images for an image."""
    return [
        new_message("user", [*_prompt_parts(instance), *_image_parts(instance)])
        for instance in map(fields, list_or_empty(body.get("instances")))
    ]


def _prompt_parts(instance: JsonMapping) -> list[Part]:
    text = instance.get("content") or instance.get("prompt")
    return [text_part(text)] if isinstance(text, str) else []


def _image_parts(instance: JsonMapping) -> list[Part]:
    parts = [_image_part(fields(instance["image"]))] if instance.get("image") else []
    for reference in map(fields, list_or_empty(get_key(instance, "referenceImages"))):
        kind = text_or_none(get_key(reference, "referenceType"))
        label: Part = {"reference": kind} if kind else {}
        parts.append(_image_part(fields(get_key(reference, "referenceImage"))) | label)
    return parts


def _image_part(image: JsonMapping) -> Part:
    if uri := text_or_none(get_key(image, "gcsUri")):
        return {"type": "uri", "modality": "image", "uri": uri}
    return blob_part("image", text_or_none(get_key(image, "mimeType")), get_key(image, "bytesBase64Encoded"))


def parse_images(body: JsonMapping) -> Response:
    """Parse the images of a prediction; those that a filter has removed become refusals."""
    images = list(map(fields, list_or_empty(body.get("predictions"))))
    parts = [
        _generated_part(image)
        for image in images
        if get_key(image, "bytesBase64Encoded") or get_key(image, "gcsUri")
    ]
    reasons = filter(None, (text_or_none(get_key(image, "raiFilteredReason")) for image in images))
    parts += [{"type": "refusal", "content": reason} for reason in reasons]
    return Response.of(messages=[new_message("assistant", parts)] if parts else [])


def _generated_part(image: JsonMapping) -> Part:
    revised_prompt = text_or_none(image.get("prompt"))
    return _image_part(image) | ({"revised_prompt": revised_prompt} if revised_prompt else {})
