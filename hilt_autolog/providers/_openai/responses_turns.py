"""OpenAI's Responses protocol over a websocket: requests as over HTTP, in one or several lanes.

A lane is a stream of its own within the connection, named by the `stream_id` of its events; the server
answers the requests of a lane in order (openai 3.57 lib/responses_websocket).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from hilt_autolog.contracts.realtime import SessionNotice, Turn
from hilt_autolog.contracts.sdk_objects import fields, text_or_none
from hilt_autolog.providers._stainless import conversation_id

from .responses import response_messages
from .websocket import error_notice, event_type

if TYPE_CHECKING:
    from hilt_autolog.contracts.model import Operation, Request
    from hilt_autolog.contracts.realtime import ConnectionEvent
    from hilt_autolog.contracts.types import JsonMapping

    from .websocket import ConnectionInfo

# Last part of the event type that ends a response -> `Turn.ended`.
_FINAL_EVENTS = {"completed": "closed", "incomplete": "closed", "failed": "error", "done": "closed"}
_TRANSPORT_KEYS = ("type", "event_id", "stream_id")


class ResponsesReader:
    """Assigns the events of a connection to turns: those of a lane to its oldest open turn."""

    is_conversation = False  # `previous_response_id` of each request says what it continues

    def __init__(self, operation: Operation, info: ConnectionInfo) -> None:
        self._operation = operation
        self._info = info
        self._turn_count = 0
        self._lanes: dict[str, deque[int]] = {}  # stream id -> keys of its open turns, oldest first
        self._turns_by_response: dict[str, int] = {}  # response id -> key of its open turn

    def on_send(self, item: JsonMapping) -> ConnectionEvent | None:
        """Read an event that the client sends."""
        kind = event_type(item)
        if kind == "response.create":
            self._turn_count += 1
            self._lanes.setdefault(_lane(item), deque()).append(self._turn_count)
            return Turn(self._turn_count, self._request(item))
        return self._steering_notice(item) if kind == "response.steer" else None

    def on_receive(self, item: JsonMapping) -> ConnectionEvent | None:
        """Read an event that the server has sent."""
        kind = event_type(item)
        turns = self._lanes.get(_lane(item))
        if kind == "error":
            if not turns:
                return error_notice(self._empty_request(), item)
            return Turn(turns.popleft(), None, item, "error")
        topic, _, name = kind.partition(".")
        if not turns or topic != "response" or name.startswith("steer."):
            return None
        response_id = text_or_none(fields(item.get("response")).get("id"))
        if name not in _FINAL_EVENTS:
            if name == "created" and response_id is not None:
                self._turns_by_response[response_id] = turns[0]
            return Turn(turns[0], None, item)
        self._turns_by_response.pop(response_id or "", None)
        return Turn(turns.popleft(), None, item, _FINAL_EVENTS[name])

    def on_send_failure(self, key: int) -> None:
        """Discard a turn whose request could not be sent: no response will come."""
        for turns in self._lanes.values():
            if key in turns:
                turns.remove(key)

    def on_close(self) -> None:
        """Discard the open turns; that they end is the notice."""
        self._lanes.clear()
        self._turns_by_response.clear()

    def _request(self, item: JsonMapping) -> Request:
        not_parameters = (*self._operation.content_keys, *_TRANSPORT_KEYS)
        request = self._info.request(
            self._operation,
            self._operation.parse_messages(item),
            {name: value for name, value in item.items() if name not in not_parameters},
            text_or_none(item.get("model")),
            text_or_none(item.get("previous_response_id")),
        )
        request.conversation = conversation_id(item.get("conversation"))
        request.service_tier = text_or_none(item.get("service_tier"))
        return request

    def _steering_notice(self, item: JsonMapping) -> SessionNotice:
        """Return the notice of input that is added to a response while it is generated."""
        turn_key = self._turns_by_response.get(text_or_none(item.get("previous_response_id")) or "")
        messages = response_messages({"input": item.get("input")})
        return SessionNotice("response steered", self._empty_request(), messages=messages, turn_key=turn_key)

    def _empty_request(self) -> Request:
        return self._info.request(self._operation, [], {})


def _lane(item: JsonMapping) -> str:
    return text_or_none(item.get("stream_id")) or ""
