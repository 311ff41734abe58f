"""A response of OpenAI's Realtime protocol as it comes, with the sound in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.facts import message
from hilt_autolog.foreign import fields
from hilt_autolog.media import Pieces

from ._openai_realtime_items import as_response, as_response_item
from ._openai_responses_stream import ResponseFold

if TYPE_CHECKING:
    from hilt_autolog.facts import Delta, Reply

_SOUND = ("response.output_audio.delta", "response.audio.delta")
# What the Responses protocol calls the same.
_NAMES = {
    "response.text.delta": "response.output_text.delta",
    "response.audio_transcript.delta": "response.output_text.delta",
    "response.output_audio_transcript.delta": "response.output_text.delta",
}


class RealtimeFold(ResponseFold):
    """Accumulates the events of one response; its sound is counted and hashed, and not kept."""

    __slots__ = ("_mime_type", "_sounds")

    def __init__(self, mime_type: str) -> None:
        super().__init__()
        self._mime_type = mime_type
        self._sounds: dict[str, Pieces] = {}  # by item and place in it

    def take(self, chunk: Any) -> list[Delta]:
        """Take an event; sound says nothing that could be written down."""
        event = fields(chunk)
        kind = str(event.get("type"))
        if kind in _SOUND:
            place = f"{event.get('item_id')} {event.get('content_index')}"
            self._sounds.setdefault(place, Pieces()).add(event.get("delta"))
            return []
        put: dict[str, Any] = {**event, "type": _NAMES.get(kind, kind)}
        if "response" in event:
            put["response"] = as_response(fields(event["response"]))
        if "item" in event:
            put["item"] = as_response_item(fields(event["item"]))
        deltas = super().take(put)
        if fields(event.get("response")).get("status") == "cancelled":
            self.finished = False  # it is over, but not whole
        return deltas

    def reply(self) -> Reply:
        """Return the answer as far as it has come."""
        reply = super().reply()
        sounds = [sound.part("audio", self._mime_type) for sound in self._sounds.values()]
        if sounds and reply.messages:
            reply.messages[0]["parts"] += sounds
        elif sounds:
            reply.messages = [message("assistant", sounds)]
        return reply
