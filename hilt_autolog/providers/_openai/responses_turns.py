"""Responses over a websocket: requests as over HTTP, one after another in each lane of the connection."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.realtime import SessionNotice, Turn
from hilt_autolog.contracts.sdk_objects import fields, text_or_none

from .responses import response_messages
from .turns import fault, kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hilt_autolog.contracts.model import Operation, Request
    from hilt_autolog.contracts.realtime import ConnectionEvent

    from .turns import ConnectionInfo

_ENDS = {"completed": "closed", "incomplete": "closed", "failed": "error", "done": "closed"}
_OF_THE_WIRE = ("type", "event_id", "stream_id")


class ResponsesReader:
    """Tells the turns of a connection apart; a lane answers its requests in order."""

    is_conversation = False  # each request says what it continues

    def __init__(self, operation: Operation, scene: ConnectionInfo) -> None:
        self._operation = operation
        self._scene = scene
        self._count = 0
        self._lanes: dict[str, deque[int]] = {}  # the turns that are not over
        self._named: dict[str, int] = {}  # response id -> its turn, of those

    def on_send(self, item: Mapping[str, Any]) -> ConnectionEvent | None:
        """Take an event of the client's."""
        kind = kind_of(item)
        if kind == "response.create":
            self._count += 1
            self._lanes.setdefault(_lane(item), deque()).append(self._count)
            return Turn(self._count, self._prompt(item))
        return self._steered(item) if kind == "response.steer" else None

    def on_receive(self, item: Mapping[str, Any]) -> ConnectionEvent | None:
        """Take an event of the server's."""
        kind = kind_of(item)
        turns = self._lanes.get(_lane(item))
        if kind == "error":
            return Turn(turns.popleft(), None, item, "error") if turns else fault(self._blank(), item)
        topic, _, what = kind.partition(".")
        if not turns or topic != "response" or what.startswith("steer."):
            return None
        identity = text_or_none(fields(item.get("response")).get("id"))
        if what not in _ENDS:
            if what == "created" and identity is not None:
                self._named[identity] = turns[0]
            return Turn(turns[0], None, item)
        self._named.pop(identity or "", None)
        return Turn(turns.popleft(), None, item, _ENDS[what])

    def on_send_failure(self, key: int) -> None:
        """Wait for no response to a request that has not left."""
        for turns in self._lanes.values():
            if key in turns:
                turns.remove(key)

    def on_close(self) -> None:
        """Forget what was not answered; the turns themselves say it all."""
        self._lanes.clear()
        self._named.clear()

    def _prompt(self, item: Mapping[str, Any]) -> Request:
        besides = (*self._operation.content_keys, *_OF_THE_WIRE)
        request = {name: value for name, value in item.items() if name not in besides}
        named = item.get("conversation")
        prompt = self._scene.request(
            self._operation,
            self._operation.parse_messages(item),
            request,
            text_or_none(item.get("model")),
            text_or_none(item.get("previous_response_id")),
        )
        prompt.conversation = text_or_none(named) or text_or_none(fields(named).get("id"))
        prompt.service_tier = text_or_none(item.get("service_tier"))
        return prompt

    def _steered(self, item: Mapping[str, Any]) -> SessionNotice:
        about = self._named.get(text_or_none(item.get("previous_response_id")) or "")
        messages = response_messages({"input": item.get("input")})
        return SessionNotice("response steered", self._blank(), messages=messages, turn_key=about)

    def _blank(self) -> Request:
        return self._scene.request(self._operation, [], {})


def _lane(item: Mapping[str, Any]) -> str:
    return text_or_none(item.get("stream_id")) or ""
