"""OpenAI's Realtime protocol: one conversation, in turns that the program or a pause in its speech begins."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from hilt_autolog.contracts.model import Operation
from hilt_autolog.contracts.realtime import SessionNotice, Turn
from hilt_autolog.contracts.sdk_objects import fields, text_or_none

from .chat import sequence
from .realtime_input import Input
from .realtime_items import RealtimeAccumulator, item_message, sound_type
from .responses import response_messages, response_reply
from .turns import fault, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hilt_autolog.contracts.model import Request
    from hilt_autolog.contracts.realtime import ConnectionEvent
    from hilt_autolog.contracts.types import Message

    from .turns import ConnectionInfo

_REALTIME = Operation("realtime", response_messages, response_reply, stores_responses=True)
_ENDS = {"cancelled": "cancelled", "failed": "error"}
_ELSEWHERE = ("session", "item", "audio")  # what an error that names no event may be about, besides a turn


class _Asked(NamedTuple):
    """A response that the program has asked for, and the server has not begun."""

    turn: int
    event_id: str | None
    is_apart: bool  # it neither continues the conversation nor is continued


class RealtimeReader:
    """Tells the turns of a conversation apart, and collects what each is told."""

    is_conversation = True

    def __init__(self, scene: ConnectionInfo) -> None:
        self._scene = scene
        self._session: dict[str, Any] = {}
        self._input = Input()
        self._count = 0
        self._asked: deque[_Asked] = deque()
        self._begun: dict[str, _Asked] = {}  # by response id
        self._last: str | None = None  # the response that the next turn continues

    def on_send(self, item: Mapping[str, Any]) -> ConnectionEvent | None:
        """Take an event of the client's."""
        read = _SENT.get(kind_of(item))
        return None if read is None else read(self, item)

    def on_receive(self, item: Mapping[str, Any]) -> ConnectionEvent | None:
        """Take an event of the server's."""
        kind = kind_of(item)
        read = _RECEIVED.get(kind)
        if read is not None:
            return read(self, item)
        turn = self._begun.get(text_or_none(item.get("response_id")) or "")
        return None if turn is None else Turn(turn.turn, None, item)

    def on_send_failure(self, key: int) -> None:
        """Wait for no response to a request that has not left."""
        self._asked = deque(asked for asked in self._asked if asked.turn != key)

    def on_close(self) -> SessionNotice:
        """Tell that the connection has ended, and its responses with it."""
        self._asked.clear()
        self._begun.clear()
        return self._note("connection closed")

    # --- the session

    def update(self, event: Mapping[str, Any]) -> SessionNotice:
        """Take a wish for another configuration."""
        session = fields(event.get("session"))
        self._input.instructed(session.get("instructions"))
        self._configured(session)
        return self._note("session updated", **_configuration(session))

    def opened(self, event: Mapping[str, Any]) -> SessionNotice:
        """Take the configuration that the session begins with."""
        session = fields(event.get("session"))
        self._session = {**session, **self._session}  # what was wished for meanwhile is on its way
        return self._note("session opened", **_configuration(session))

    def updated(self, event: Mapping[str, Any]) -> None:
        """Take the configuration as it is now."""
        self._configured(fields(event.get("session")))

    def _configured(self, session: Mapping[str, Any]) -> None:
        self._session = {**self._session, **session}

    # --- what the next turn is told

    def add(self, event: Mapping[str, Any]) -> None:
        """Take an item that the client adds to the conversation."""
        self._input.added(fields(event.get("item")), self._sound("input"))

    def told(self, event: Mapping[str, Any]) -> None:
        """Take an item that the conversation has."""
        self._input.told(fields(event.get("item")), self._sound("input"))

    def hear(self, event: Mapping[str, Any]) -> None:
        """Take some sound."""
        self._input.heard(event.get("audio"))

    def clear(self, _event: Mapping[str, Any]) -> None:
        """Forget the sound that no item has been made of."""
        self._input.cleared()

    def commit(self, _event: Mapping[str, Any]) -> None:
        """Make an item of the sound."""
        self._input.committed(self._sound("input"))

    def committed(self, event: Mapping[str, Any]) -> None:
        """Take the id of the item that was made of the sound."""
        self._input.named(text_or_none(event.get("item_id")) or "", self._sound("input"))

    def transcribed(self, event: Mapping[str, Any]) -> SessionNotice | None:
        """Take the words that are said in an item; they often come after its turn has begun."""
        said = text_or_none(event.get("transcript"))
        identity = text_or_none(event.get("item_id"))
        late = self._input.transcribed(identity, said) if said else None
        if late is None:
            return None
        note = self._note("input transcribed", item_id=identity, usage=event.get("usage"))
        return note._replace(messages=[_said(late.said)], turn_key=late.turn)

    # --- turns

    def ask(self, event: Mapping[str, Any]) -> Turn:
        """Take a request for a response."""
        wish = fields(event.get("response"))
        asked = self._next(text_or_none(event.get("event_id")), is_apart=wish.get("conversation") == "none")
        self._asked.append(asked)
        messages = [_instruction(wish["instructions"])] if text_or_none(wish.get("instructions")) else []
        if wish.get("input") is None:
            messages += self._input.add(asked.turn)
        else:  # it is told this, and not what the conversation is
            sound = self._sound("input")
            messages += [item_message(fields(item), sound) for item in sequence(wish["input"])]
        request = {name: value for name, value in wish.items() if name not in ("instructions", "input")}
        return Turn(asked.turn, self._prompt(messages, request, asked))

    def begin(self, event: Mapping[str, Any]) -> Turn:
        """Take a response that the server begins: one that was asked for, or its own answer to speech."""
        prompt = None
        if self._asked:
            asked = self._asked.popleft()
        else:
            asked = self._next(None, is_apart=False)
            prompt = self._prompt(self._input.add(asked.turn), {}, asked)
        self._begun[_identity(event)] = asked
        return Turn(asked.turn, prompt, event)

    def end(self, event: Mapping[str, Any]) -> Turn | None:
        """Take the end of a response."""
        identity = _identity(event)
        turn = self._begun.pop(identity, None) or self._begun.pop("", None)  # whose beginning told no id
        if turn is None and not identity and self._asked:
            turn = self._asked.popleft()
        if turn is None:  # begun before we were switched on
            return None
        if identity and not turn.is_apart:
            self._last = identity
        status = text_or_none(fields(event.get("response")).get("status"))
        return Turn(turn.turn, None, event, _ENDS.get(status or "", "closed"))

    def fail(self, event: Mapping[str, Any]) -> ConnectionEvent:
        """Take an error: it ends the turn that it is about, as far as one can tell."""
        error = fields(event.get("error"))
        cause, place = text_or_none(error.get("event_id")), text_or_none(error.get("param")) or ""
        for asked in self._asked:
            if asked.event_id == cause and not place.startswith(_ELSEWHERE):
                self._asked.remove(asked)
                return Turn(asked.turn, None, event, "error")
        return fault(self._prompt([], {}), event)

    def _next(self, event_id: str | None, *, is_apart: bool) -> _Asked:
        self._count += 1
        return _Asked(self._count, event_id, is_apart)

    # --- facts

    def _prompt(
        self, messages: list[Message], request: Mapping[str, Any], asked: _Asked | None = None
    ) -> Request:
        operation = replace(_REALTIME, accumulator=partial(RealtimeAccumulator, self._sound("output")))
        previous = None if asked is None or asked.is_apart else self._last
        model = text_or_none(self._session.get("model"))
        return self._scene.request(operation, messages, request, model, previous)

    def _note(self, text: str, **known: Any) -> SessionNotice:
        return SessionNotice(text, self._prompt([], {}), known)

    def _sound(self, way: str) -> str:
        return sound_type(self._session, way)


def _configuration(session: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in session.items() if value is not None}
    return {"session": text_or_none(session.get("id")), "request": given}


def _identity(event: Mapping[str, Any]) -> str:
    return text_or_none(fields(event.get("response")).get("id")) or ""


def _instruction(words: str) -> Message:
    return response_messages({"instructions": words})[0]


def _said(words: str) -> Message:
    return response_messages({"input": words})[0]


_SENT: dict[str, Callable[[RealtimeReader, Mapping[str, Any]], ConnectionEvent | None]] = {
    "session.update": RealtimeReader.update,
    "conversation.item.create": RealtimeReader.add,
    "input_audio_buffer.append": RealtimeReader.hear,
    "input_audio_buffer.clear": RealtimeReader.clear,
    "input_audio_buffer.commit": RealtimeReader.commit,
    "response.create": RealtimeReader.ask,
}
_RECEIVED: dict[str, Callable[[RealtimeReader, Mapping[str, Any]], ConnectionEvent | None]] = {
    "session.created": RealtimeReader.opened,
    "session.updated": RealtimeReader.updated,
    "conversation.item.added": RealtimeReader.told,
    "conversation.item.created": RealtimeReader.told,  # as older versions call it
    "input_audio_buffer.committed": RealtimeReader.committed,
    "conversation.item.input_audio_transcription.completed": RealtimeReader.transcribed,
    "response.created": RealtimeReader.begin,
    "response.done": RealtimeReader.end,
    "error": RealtimeReader.fail,
}
