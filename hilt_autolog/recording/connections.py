"""Connections that last, each with many turns: what passes over one becomes calls, and events beside them.

A turn is a call like any other (`call.Call`): it has one prompt, chunks and one end. What this module adds is
which turn a passing thing belongs to, and that a connection's end ends its turns.
"""

from __future__ import annotations

import weakref
from threading import RLock
from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.realtime import CLOSE, FLUSH, RECEIVE, SEND, SessionNotice
from hilt_autolog.internal_errors import capture_errors
from hilt_autolog.log.json_values import to_json_value

from . import events
from .call import Call
from .context import tags_with
from .conversations import new_session_id
from .events import error_event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hilt_autolog.contracts.model import Request
    from hilt_autolog.contracts.realtime import ConnectionEvent, ConnectionProvider, ConnectionReader, Turn
    from hilt_autolog.contracts.types import Message

    from .conversations import ConversationPosition
    from .events import Event
    from .recorder import Recorder

_REMEMBERED = 64  # turns of a connection that a late note may belong to


class Connection:
    """One connection, since we first saw it. Several threads may speak over it."""

    def __init__(self, recorder: Recorder, line: ConnectionProvider, dialogue: ConnectionReader) -> None:
        self._recorder = recorder
        self._line = line
        self._dialogue = dialogue
        self._name = new_session_id() if dialogue.is_conversation else None
        self._open: dict[int, tuple[Call, Callable[[Any], None]]] = {}
        self._asked: dict[
            int, tuple[str | None, ConversationPosition]
        ] = {}  # where each turn's prompt stands
        self._lock = RLock()  # the garbage collector may end a connection while it is held
        self._is_over = False
        self._is_left = False  # the recording is over

    def sent(self, item: Any) -> int | None:
        """Take what is about to be sent; return the turn that it begins."""
        with self._lock:
            step = self._dialogue.on_send(item)
            self._follow(step)
            return (
                None if step is None or isinstance(step, SessionNotice) or step.request is None else step.key
            )

    def received(self, item: Any) -> None:
        """Take what has been received, perhaps after a wait that the recording did not outlast."""
        with self._lock:
            if self._is_left:
                return
            step = self._dialogue.on_receive(item)
            if isinstance(step, SessionNotice) or (step is not None and step.request is not None):
                self._is_over = False  # if it was, it has been opened anew
            self._follow(step)

    def unsent(self, key: int, error: BaseException) -> None:
        """Take note that the request of a turn could not be sent."""
        with self._lock:
            turn = self._open.pop(key, None)
            self._dialogue.on_send_failure(key)
            if turn is not None:
                turn[0].fail(error)

    def end(self, how: str, error: BaseException | None = None) -> None:
        """End the turns that are open: the connection is closed, broken or dropped."""
        with self._lock:
            turns, self._open = self._open, {}
            for call, _ in turns.values():
                if how == "error" and error is not None:
                    call.fail(error)
                else:
                    call.abort(how)
            note = self._dialogue.on_close()
            was_over, self._is_over = self._is_over, True
            if note is not None and not was_over:
                self._tell(note._replace(extensions={**note.extensions, "ended": how}))

    def leave(self, how: str) -> None:
        """End the turns that are open, and take no more."""
        with self._lock:
            self.end(how)
            self._is_left = True

    # --- steps

    def _follow(self, step: ConnectionEvent | None) -> None:
        if isinstance(step, SessionNotice):
            self._tell(step)
        elif step is not None:
            self._turn(step)

    def _turn(self, step: Turn) -> None:
        if step.request is not None:
            self._begin(step.key, step.request)
        turn = self._open.get(step.key)
        if turn is None:
            return
        call, take = turn
        if step.chunk is not None:
            take(step.chunk)
        if step.ended is not None:
            del self._open[step.key]
            call.abort(step.ended)

    def _begin(self, key: int, prompt: Request) -> None:
        call = Call(self._recorder, self._line.provider, self._placed(prompt))
        call.start()
        self._open[key] = call, call.start_stream()
        self._asked[key] = call.prompt_id, call.place
        if len(self._asked) > _REMEMBERED:
            del self._asked[next(iter(self._asked))]

    def _placed(self, prompt: Request) -> Request:
        prompt.fallback_session_id = self._name
        return prompt

    def _tell(self, note: SessionNotice) -> None:
        recorder, prompt = self._recorder, self._placed(note.request)
        asked = None if note.turn_key is None else self._asked.get(note.turn_key)
        reply_to, place = asked or (None, recorder.conversations.apart(prompt))
        messages = list(note.messages)
        recorder.media_redactor.redact(messages)
        if note.error_info is not None:
            event: Event = error_event(prompt, place.session_id, note.error_info, reply_to)
            del event["metrics"]
        else:
            event = _event(note, place.session_id, messages, reply_to)
        if place.name is not None:
            event["extensions"]["conversation"] = place.name
        if tags := tags_with(recorder.tags):
            event["extensions"]["tags"] = tags
        recorder.write(event)


def _event(note: SessionNotice, session_id: str, messages: list[Message], reply_to: str | None) -> Event:
    prompt = note.request
    event = events.blank("system", session_id, "system", prompt.provider)
    event["content"] = {"text": note.text, "messages": messages} if messages else {"text": note.text}
    event["provenance"] = events.provenance(prompt)
    event["extensions"] = events.linked(reply_to, model=prompt.model, **note.extensions)
    return event


class MethodInvocation:
    """One call of a connection's method."""

    __slots__ = ("_begun", "_connection", "_line", "_role")

    def __init__(self, line: ConnectionProvider, role: str, connection: Connection, begun: list[int]) -> None:
        self._line = line
        self._role = role
        self._connection = connection
        self._begun = begun

    @capture_errors
    def finish(self, result: Any) -> None:
        """Take what has been received."""
        if self._role == RECEIVE:
            item = self._line.incoming_item(result)
            if item is not None:
                self._connection.received(item)

    @capture_errors
    def fail(self, error: BaseException) -> None:
        """End the turns that this has ended.

        Those that it was to begin, if it sends; all, if there is nothing more to receive: until then what has
        come may still be read.
        """
        for key in self._begun:
            self._connection.unsent(key, error)
        how = self._line.close_reason(error) if self._role == RECEIVE else None
        if how is not None:
            self._connection.end(how, error)


def passing(
    recorder: Recorder,
    line: ConnectionProvider,
    role: str,
    instance: Any,
    given: tuple[tuple[Any, ...], Mapping[str, Any]],
) -> MethodInvocation | None:
    """Take note that a method of a connection is called; None when nobody can read this connection."""
    owner = line.connection(instance)
    if owner is None:
        return None
    connection, is_new = _of(recorder, line, owner)
    begun = []
    if role == SEND or (role == FLUSH and is_new):  # later, what waits has been seen when it was sent
        keys = [connection.sent(item) for item in line.outgoing_items(instance, *given, to_json_value)]
        begun = [key for key in keys if key is not None]
    elif role == CLOSE:
        connection.end("closed")
    return MethodInvocation(line, role, connection, begun)


def _of(recorder: Recorder, line: ConnectionProvider, owner: Any) -> tuple[Connection, bool]:
    """Return what we know of a connection, and whether it is new to us."""
    known = recorder.connections.get(id(owner))
    if known is not None:
        return known[1], False
    connection = Connection(recorder, line, line.connection_reader(owner))
    key = id(owner)

    @capture_errors
    def dropped(_gone: Any) -> None:
        if recorder.connections.pop(key, None) is not None:  # else the recording is over, or is another's
            connection.end("dropped")

    return recorder.connections.setdefault(key, (weakref.ref(owner, dropped), connection))[1], True
