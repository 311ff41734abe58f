"""OpenAI's Realtime protocol: one conversation, whose turns the program or a pause in speech starts."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from hilt_autolog.contracts.model import Operation, new_message, text_part
from hilt_autolog.contracts.realtime import SessionNotice, Turn
from hilt_autolog.contracts.sdk_objects import fields, list_or_empty, text_or_none

from .realtime_input import RealtimeInput
from .realtime_items import RealtimeAccumulator, audio_mime_type, item_message
from .responses import parse_response, response_messages
from .websocket import error_notice, event_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.model import Request
    from hilt_autolog.contracts.realtime import ConnectionEvent
    from hilt_autolog.contracts.types import JsonMapping, JsonObject, Message

    from .websocket import ConnectionInfo

_REALTIME = Operation("realtime", response_messages, parse_response, stores_responses=True)
_ENDED_BY_STATUS = {"cancelled": "cancelled", "failed": "error"}  # else "closed"
# `param` of an error event that concerns something else than a turn.
_OTHER_PARAMS = ("session", "item", "audio")


class _PendingTurn(NamedTuple):
    """A turn from its start to its end."""

    key: int
    event_id: str | None  # of the client's `response.create`, which an error event names
    is_out_of_band: bool  # `conversation: "none"`: neither continues the conversation nor is continued


class RealtimeReader:
    """Assigns the events of a connection to turns, and collects the input of each turn."""

    is_conversation = True

    def __init__(self, info: ConnectionInfo) -> None:
        self._info = info
        self._session: JsonObject = {}
        self._input = RealtimeInput()
        self._turn_count = 0
        self._requested: deque[_PendingTurn] = deque()  # by the client, not yet started by the server
        self._started: dict[str, _PendingTurn] = {}  # by response id
        self._last_response_id: str | None = None  # of the response that the next turn continues

    def on_send(self, item: JsonMapping) -> ConnectionEvent | None:
        """Read an event that the client sends."""
        handler = _CLIENT_EVENTS.get(event_type(item))
        return None if handler is None else handler(self, item)

    def on_receive(self, item: JsonMapping) -> ConnectionEvent | None:
        """Read an event that the server has sent."""
        handler = _SERVER_EVENTS.get(event_type(item))
        if handler is not None:
            return handler(self, item)
        turn = self._started.get(text_or_none(item.get("response_id")) or "")
        return None if turn is None else Turn(turn.key, None, item)

    def on_send_failure(self, key: int) -> None:
        """Discard a turn whose request could not be sent: no response will come."""
        self._requested = deque(turn for turn in self._requested if turn.key != key)

    def on_close(self) -> SessionNotice:
        """Discard the open turns and return the notice that the connection has ended."""
        self._requested.clear()
        self._started.clear()
        return self._notice("connection closed")

    # --- the session's configuration

    def on_update_session(self, event: JsonMapping) -> SessionNotice:
        """Apply a configuration that the client requests."""
        session = fields(event.get("session"))
        self._input.add_instructions(session.get("instructions"))
        self._configure(session)
        return self._notice("session updated", **_configuration(session))

    def on_session_created(self, event: JsonMapping) -> SessionNotice:
        """Apply the configuration that the session starts with, below that which the client has requested."""
        session = fields(event.get("session"))
        self._session = {**session, **self._session}
        return self._notice("session opened", **_configuration(session))

    def on_session_updated(self, event: JsonMapping) -> None:
        """Apply the configuration as the server has changed it."""
        self._configure(fields(event.get("session")))

    def _configure(self, session: JsonMapping) -> None:
        self._session = {**self._session, **session}

    # --- input of the next turn

    def on_create_item(self, event: JsonMapping) -> None:
        """Add an item that the client sends."""
        self._input.add_item(fields(event.get("item")), self._mime_type("input"))

    def on_item_created(self, event: JsonMapping) -> None:
        """Add an item that the server reports."""
        self._input.on_item(fields(event.get("item")), self._mime_type("input"))

    def on_append_audio(self, event: JsonMapping) -> None:
        """Append audio to the buffer."""
        self._input.add_audio(event.get("audio"))

    def on_clear_audio(self, _event: JsonMapping) -> None:
        """Empty the audio buffer."""
        self._input.clear_audio()

    def on_commit_audio(self, _event: JsonMapping) -> None:
        """Make an item of the audio buffer."""
        self._input.commit_audio(self._mime_type("input"))

    def on_audio_committed(self, event: JsonMapping) -> None:
        """Record the id of the item that the audio buffer has become."""
        self._input.on_committed(text_or_none(event.get("item_id")) or "", self._mime_type("input"))

    def on_transcript(self, event: JsonMapping) -> SessionNotice | None:
        """Add the transcript of an item; return a notice of it if the item's turn has already started."""
        text = text_or_none(event.get("transcript"))
        item_id = text_or_none(event.get("item_id"))
        transcript = self._input.add_transcript(item_id, text) if text else None
        if transcript is None:
            return None
        notice = self._notice("input transcribed", item_id=item_id, usage=event.get("usage"))
        message = new_message("user", [text_part(transcript.text)])
        return notice._replace(messages=[message], turn_key=transcript.turn_key)

    # --- turns

    def on_create_response(self, event: JsonMapping) -> Turn:
        """Start the turn of a response that the client requests."""
        options = fields(event.get("response"))
        turn = self._new_turn(
            text_or_none(event.get("event_id")), is_out_of_band=options.get("conversation") == "none"
        )
        self._requested.append(turn)
        instructions = text_or_none(options.get("instructions"))
        messages = [new_message("system", [text_part(instructions)])] if instructions else []
        if options.get("input") is None:
            messages += self._input.take_messages(turn.key)
        else:  # instead of the conversation
            mime_type = self._mime_type("input")
            messages += [item_message(fields(item), mime_type) for item in list_or_empty(options["input"])]
        parameters = {name: value for name, value in options.items() if name not in ("instructions", "input")}
        return Turn(turn.key, self._request(messages, parameters, turn))

    def on_response_created(self, event: JsonMapping) -> Turn:
        """Start the response of the oldest requested turn, or of a new turn, started by a pause in speech."""
        request = None
        if self._requested:
            turn = self._requested.popleft()
        else:
            turn = self._new_turn(None, is_out_of_band=False)
            request = self._request(self._input.take_messages(turn.key), {}, turn)
        self._started[_response_id(event)] = turn
        return Turn(turn.key, request, event)

    def on_response_done(self, event: JsonMapping) -> Turn | None:
        """End the turn of a response."""
        response_id = _response_id(event)
        turn = self._started.pop(response_id, None) or self._started.pop(
            "", None
        )  # "": started without an id
        if turn is None and not response_id and self._requested:
            turn = self._requested.popleft()
        if turn is None:  # it started before recording was enabled
            return None
        if response_id and not turn.is_out_of_band:
            self._last_response_id = response_id
        status = text_or_none(fields(event.get("response")).get("status"))
        return Turn(turn.key, None, event, _ENDED_BY_STATUS.get(status or "", "closed"))

    def on_error(self, event: JsonMapping) -> ConnectionEvent:
        """End the turn that an error belongs to, by the id of the client's event; else return a notice."""
        error = fields(event.get("error"))
        event_id, param = text_or_none(error.get("event_id")), text_or_none(error.get("param")) or ""
        for turn in self._requested:
            if turn.event_id == event_id and not param.startswith(_OTHER_PARAMS):
                self._requested.remove(turn)
                return Turn(turn.key, None, event, "error")
        return error_notice(self._request([], {}), event)

    def _new_turn(self, event_id: str | None, *, is_out_of_band: bool) -> _PendingTurn:
        self._turn_count += 1
        return _PendingTurn(self._turn_count, event_id, is_out_of_band)

    def _request(
        self, messages: list[Message], parameters: JsonMapping, turn: _PendingTurn | None = None
    ) -> Request:
        accumulator = partial(RealtimeAccumulator, self._mime_type("output"))
        previous_response_id = None if turn is None or turn.is_out_of_band else self._last_response_id
        model = text_or_none(self._session.get("model"))
        operation = replace(_REALTIME, accumulator=accumulator)
        return self._info.request(operation, messages, parameters, model, previous_response_id)

    def _notice(self, text: str, **extensions: object) -> SessionNotice:
        return SessionNotice(text, self._request([], {}), extensions)

    def _mime_type(self, direction: str) -> str:
        return audio_mime_type(self._session, direction)


def _configuration(session: JsonMapping) -> JsonObject:
    parameters = {name: value for name, value in session.items() if value is not None}
    return {"session": text_or_none(session.get("id")), "request": parameters}


def _response_id(event: JsonMapping) -> str:
    return text_or_none(fields(event.get("response")).get("id")) or ""


_CLIENT_EVENTS: dict[str, Callable[[RealtimeReader, JsonMapping], ConnectionEvent | None]] = {
    "session.update": RealtimeReader.on_update_session,
    "conversation.item.create": RealtimeReader.on_create_item,
    "input_audio_buffer.append": RealtimeReader.on_append_audio,
    "input_audio_buffer.clear": RealtimeReader.on_clear_audio,
    "input_audio_buffer.commit": RealtimeReader.on_commit_audio,
    "response.create": RealtimeReader.on_create_response,
}
_SERVER_EVENTS: dict[str, Callable[[RealtimeReader, JsonMapping], ConnectionEvent | None]] = {
    "session.created": RealtimeReader.on_session_created,
    "session.updated": RealtimeReader.on_session_updated,
    "conversation.item.added": RealtimeReader.on_item_created,
    "conversation.item.created": RealtimeReader.on_item_created,  # the beta API's name for it
    "input_audio_buffer.committed": RealtimeReader.on_audio_committed,
    "conversation.item.input_audio_transcription.completed": RealtimeReader.on_transcript,
    "response.created": RealtimeReader.on_response_created,
    "response.done": RealtimeReader.on_response_done,
    "error": RealtimeReader.on_error,
}
