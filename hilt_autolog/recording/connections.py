"""Record connections with many turns: each turn is a call, and other events may occur beside the turns.

A turn is a call like any other (`call.Call`): it has one prompt, chunks and one end. This module adds which
turn an item belongs to, and that the end of a connection ends its turns.
"""

from __future__ import annotations

import weakref
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple

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

_MOST_TURNS = 64  # of a connection, to which a late notice may belong


class _OpenTurn(NamedTuple):
    call: Call
    add: Callable[[Any], None]  # takes the turn's chunks


class _Prompt(NamedTuple):
    event_id: str | None
    position: ConversationPosition


class Connection:
    """One connection, from its first use that was recorded. Several threads may use it.

    Args:
        recorder: writes its events.
        provider: its `provider` reads exceptions.
        reader: reads what is sent and received, in order.
    """

    def __init__(self, recorder: Recorder, provider: ConnectionProvider, reader: ConnectionReader) -> None:
        self._recorder = recorder
        self._provider = provider
        self._reader = reader
        self._session_id = new_session_id() if reader.is_conversation else None
        self._open: dict[int, _OpenTurn] = {}  # by the turn's key
        self._prompts: dict[int, _Prompt] = {}  # of the latest turns, by the turn's key
        self._lock = RLock()  # reentrant: the garbage collector may end a connection while it is held
        self._is_closed = False
        self._recording_ended = False

    def on_send(self, item: Any) -> int | None:
        """Record an item that is about to be sent; return the key of the turn that it starts, or None."""
        with self._lock:
            event = self._reader.on_send(item)
            self._handle(event)
            if event is None or isinstance(event, SessionNotice) or event.request is None:
                return None
            return event.key

    def on_receive(self, item: Any) -> None:
        """Record an item that was received, unless the recording ended while the program waited for it."""
        with self._lock:
            if self._recording_ended:
                return
            event = self._reader.on_receive(item)
            if isinstance(event, SessionNotice) or (event is not None and event.request is not None):
                self._is_closed = False  # a connection that was closed has been opened again
            self._handle(event)

    def on_send_failure(self, key: int, error: BaseException) -> None:
        """Fail a turn whose request could not be sent."""
        with self._lock:
            turn = self._open.pop(key, None)
            self._reader.on_send_failure(key)
            if turn is not None:
                turn.call.fail(error)

    def end(self, reason: str, error: BaseException | None = None) -> None:
        """End the open turns: the connection is closed, broken ("error") or dropped."""
        with self._lock:
            turns, self._open = self._open, {}
            for turn in turns.values():
                if reason == "error" and error is not None:
                    turn.call.fail(error)
                else:
                    turn.call.abort(reason)
            notice = self._reader.on_close()
            was_closed, self._is_closed = self._is_closed, True
            if notice is not None and not was_closed:
                self._write(notice._replace(extensions={**notice.extensions, "ended": reason}))

    def stop(self, reason: str) -> None:
        """End the open turns, and record no more."""
        with self._lock:
            self.end(reason)
            self._recording_ended = True

    # --- events of the connection

    def _handle(self, event: ConnectionEvent | None) -> None:
        if isinstance(event, SessionNotice):
            self._write(event)
        elif event is not None:
            self._advance(event)

    def _advance(self, event: Turn) -> None:
        if event.request is not None:
            self._start_turn(event.key, event.request)
        turn = self._open.get(event.key)
        if turn is None:
            return
        if event.chunk is not None:
            turn.add(event.chunk)
        if event.ended is not None:
            del self._open[event.key]
            turn.call.abort(event.ended)

    def _start_turn(self, key: int, request: Request) -> None:
        request.fallback_session_id = self._session_id
        call = Call(self._recorder, self._provider.provider, request)
        call.start()
        self._open[key] = _OpenTurn(call, call.start_stream())
        self._prompts[key] = _Prompt(call.prompt_id, call.position)
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
        provider: reads the method's return value and exceptions.
        role: send, flush, receive or close.
        connection: the connection.
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
        """Record the item that a receiving method returned."""
        if self._role == RECEIVE:
            item = self._provider.incoming_item(result)
            if item is not None:
                self._connection.on_receive(item)

    @capture_errors
    def fail(self, error: BaseException) -> None:
        """Fail the turns that this exception ends.

        A failed send fails the turns it would have started. A failed receive fails all open turns, once
        nothing more can arrive.
        """
        for key in self._turns:
            self._connection.on_send_failure(key, error)
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
    """Record the call of a connection's method; return None if this connection cannot be read.

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
    # Queued items were recorded when they were queued, unless that was before the recording began.
    if role == SEND or (role == FLUSH and is_new):
        keys = [
            connection.on_send(item) for item in provider.outgoing_items(instance, *arguments, to_json_value)
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
