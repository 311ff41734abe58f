"""Gemini's Live sessions: one conversation over a websocket, in turns of a person or of tools' results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.media import StreamedMedia
from hilt_autolog.contracts.model import Operation, Request, new_message, text_part
from hilt_autolog.contracts.realtime import SessionNotice, Turn
from hilt_autolog.contracts.sdk_objects import fields, jsonable, sdk_version, text_or_none

from .answers import AnswerAccumulator, answer, tokens
from .contents import at, content_messages, sequence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hilt_autolog.contracts.model import Delta, Response
    from hilt_autolog.contracts.realtime import ConnectionEvent
    from hilt_autolog.contracts.types import Message


_SOUNDS = ("audio", "media", "video")


class LiveReader:
    """Tells the turns of a session apart.

    What the program sends is put as `{name of the method's parameter: its value}`, and the beginning of the
    session as `{"setup": ...}`; what it receives is the SDK's own message.
    """

    is_conversation = True

    def __init__(self, provider: str, server: str | None) -> None:
        self._provider = provider
        self._server = server
        self._model: str | None = None
        self._messages: list[Message] = []  # of the next turn
        self._sounds: dict[str | None, StreamedMedia] = {}  # of the next turn, by type
        self._count = 0
        self._is_open = False  # the newest turn
        self._is_interrupted = False

    def on_send(self, item: Mapping[str, Any]) -> ConnectionEvent | None:
        """Take what the program sends; contents that complete a turn, and results of tools, begin one."""
        if "setup" in item:
            return self._set_up(fields(item["setup"]))
        if "function_responses" in item:
            given = item["function_responses"]
            results = given if isinstance(given, list | tuple) else [given]
            parts = [{"functionResponse": fields(one)} for one in results]
            self._messages += content_messages({"contents": [{"role": "user", "parts": parts}]})
            return self._begin()
        if "turns" in item or "turn_complete" in item:
            self._messages += content_messages({"contents": item.get("turns")})
            return self._begin() if item.get("turn_complete", True) else None
        self._hear(item)
        return None

    def on_receive(self, item: Any) -> ConnectionEvent | None:
        """Take a message of the server's; one that says something begins a turn, if none is open."""
        content = fields(at(fields(item), "serverContent"))
        if said := text_or_none(fields(at(content, "inputTranscription")).get("text")):
            return self._heard(said)
        self._is_interrupted = self._is_interrupted or bool(content.get("interrupted"))
        calls = at(fields(item), "toolCall")
        prompt = None
        if not self._is_open:
            if calls is None and not _says(content):
                return None
            prompt = self._begin().request
        ended = None
        if calls is not None or at(content, "turnComplete"):
            ended = "cancelled" if self._is_interrupted else "closed"
            self._is_open = self._is_interrupted = False
        return Turn(self._count, prompt, item, ended)

    def on_send_failure(self, _key: int) -> None:
        """Forget the turn that could not be begun."""
        self._is_open = False

    def on_close(self) -> SessionNotice:
        """Tell that the session has ended."""
        self._is_open = self._is_interrupted = False
        return SessionNotice("connection closed", self._prompt([]))

    # --- what the program says

    def _set_up(self, setup: Mapping[str, Any]) -> SessionNotice:
        self._model = (text_or_none(setup.get("model")) or "").rpartition("/")[2] or None
        instruction = at(setup, "systemInstruction")
        self._messages += content_messages({"systemInstruction": instruction})
        known = {"request": {name: one for name, one in setup.items() if name != "model" and one is not None}}
        return SessionNotice("session opened", self._prompt([]), known)

    def _hear(self, item: Mapping[str, Any]) -> None:
        if said := text_or_none(item.get("text")):
            self._messages.append(new_message("user", [text_part(said)]))
        for name in _SOUNDS:
            sound = fields(item.get(name))
            if "data" in sound:
                self._sounds.setdefault(text_or_none(at(sound, "mimeType")), StreamedMedia()).add(
                    sound["data"]
                )

    def _heard(self, said: str) -> SessionNotice | None:
        """Take words that were heard: of the next turn, or late, of the one that has begun."""
        spoken = new_message("user", [text_part(said)])
        if self._is_open:
            return SessionNotice(
                "input transcribed", self._prompt([]), messages=[spoken], turn_key=self._count
            )
        if self._messages and self._messages[-1].keys() >= {"is_transcript"}:
            self._messages[-1]["parts"][0]["content"] += said
        else:
            spoken["is_transcript"] = True
            self._messages.append(spoken)
        return None

    def _begin(self) -> Turn:
        messages, self._messages = self._messages, []
        sounds = [
            sound.part((kind or "audio").partition("/")[0], kind) for kind, sound in self._sounds.items()
        ]
        self._sounds = {}
        for one in messages:
            one.pop("is_transcript", None)
        if sounds:
            messages.append(new_message("user", sounds))
        self._count += 1
        self._is_open, self._is_interrupted = True, False
        return Turn(self._count, self._prompt(messages))

    def _prompt(self, messages: list[Message]) -> Request:
        return Request(
            LIVE, self._provider, self._model, messages, {}, self._server, sdk_version("google.genai")
        )


def _says(content: Mapping[str, Any]) -> bool:
    return bool(sequence(fields(at(content, "modelTurn")).get("parts"))) or bool(
        fields(at(content, "outputTranscription")).get("text")
    )


class LiveAccumulator(AnswerAccumulator):
    """Accumulates the messages of one turn, each put as a chunk of an answer; sound is counted and hashed."""

    __slots__ = ("_counted", "_is_interrupted", "_sounds")

    def __init__(self) -> None:
        super().__init__()
        self._is_interrupted = False
        self._counted: dict[str, Any] = {}
        self._sounds: dict[str | None, StreamedMedia] = {}  # by type

    def add(self, chunk: Any) -> Sequence[Delta]:
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
        deltas = super().add({"candidates": [candidate]})
        self._is_interrupted = self._is_interrupted or bool(content.get("interrupted"))
        self.finished = bool(calls or at(content, "turnComplete")) and not self._is_interrupted
        return deltas

    def response(self) -> Response:
        """Return the answer as far as it has come."""
        reply = super().response()
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
            reply.messages = [new_message("assistant", sounds)]
        return reply

    def _hear(self, part: Any) -> bool:
        """Take a part that is sound; return whether it is."""
        data = fields(at(fields(part), "inlineData"))
        kind = text_or_none(at(data, "mimeType"))
        if kind is None or not kind.startswith("audio/"):
            return False
        self._sounds.setdefault(kind, StreamedMedia()).add(data.get("data"))
        return True


LIVE = Operation("BidiGenerateContent", content_messages, answer, LiveAccumulator)
