"""OpenAI's websockets: the methods of a connection, in every version, and what passes through them.

Newer versions send everything through one function of a base class; in older ones each connection class
has its own. Each class receives by itself.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import orjson

from hilt_autolog.contracts.provider import Coverage, PatchTarget
from hilt_autolog.contracts.sdk_objects import fields, jsonable, text_or_none

from .turns import ConnectionInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hilt_autolog.contracts.realtime import ConnectionReader
    from hilt_autolog.providers._stainless import StainlessProvider

_BASE = "openai._websocket_connection"
_LANES = "openai.lib.responses_websocket._session"
_RESOURCES = (
    ("openai.resources.realtime.realtime", "Realtime"),
    ("openai.resources.beta.realtime.realtime", "Realtime"),
    ("openai.resources.responses.responses", "Responses"),
    ("openai.resources.beta.responses.responses", "Responses"),
)
_OPERATIONS = {"Realtime": "realtime", "Responses": "responses.connect"}
_OF_BASE = (("_send", "send"), ("_flush_send_queue", "flush"), ("close", "close"))
_OWN = (("send", "send"), ("send_raw", "send"), ("_flush_send_queue", "flush"), ("close", "close"))
_LEFT_OUT = ("Omit", "NotGiven")  # the classes of what stands for a parameter that was not given
_NO_QUEUE: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Websockets:
    """The connections of an SDK; `dialogues` names the resources whose connections can be read."""

    provider: StainlessProvider
    dialogues: Mapping[str, Callable[[ConnectionInfo], ConnectionReader]]

    @property
    def package(self) -> str:
        """The name under which the SDK is imported."""
        return self.provider.package

    @property
    def targets(self) -> tuple[PatchTarget, ...]:
        """The functions to wrap; they are asked for anew when a module has come."""
        found = []
        for prefix, role in (("", ""), ("Async", "async ")):
            places = [(_BASE, f"{prefix}WebSocketConnectionBase", name, what) for name, what in _OF_BASE]
            places.append((_LANES, f"{prefix}ResponsesWebSocketLane", "send", "send"))
            for module, resource in _RESOURCES:
                owner = f"{prefix}{resource}Connection"
                places += [(module, owner, name, what) for name, what in _methods(module, resource, owner)]
            found += [
                PatchTarget(module, owner, name, role + what, is_optional=True)
                for module, owner, name, what in places
            ]
        return tuple(found)

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        """The resources that make connections: what matters is that one is received from."""
        return tuple(
            Coverage(_OPERATIONS[resource], _received(module, resource), True, f"{module}.connect")
            for module, resource in _RESOURCES
        )

    def connection(self, instance: Any) -> Any:
        """Return the connection that a method belongs to, or that a lane of it speaks through."""
        if "_session" in fields(instance):
            instance = getattr(instance._session, "connection", None)  # noqa: SLF001  a lane tells it to nobody
        return None if self._kind(instance) is None else instance

    def connection_reader(self, connection: Any) -> ConnectionReader:
        """Return what reads a connection."""
        return self.dialogues[self._kind(connection) or ""](self._scene(connection))

    def outgoing_items(
        self, instance: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], clean: Callable[[Any], Any]
    ) -> list[dict[str, Any]]:
        """Return the events that are about to be sent: of a lane with its name, of a queue all that wait."""
        given = args[:1] or tuple(kwargs[name] for name in ("event", "data") if name in kwargs)
        if not given:
            waiting = fields(fields(instance).get("_send_queue")).get("_queue") or _NO_QUEUE
            given = tuple(entry[0] if isinstance(entry, tuple) else entry for entry in waiting)
        events = [_event(one) if isinstance(one, str | bytes) else _plain(one, clean) for one in given]
        lane = fields(fields(instance).get("_state")).get("stream_id")
        named = {"stream_id": lane} if isinstance(lane, str) else {}
        return [event | named for event in events if isinstance(event, dict)]

    def incoming_item(self, result: Any) -> dict[str, Any] | None:
        """Return an event that was received."""
        return _event(result)

    def close_reason(self, error: BaseException) -> str | None:
        """Return how an exception of the websocket library has ended the connection; a timeout has not."""
        names = [kind.__name__ for kind in type(error).__mro__]
        if "ConnectionClosedOK" in names:
            return "closed"
        return "error" if any(name.startswith("ConnectionClosed") for name in names) else None

    def _kind(self, connection: Any) -> str | None:
        for kind in type(connection).__mro__:
            name = kind.__name__.removeprefix("Async").removesuffix("Connection")
            if name in self.dialogues:
                return name
        return None

    def _scene(self, connection: Any) -> ConnectionInfo:
        """Return who is at the other end; the websocket knows the request that it was opened with."""
        request = fields(fields(fields(connection).get("_connection")).get("request"))
        query = parse_qs(urlsplit(text_or_none(request.get("path")) or "").query)
        server = text_or_none(_header(request.get("headers"), "Host"))
        named = (name for pattern, name in self.provider.hosts if re.search(pattern, server or ""))
        [model] = (query.get("model") or query.get("deployment") or [""])[:1]
        version = getattr(sys.modules.get(self.package), "__version__", "unknown")
        return ConnectionInfo(
            next(named, self.provider.provider), model or None, server, f"{self.package} {version}"
        )


def _received(module: str, resource: str) -> tuple[PatchTarget, PatchTarget]:
    return (
        PatchTarget(module, f"{resource}Connection", "recv_bytes", "receive", is_optional=True),
        PatchTarget(module, f"Async{resource}Connection", "recv_bytes", "async receive", is_optional=True),
    )


def _methods(module: str, resource: str, owner: str) -> Iterator[tuple[str, str]]:
    """Yield the methods of a connection class that are to be wrapped, and what they do."""
    loaded = sys.modules.get(module)
    if loaded is not None and not hasattr(getattr(loaded, resource, None), "connect"):
        return  # a version that has no connections there
    yield "recv_bytes", "receive"
    kind = getattr(loaded, owner, None)
    if kind is not None and not hasattr(kind, "_send"):
        yield from ((name, what) for name, what in _OWN if hasattr(kind, name))


def _plain(event: Any, clean: Callable[[Any], Any]) -> Any:
    try:
        return clean(jsonable(_given(event)))
    except RecursionError:  # it holds itself: the SDK will refuse it
        return clean(event)


def _given(value: Any) -> Any:
    """Return what of an event will be sent."""
    if type(value) is not dict:
        return value
    return {name: _given(one) for name, one in value.items() if type(one).__name__ not in _LEFT_OUT}


def _event(data: Any) -> dict[str, Any] | None:
    """Read an event off the wire; what is no event, the program will see for itself."""
    try:
        event = orjson.loads(data)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _header(headers: Any, name: str) -> Any:
    try:
        return headers.get(name)
    except Exception:
        return None
