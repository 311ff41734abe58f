"""Items and responses of OpenAI's Realtime protocol, converted to the form of its Responses protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilt_autolog.contracts.media import StreamedMedia, blob_part
from hilt_autolog.contracts.model import new_message, text_part
from hilt_autolog.contracts.sdk_objects import fields, list_or_empty, text_or_none

from .responses import ResponseAccumulator, response_messages

if TYPE_CHECKING:
    from hilt_autolog.contracts.model import Delta, Response
    from hilt_autolog.contracts.types import JsonMapping, JsonObject, Message, Part


_OUTPUT_AUDIO = ("output_audio", "audio")  # types of a content piece: of the current API, and of the beta
_MIME_TYPES = {"pcm16": "audio/pcm", "g711_ulaw": "audio/pcmu", "g711_alaw": "audio/pcma"}
_DEFAULT_MIME_TYPE = "audio/pcm"


def item_message(item: JsonMapping, mime_type: str) -> Message:
    """Return a conversation item as a message; its audio as the transcript and a blob of `mime_type`."""
    pieces = [fields(piece) for piece in list_or_empty(item.get("content"))]
    audio_pieces = [piece for piece in pieces if piece.get("type") == "input_audio"]
    if audio_pieces:
        item = {**item, "content": [piece for piece in pieces if piece not in audio_pieces]}
    [message] = response_messages({"input": [as_response_item(item)]})
    for piece in audio_pieces:
        message["parts"] += _audio_parts(piece, mime_type)
    return message


def _audio_parts(piece: JsonMapping, mime_type: str) -> list[Part]:
    transcript = text_or_none(piece.get("transcript"))
    audio = blob_part("audio", mime_type, piece.get("audio"))
    return [text_part(transcript), audio] if transcript else [audio]


def as_response(response: JsonMapping) -> JsonObject:
    """Return a response in the form of the Responses protocol."""
    details = fields(response.get("status_details"))
    output = [as_response_item(fields(item)) for item in list_or_empty(response.get("output"))]
    converted = {**response, "output": output}
    if response.get("status") == "incomplete":
        converted["incomplete_details"] = {"reason": details.get("reason")}
    return converted | {"error": details.get("error")}


def as_response_item(item: JsonMapping) -> JsonObject:
    """Return an item in the form of the Responses protocol: with the transcript of its audio as its text."""
    content = item.get("content")
    if not isinstance(content, list):
        return dict(item)
    pieces = [_response_piece(fields(piece)) for piece in content]
    return {**item, "content": [piece for piece in pieces if piece]}


def _response_piece(piece: JsonObject) -> JsonObject:
    if piece.get("type") not in _OUTPUT_AUDIO:
        return piece
    transcript = text_or_none(piece.get("transcript"))
    return {"type": "output_text", "text": transcript} if transcript else {}


def audio_mime_type(config: JsonMapping, direction: str) -> str:
    """Return the MIME type of audio; the protocol's default is `audio/pcm`.

    Args:
        config: of a session or a response.
        direction: "input" or "output".
    """
    audio_config = fields(fields(config.get("audio")).get(direction))
    audio_format = audio_config.get("format") or config.get(
        f"{direction}_audio_format"
    )  # else the beta API's
    name = text_or_none(fields(audio_format).get("type")) or text_or_none(audio_format)
    return _DEFAULT_MIME_TYPE if name is None else _MIME_TYPES.get(name, name)


_AUDIO_DELTAS = ("response.output_audio.delta", "response.audio.delta")
# Event type -> that of the same event in the Responses protocol; without "output" in the beta API.
_RESPONSE_EVENTS = {
    "response.text.delta": "response.output_text.delta",
    "response.audio_transcript.delta": "response.output_text.delta",
    "response.output_audio_transcript.delta": "response.output_text.delta",
}


class RealtimeAccumulator(ResponseAccumulator):
    """Accumulates the events of one response; its audio is counted and hashed, but not kept."""

    __slots__ = ("_audio", "_mime_type")

    def __init__(self, mime_type: str) -> None:
        super().__init__()
        self._mime_type = mime_type
        self._audio: dict[str, StreamedMedia] = {}  # by item id and content index

    def add(self, chunk: object) -> list[Delta]:
        """Add an event; return the new text in it, which audio has none of."""
        event = fields(chunk)
        kind = str(event.get("type"))
        if kind in _AUDIO_DELTAS:
            key = f"{event.get('item_id')} {event.get('content_index')}"
            self._audio.setdefault(key, StreamedMedia()).add(event.get("delta"))
            return []
        converted: JsonObject = {**event, "type": _RESPONSE_EVENTS.get(kind, kind)}
        if "response" in event:
            converted["response"] = as_response(fields(event["response"]))
        if "item" in event:
            converted["item"] = as_response_item(fields(event["item"]))
        deltas = super().add(converted)
        if fields(event.get("response")).get("status") == "cancelled":
            self.finished = False  # `response.done` arrives for cancelled responses too
        return deltas

    def response(self) -> Response:
        """Return the response so far."""
        response = super().response()
        parts = [audio.part("audio", self._mime_type) for audio in self._audio.values()]
        if parts and response.messages:
            response.messages[0]["parts"] += parts
        elif parts:
            response.messages = [new_message("assistant", parts)]
        return response
