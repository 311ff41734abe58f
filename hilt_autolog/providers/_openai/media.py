"""OpenAI's endpoints beside the chat: embeddings, images, audio, moderations and legacy prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.media import blob_part, upload_part, url_part
from hilt_autolog.contracts.model import Delta, Response, new_message, provider_part, text_part
from hilt_autolog.contracts.sdk_objects import fields, jsonable, text_or_none

from .chat import content_parts, sequence
from .usage import tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hilt_autolog.contracts.types import Message, Part


def _inputs(body: Mapping[str, Any], key: str) -> list[Message]:
    """Return an input that may be one text, several, or token ids, as a user's messages: one an input."""
    given = body.get(key)
    several = sequence(given)
    if isinstance(given, str) or (several and isinstance(several[0], int)):
        several = [given]
    return [new_message("user", [_input_part(one)]) for one in several]


def _input_part(given: Any) -> Part:
    if isinstance(given, str):
        return text_part(given)
    if isinstance(given, list):
        return provider_part({"type": "token_ids", "content": given})
    return content_parts([given])[0]


def embedding_inputs(body: Mapping[str, Any]) -> list[Message]:
    return _inputs(body, "input")


def legacy_prompts(body: Mapping[str, Any]) -> list[Message]:
    return _inputs(body, "prompt")


def spoken_prompt(body: Mapping[str, Any]) -> list[Message]:
    """Return the words of a request and the files that came with it as one message of the user's."""
    words = text_or_none(body.get("prompt")) or text_or_none(body.get("input"))
    parts = [text_part(words)] if words else []
    return [new_message("user", [*parts, *body.get("files", ())])]


def moderated(body: Mapping[str, Any]) -> list[Message]:
    given = body.get("input")
    if any(isinstance(one, dict) for one in sequence(given)):
        return [new_message("user", content_parts(given))]
    return _inputs(body, "input")


def files(modality: str) -> Any:
    def read(files: Any) -> dict[str, Any]:
        pairs = files.items() if isinstance(files, dict) else sequence(files)
        return {"files": [upload_part(modality, given) for _, given in pairs]}

    return read


def embedding_reply(body: Mapping[str, Any]) -> Response:
    vectors = sequence(body.get("data"))
    first = fields(vectors[0]).get("embedding") if vectors else None
    reply = Response(input_count=len(vectors), dimensions=_dimensions(first))
    return _with_envelope(reply, body)


def _dimensions(vector: Any) -> int | None:
    """Return the length of a vector; on the wire it may be base64 of four-byte floats."""
    if isinstance(vector, str):
        return (len(vector.rstrip("=")) * 3 // 4) // 4
    return len(sequence(vector)) or None


def image_reply(body: Mapping[str, Any]) -> Response:
    form = body.get("output_format") or "png"
    parts = [_image(fields(one), form) for one in sequence(body.get("data"))]
    return _with_envelope(Response(messages=[new_message("assistant", parts)] if parts else []), body)


def _image(given: Mapping[str, Any], form: Any) -> Part:
    inline = given.get("b64_json")
    part = blob_part("image", f"image/{form}", inline) if inline else url_part("image", given.get("url"))
    revised = given.get("revised_prompt")
    return part | {"revised_prompt": revised} if revised else part


def transcript_reply(body: Mapping[str, Any]) -> Response:
    text = text_or_none(body.get("text"))
    reply = Response(messages=[new_message("assistant", [text_part(text)])] if text else [], text=text)
    return _with_envelope(reply, body)


def transcript_text(content: bytes, _kind: str) -> Response:
    return transcript_reply({"text": content.decode("utf-8", "replace").removesuffix("\n")})


def speech(content: bytes, kind: str) -> Response:
    mime_type = kind.partition(";")[0] or None
    return Response(messages=[new_message("assistant", [blob_part("audio", mime_type, content)])])


def moderation_reply(body: Mapping[str, Any]) -> Response:
    results = map(fields, sequence(body.get("results")))
    parts = [provider_part({"type": "moderation", **jsonable(result)}) for result in results]
    return _with_envelope(Response(messages=[new_message("assistant", parts)] if parts else []), body)


def _with_envelope(reply: Response, body: Mapping[str, Any]) -> Response:
    reply.model = text_or_none(body.get("model"))
    reply.response_id = text_or_none(body.get("id"))
    if usage := fields(body.get("usage")):
        reply.usage, reply.tokens = jsonable(usage), tokens(usage)
    return reply


class _EventAccumulator:
    """Accumulates a stream whose events are `<topic>.delta` with text and an end with the whole."""

    def __init__(self) -> None:
        self.finished = False
        self._end: dict[str, Any] = {}
        self._said: list[str] = []

    def add(self, chunk: Any) -> list[Delta]:
        """Take an event; text comes under `delta`, the end is the event that is done or completed."""
        event = fields(chunk)
        kind = str(event.get("type"))
        if kind.endswith((".done", ".completed")):
            self._end, self.finished = event, True
        elif kind.endswith("text.delta") and isinstance(event.get("delta"), str):
            self._said.append(event["delta"])
            return [("text", event["delta"], 0)]
        return []


class TranscriptAccumulator(_EventAccumulator):
    def response(self) -> Response:
        """Return the transcript as far as it has come."""
        return transcript_reply({"text": "".join(self._said), **self._end})


class ImageAccumulator(_EventAccumulator):
    def response(self) -> Response:
        """Return the finished image; the partial ones before it are sketches."""
        return image_reply({**self._end, "data": [self._end] if self._end else []})
