"""The items and responses of OpenAI's Realtime protocol, put as those of its Responses protocol are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.media import StreamedMedia, blob_part
from hilt_autolog.contracts.model import new_message, text_part
from hilt_autolog.contracts.sdk_objects import fields, text_or_none

from .chat import sequence
from .responses import ResponseAccumulator, response_messages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hilt_autolog.contracts.model import Delta, Response
    from hilt_autolog.contracts.types import Message, Part


_SPOKEN = ("output_audio", "audio")
_TYPES = {"pcm16": "audio/pcm", "g711_ulaw": "audio/pcmu", "g711_alaw": "audio/pcma"}
_STANDARD = "audio/pcm"


def item_message(item: Mapping[str, Any], mime_type: str) -> Message:
    """Return an item of the conversation as a message; of sound, its bytes and what is said in it."""
    pieces = [fields(piece) for piece in sequence(item.get("content"))]
    sounds = [piece for piece in pieces if piece.get("type") == "input_audio"]
    if sounds:
        item = {**item, "content": [piece for piece in pieces if piece not in sounds]}
    [read] = response_messages({"input": [as_response_item(item)]})
    read["parts"] += [part for piece in sounds for part in _heard(piece, mime_type)]
    return read


def _heard(piece: Mapping[str, Any], mime_type: str) -> list[Part]:
    said = text_or_none(piece.get("transcript"))
    return [*([text_part(said)] if said else []), blob_part("audio", mime_type, piece.get("audio"))]


def sound_message(part: Part) -> Message:
    """Return what the user said into the buffer as a message."""
    return new_message("user", [part])


def as_response(response: Mapping[str, Any]) -> dict[str, Any]:
    """Return a response in the shape that the Responses protocol gives it."""
    details = fields(response.get("status_details"))
    output = [as_response_item(fields(item)) for item in sequence(response.get("output"))]
    put = {**response, "output": output}
    if response.get("status") == "incomplete":
        put["incomplete_details"] = {"reason": details.get("reason")}
    return put | {"error": details.get("error")}


def as_response_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item with the words of its sound where the Responses protocol has its text."""
    content = item.get("content")
    if not isinstance(content, list):
        return dict(item)
    pieces = [_piece(fields(piece)) for piece in content]
    return {**item, "content": [piece for piece in pieces if piece]}


def _piece(piece: dict[str, Any]) -> dict[str, Any]:
    if piece.get("type") not in _SPOKEN:
        return piece
    words = text_or_none(piece.get("transcript"))
    return {"type": "output_text", "text": words} if words else {}


def sound_type(config: Mapping[str, Any], way: str) -> str:
    """Return the type of the sound that goes this way (`input`, `output`), as a session or a response has it.

    Until a session says another, it is the protocol's standard.
    """
    form = fields(fields(config.get("audio")).get(way)).get("format") or config.get(f"{way}_audio_format")
    name = text_or_none(fields(form).get("type")) or text_or_none(form)
    return _STANDARD if name is None else _TYPES.get(name, name)


_SOUND = ("response.output_audio.delta", "response.audio.delta")
# What the Responses protocol calls the same.
_NAMES = {
    "response.text.delta": "response.output_text.delta",
    "response.audio_transcript.delta": "response.output_text.delta",
    "response.output_audio_transcript.delta": "response.output_text.delta",
}


class RealtimeAccumulator(ResponseAccumulator):
    """Accumulates the events of one response; its sound is counted and hashed, and not kept."""

    __slots__ = ("_mime_type", "_sounds")

    def __init__(self, mime_type: str) -> None:
        super().__init__()
        self._mime_type = mime_type
        self._sounds: dict[str, StreamedMedia] = {}  # by item and place in it

    def add(self, chunk: Any) -> list[Delta]:
        """Take an event; sound says nothing that could be written down."""
        event = fields(chunk)
        kind = str(event.get("type"))
        if kind in _SOUND:
            place = f"{event.get('item_id')} {event.get('content_index')}"
            self._sounds.setdefault(place, StreamedMedia()).add(event.get("delta"))
            return []
        put: dict[str, Any] = {**event, "type": _NAMES.get(kind, kind)}
        if "response" in event:
            put["response"] = as_response(fields(event["response"]))
        if "item" in event:
            put["item"] = as_response_item(fields(event["item"]))
        deltas = super().add(put)
        if fields(event.get("response")).get("status") == "cancelled":
            self.finished = False  # it is over, but not whole
        return deltas

    def response(self) -> Response:
        """Return the answer as far as it has come."""
        reply = super().response()
        sounds = [sound.part("audio", self._mime_type) for sound in self._sounds.values()]
        if sounds and reply.messages:
            reply.messages[0]["parts"] += sounds
        elif sounds:
            reply.messages = [new_message("assistant", sounds)]
        return reply
