"""OpenAI's endpoints besides chat: embeddings, images, audio, moderations and legacy completions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.media import blob_part, upload_part, url_part
from hilt_autolog.contracts.model import Delta, Response, new_message, provider_part, text_part
from hilt_autolog.contracts.sdk_objects import fields, jsonable, list_or_empty, text_or_none

from .chat import content_parts
from .usage import tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.types import JsonMapping, JsonObject, Message, Part


# --- requests


def embedding_messages(body: JsonMapping) -> list[Message]:
    """Return one user message for each input of an embedding request."""
    return _input_messages(body.get("input"))


def completion_messages(body: JsonMapping) -> list[Message]:
    """Return one user message for each prompt of a legacy completion request."""
    return _input_messages(body.get("prompt"))


def moderation_messages(body: JsonMapping) -> list[Message]:
    """Return one user message for the typed pieces of a moderation request, or one for each text."""
    content = body.get("input")
    if any(isinstance(item, dict) for item in list_or_empty(content)):
        return [new_message("user", content_parts(content))]
    return _input_messages(content)


def media_messages(body: JsonMapping) -> list[Message]:
    """Return the prompt of an image or audio request, and its files, as one user message."""
    text = text_or_none(body.get("prompt")) or text_or_none(body.get("input"))
    parts = [text_part(text)] if text else []
    return [new_message("user", [*parts, *body.get("files", ())])]


def file_parser(modality: str) -> Callable[[object], JsonObject]:
    """Return one user message for typed pieces of a moderation request, or one for each text."""

    def parse_files(files: object) -> JsonObject:
        pairs = files.items() if isinstance(files, dict) else list_or_empty(files)
        return {"files": [upload_part(modality, file) for _, file in pairs]}

    return parse_files


def _input_messages(content: Any) -> list[Message]:
    """Return one user message for each input: a text, a list of texts, token ids, or a list of such lists."""
    inputs = list_or_empty(content)
    if isinstance(content, str) or (inputs and isinstance(inputs[0], int)):
        inputs = [content]
    return [new_message("user", [_input_part(item)]) for item in inputs]


def _input_part(item: object) -> Part:
    if isinstance(item, str):
        return text_part(item)
    if isinstance(item, list):
        return provider_part({"type": "token_ids", "content": item})
    return content_parts([item])[0]


# --- responses


def embedding_response(body: JsonMapping) -> Response:
    """Read the number and the dimensions of embeddings; the vectors themselves are not kept."""
    vectors = list_or_empty(body.get("data"))
    first = fields(vectors[0]).get("embedding") if vectors else None
    return _with_metadata(Response.of(input_count=len(vectors), dimensions=_dimensions(first)), body)


def _dimensions(vector: object) -> int | None:
    """Return the length of a vector: a list, or base64 of four-byte floats.

    openai 3.57 lib/_parsing/_embeddings.py: `prepare_embedding_request` asks for base64 by default.
    """
    if isinstance(vector, str):
        return (len(vector.rstrip("=")) * 3 // 4) // 4
    return len(list_or_empty(vector)) or None


def image_response(body: JsonMapping) -> Response:
    """Read generated images."""
    image_format = body.get("output_format") or "png"
    parts = [_image_part(fields(image), image_format) for image in list_or_empty(body.get("data"))]
    return _with_metadata(_assistant_response(parts), body)


def _image_part(image: JsonMapping, image_format: str) -> Part:
    base64_data = image.get("b64_json")
    if base64_data:
        part = blob_part("image", f"image/{image_format}", base64_data)
    else:
        part = url_part("image", image.get("url"))
    if image.get("revised_prompt"):
        part["revised_prompt"] = image["revised_prompt"]
    return part


def transcript_response(body: JsonMapping) -> Response:
    """Read a transcription or translation that is JSON."""
    text = text_or_none(body.get("text"))
    response = _assistant_response([text_part(text)] if text else [])
    response.text = text
    return _with_metadata(response, body)


def transcript_from_text(content: bytes, _content_type: str) -> Response:
    """Read a transcription whose `response_format` is no JSON: text, srt or vtt."""
    return transcript_response({"text": content.decode("utf-8", "replace").removesuffix("\n")})


def speech_response(content: bytes, content_type: str) -> Response:
    """Read generated speech."""
    return _assistant_response([blob_part("audio", content_type.partition(";")[0] or None, content)])


def moderation_response(body: JsonMapping) -> Response:
    """Read the verdicts of a moderation."""
    results = map(fields, list_or_empty(body.get("results")))
    parts = [provider_part({"type": "moderation", **jsonable(result)}) for result in results]
    return _with_metadata(_assistant_response(parts), body)


def _assistant_response(parts: list[Part]) -> Response:
    return Response.of(messages=[new_message("assistant", parts)] if parts else [])


def _with_metadata(response: Response, body: JsonMapping) -> Response:
    response.model = text_or_none(body.get("model"))
    response.response_id = text_or_none(body.get("id"))
    if usage := fields(body.get("usage")):
        response.usage, response.tokens = jsonable(usage), tokens(usage)
    return response


# --- streams


class _EventAccumulator:
    """Accumulates a stream of events `<topic>.delta` with text and one `<topic>.done` or `.completed`."""

    def __init__(self) -> None:
        self.finished = False
        self._last_event: JsonObject = {}
        self._texts: list[str] = []

    def add(self, chunk: object) -> list[Delta]:
        """Add an event; return its text, if any."""
        event = fields(chunk)
        kind = str(event.get("type"))
        if kind.endswith((".done", ".completed")):
            self._last_event, self.finished = event, True
        elif kind.endswith("text.delta") and isinstance(event.get("delta"), str):
            self._texts.append(event["delta"])
            return [("text", event["delta"], 0)]
        return []


class TranscriptAccumulator(_EventAccumulator):
    """Accumulates the events of a transcription."""

    def response(self) -> Response:
        """Return the transcript so far."""
        return transcript_response({"text": "".join(self._texts), **self._last_event})


class ImageAccumulator(_EventAccumulator):
    """Accumulates the events of an image generation; partial images are previews and are not kept."""

    def response(self) -> Response:
        """Return the image, if it is complete."""
        return image_response({**self._last_event, "data": [self._last_event] if self._last_event else []})
