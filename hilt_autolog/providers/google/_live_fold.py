"""The answer of one turn of a Live session as it comes, with the sound in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.facts import message
from hilt_autolog.foreign import fields, jsonable, text_or_none
from hilt_autolog.media import Pieces

from ._answers import AnswerFold, tokens
from ._contents import at, sequence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hilt_autolog.facts import Delta, Reply


class LiveFold(AnswerFold):
    """Accumulates the messages of one turn, each put as a chunk of an answer; sound is counted and hashed."""

    __slots__ = ("_counted", "_is_interrupted", "_sounds")

    def __init__(self) -> None:
        super().__init__()
        self._is_interrupted = False
        self._counted: dict[str, Any] = {}
        self._sounds: dict[str | None, Pieces] = {}  # by type

    def take(self, chunk: Any) -> Sequence[Delta]:
        """Take a message of the server's."""
        known = fields(chunk)
        content = fields(at(known, "serverContent"))
        if usage := fields(at(known, "usageMetadata")):
            self._counted = jsonable(usage)
        parts = [
            one for one in sequence(fields(at(content, "modelTurn")).get("parts")) if not self._hear(one)
        ]
        if said := text_or_none(fields(at(content, "outputTranscription")).get("text")):
            parts.append({"text": said})
        calls = sequence(at(fields(at(known, "toolCall")), "functionCalls"))
        parts += [{"functionCall": fields(one)} for one in calls]
        grounding = at(content, "groundingMetadata")
        candidate = {"content": {"parts": parts}, "groundingMetadata": jsonable(grounding)}
        deltas = super().take({"candidates": [candidate]})
        self._is_interrupted = self._is_interrupted or bool(content.get("interrupted"))
        self.finished = bool(calls or at(content, "turnComplete")) and not self._is_interrupted
        return deltas

    def reply(self) -> Reply:
        """Return the answer as far as it has come."""
        reply = super().reply()
        if self._counted:
            said = {
                "candidatesTokenCount": at(self._counted, "responseTokenCount"),
                "candidatesTokensDetails": at(self._counted, "responseTokensDetails"),
            }
            reply.usage, reply.tokens = self._counted, tokens({**self._counted, **said})
        sounds = [
            sound.part((kind or "audio").partition("/")[0], kind) for kind, sound in self._sounds.items()
        ]
        if sounds and reply.messages:
            spoken = reply.messages[0]
            reply.messages = [{**spoken, "parts": [*spoken["parts"], *sounds]}]
        elif sounds:
            reply.messages = [message("assistant", sounds)]
        return reply

    def _hear(self, part: Any) -> bool:
        """Take a part that is sound; return whether it is."""
        data = fields(at(fields(part), "inlineData"))
        kind = text_or_none(at(data, "mimeType"))
        if kind is None or not kind.startswith("audio/"):
            return False
        self._sounds.setdefault(kind, Pieces()).add(data.get("data"))
        return True
