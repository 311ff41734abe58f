"""Connections with many turns: what is sent and received over one becomes calls, and events beside them.

A turn is a call like any other (`call.Call`): it has one prompt, chunks and one end. What this module adds is
which turn an item belongs to, and that the end of a connection ends its turns.
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
from .conversations import new_session_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.model import Request
    from hilt_autolog.contracts.realtime import ConnectionEvent, ConnectionProvider, ConnectionReader, Turn
    from hilt_autolog.contracts.types import EventDict, JsonMapping, Message

    from .conversations import ConversationPosition
    from .recorder import Recorder

_MOST_TURNS = 64  # of a connection, that a late notice may belong to


class Connection:
    """One connection, from the first use of it that was recorded. Several threads may use it.

    Args:
        recorder: writes its events.
        provider: names the reader of exceptions.
        reader: reads what is sent and received, in order.
    """

    def __init__(self, recorder: Recorder, provider: ConnectionProvider, reader: ConnectionReader) -> None:
        self._recorder = recorder
        self._provider = provider
        self._reader = reader
        self._session_id = new_session_id() if reader.is_conversation else None
        self._open: dict[int, tuple[Call, Callable[[Any], None]]] = {}
        self._prompts: dict[int, tuple[str | None, ConversationPosition]] = {}  # by turn: event, position
        self._lock = RLock()  # reentrant: the garbage collector may end a connection while it is held
        self._is_closed = False
        self._is_left = False  # the recording has ended

    def sent(self, item: Any) -> int | None:
        """Record what is about to be sent; return the key of the turn that it starts."""
        with self._lock:
            step = self._reader.on_send(item)
            self._follow(step)
            if step is None or isinstance(step, SessionNotice) or step.request is None:
                return None
            return step.key

    def received(self, item: Any) -> None:
        """Record what was received; nothing, if the recording has ended while the program waited for it."""
        with self._lock:
            if self._is_left:
                return
            step = self._reader.on_receive(item)
            if isinstance(step, SessionNotice) or (step is not None and step.request is not None):
                self._is_closed = False  # if it was, the program has opened it anew
            self._follow(step)

    def unsent(self, key: int, error: BaseException) -> None:
        """Fail a turn whose request could not be sent."""
        with self._lock:
            turn = self._open.pop(key, None)
            self._reader.on_send_failure(key)
            if turn is not None:
                turn[0].fail(error)

    def end(self, reason: str, error: BaseException | None = None) -> None:
        """End the open turns: the connection is closed, broken ("error") or dropped."""
        with self._lock:
            turns, self._open = self._open, {}
            for call, _ in turns.values():
                if reason == "error" and error is not None:
                    call.fail(error)
                else:
                    call.abort(reason)
            notice = self._reader.on_close()
            was_closed, self._is_closed = self._is_closed, True
            if notice is not None and not was_closed:
                self._write(notice._replace(extensions={**notice.extensions, "ended": reason}))

    def leave(self, reason: str) -> None:
        """End the open turns, and record no more."""
        with self._lock:
            self.end(reason)
            self._is_left = True

    # --- steps

    def _follow(self, step: ConnectionEvent | None) -> None:
        if isinstance(step, SessionNotice):
            self._write(step)
        elif step is not None:
            self._advance(step)

    def _advance(self, step: Turn) -> None:
        if step.request is not None:
            self._start_turn(step.key, step.request)
        turn = self._open.get(step.key)
        if turn is None:
            return
        call, add = turn
        if step.chunk is not None:
            add(step.chunk)
        if step.ended is not None:
            del self._open[step.key]
            call.abort(step.ended)

    def _start_turn(self, key: int, request: Request) -> None:
        request.fallback_session_id = self._session_id
        call = Call(self._recorder, self._provider.provider, request)
        call.start()
        self._open[key] = call, call.start_stream()
        self._prompts[key] = call.prompt_id, call.position
        if len(self._prompts) > _MOST_TURNS:
            del self._prompts[next(iter(self._prompts))]

    def _write(self, notice: SessionNotice) -> None:
        recorder, request = self._recorder, notice.request
        request.fallback_session_id = self._session_id
        prompt = None if notice.turn_key is None else self._prompts.get(notice.turn_key)
        reply_to, position = prompt or (None, recorder.conversations.standalone(request))
        messages = list(notice.messages)
        recorder.media_redactor.redact(messages)
        if notice.error_info is not None:
            event = events.error_event(request, position.session_id, notice.error_info, reply_to)
            del event["metrics"]
        else:
            event = _notice_event(notice, position.session_id, messages, reply_to)
        recorder.emit(event, position)


def _notice_event(
    notice: SessionNotice, session_id: str, messages: list[Message], reply_to: str | None
) -> EventDict:
    request = notice.request
    event = events.new_event("system", session_id, "system", request.provider)
    event["content"] = {"text": notice.text}
    if messages:
        event["content"]["messages"] = messages
    event["provenance"] = events.provenance(request)
    event["extensions"] = events.extensions_of(reply_to, model=request.model, **notice.extensions)
    return event


class MethodInvocation:
    """One call of a connection's method, as the instrumentation reports it.

    Args:
        provider: reads what the method returns and raises.
        role: send, flush, receive or close.
        connection: what the method belongs to.
        turns: the keys of the turns that the call is to start.
    """

    __slots__ = ("_connection", "_provider", "_role", "_turns")

    def __init__(
        self, provider: ConnectionProvider, role: str, connection: Connection, turns: list[int]
    ) -> None:
        self._provider = provider
        self._role = role
        self._connection = connection
        self._turns = turns

    @capture_errors
    def finish(self, result: Any) -> None:
        """Record what was received."""
        if self._role == RECEIVE:
            item = self._provider.incoming_item(result)
            if item is not None:
                self._connection.received(item)

    @capture_errors
    def fail(self, error: BaseException) -> None:
        """Fail the turns that this exception ends.

        Of a method that sends these are the turns that it was to start; of one that receives all turns, once
        there is nothing more to receive: until then what has arrived may still be read.
        """
        for key in self._turns:
            self._connection.unsent(key, error)
        reason = self._provider.close_reason(error) if self._role == RECEIVE else None
        if reason is not None:
            self._connection.end(reason, error)


def observe_method(
    recorder: Recorder,
    provider: ConnectionProvider,
    role: str,
    instance: Any,
    arguments: tuple[tuple[Any, ...], JsonMapping],
) -> MethodInvocation | None:
    """Record the call of a connection's method; return None if no reader can read this connection.

    Args:
        recorder: writes the events.
        provider: reads the connection.
        role: send, flush, receive or close.
        instance: the connection, or a proxy of it.
        arguments: the method's positional and keyword arguments.
    """
    owner = provider.connection(instance)
    if owner is None:
        return None
    connection, is_new = _connection_of(recorder, provider, owner)
    turns = []
    # What waits in a queue was recorded when it was queued, unless that was before the recording began.
    if role == SEND or (role == FLUSH and is_new):
        keys = [
            connection.sent(item) for item in provider.outgoing_items(instance, *arguments, to_json_value)
        ]
        turns = [key for key in keys if key is not None]
    elif role == CLOSE:
        connection.end("closed")
    return MethodInvocation(provider, role, connection, turns)


def _connection_of(recorder: Recorder, provider: ConnectionProvider, owner: Any) -> tuple[Connection, bool]:
    """Return the recorded connection of an SDK's object, and whether it is new."""
    key = id(owner)
    entry = recorder.connections.get(key)
    if entry is not None:
        return entry[1], False
    connection = Connection(recorder, provider, provider.connection_reader(owner))

    @capture_errors
    def drop(_reference: Any) -> None:
        # Without an entry the recording has ended, or the connection is the parent process's.
        if recorder.connections.pop(key, None) is not None:
            connection.end("dropped")

    return recorder.connections.setdefault(key, (weakref.ref(owner, drop), connection))[1], True
