"""OpenAI's websocket connections: the methods to wrap in each version of the SDK, and their events.

openai 3.57 sends everything through `_send` of a base class (_websocket_connection.py); in older versions,
and in the beta Realtime API, each connection class has its own `send`. Each class has its own `recv_bytes`.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import orjson

from hilt_autolog.contracts.model import Operation, Request
from hilt_autolog.contracts.provider import Coverage, PatchTarget
from hilt_autolog.contracts.realtime import SessionNotice
from hilt_autolog.contracts.sdk_objects import fields, jsonable, sdk_version, text_or_none

from .chat import response_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hilt_autolog.contracts.realtime import ConnectionReader
    from hilt_autolog.contracts.types import JsonMapping, JsonObject, Message
    from hilt_autolog.providers._stainless import StainlessProvider


_BASE_MODULE = "openai._websocket_connection"
_LANE_MODULE = "openai.lib.responses_websocket._session"
_RESOURCES = (
    ("openai.resources.realtime.realtime", "Realtime"),
    ("openai.resources.beta.realtime.realtime", "Realtime"),
    ("openai.resources.responses.responses", "Responses"),
    ("openai.resources.beta.responses.responses", "Responses"),
)
_OPERATIONS = {"Realtime": "realtime", "Responses": "responses.connect"}
# (method, role): of the base class, and of connection classes without that base class
_BASE_METHODS = (("_send", "send"), ("_flush_send_queue", "flush"), ("close", "close"))
_OWN_METHODS = (("send", "send"), ("send_raw", "send"), ("_flush_send_queue", "flush"), ("close", "close"))
_OMITTED = ("Omit", "NotGiven")  # classes of the default of an omitted argument: openai 3.57 _types.py
_EMPTY_QUEUE: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Websockets:
    """The provider of an SDK's connections.

    Args:
        provider: of the SDK's plain calls.
        reader_classes: resource ("Realtime", "Responses") -> constructor of its reader.
    """

    provider: StainlessProvider
    reader_classes: Mapping[str, Callable[[ConnectionInfo], ConnectionReader]]

    @property
    def package(self) -> str:
        """The name under which the SDK is imported."""
        return self.provider.package

    @property
    def targets(self) -> tuple[PatchTarget, ...]:
        """The functions to wrap; computed anew at each access, as they depend on the modules loaded."""
        targets = []
        for prefix, role_prefix in (("", ""), ("Async", "async ")):
            methods = [
                (_BASE_MODULE, f"{prefix}WebSocketConnectionBase", name, role) for name, role in _BASE_METHODS
            ]
            methods.append((_LANE_MODULE, f"{prefix}ResponsesWebSocketLane", "send", "send"))
            for module, resource in _RESOURCES:
                owner = f"{prefix}{resource}Connection"
                methods += [
                    (module, owner, name, role) for name, role in _connection_methods(module, resource, owner)
                ]
            targets += [
                PatchTarget(module, owner, name, role_prefix + role, is_optional=True)
                for module, owner, name, role in methods
            ]
        return tuple(targets)

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        """The resources that open connections: recorded if their events are received through a wrapper."""
        return tuple(
            Coverage(_OPERATIONS[resource], _receive_targets(module, resource), True, f"{module}.connect")
            for module, resource in _RESOURCES
        )

    def connection(self, instance: Any) -> Any:
        """Return the connection of a method's instance, which may be a lane of it.

        openai 3.57 lib/responses_websocket/_session.py: a lane has its connection in `_session.connection`,
        and in no public attribute.
        """
        if "_session" in fields(instance):
            instance = getattr(instance._session, "connection", None)  # noqa: SLF001  see above
        return None if self._resource(instance) is None else instance

    def connection_reader(self, connection: Any) -> ConnectionReader:
        """Return a new reader for the events of a connection."""
        return self.reader_classes[self._resource(connection) or ""](self._info(connection))

    def outgoing_items(
        self, instance: Any, args: tuple[Any, ...], kwargs: JsonMapping, to_json: Callable[[object], Any]
    ) -> list[JsonObject]:
        """Return the events to be sent: the argument of a "send", else the queue of a "flush".

        Events of a lane get its `stream_id`. openai 3.57 _send_queue.py: the entries of `SendQueue._queue`
        are tuples that begin with the data; in older versions they are the data.
        """
        events = args[:1] or tuple(kwargs[name] for name in ("event", "data") if name in kwargs)
        if not events:
            queue = fields(fields(instance).get("_send_queue")).get("_queue") or _EMPTY_QUEUE
            events = tuple(entry[0] if isinstance(entry, tuple) else entry for entry in queue)
        items = [
            _decode(event) if isinstance(event, str | bytes) else _encode(event, to_json) for event in events
        ]
        stream_id = fields(fields(instance).get("_state")).get("stream_id")
        lane = {"stream_id": stream_id} if isinstance(stream_id, str) else {}
        return [item | lane for item in items if isinstance(item, dict)]

    def incoming_item(self, result: Any) -> JsonObject | None:
        """Return a received event; None if it is no JSON object."""
        return _decode(result)

    def close_reason(self, error: BaseException) -> str | None:
        """Return how an exception of `websockets` has ended the connection; None for a timeout and others."""
        names = [cls.__name__ for cls in type(error).__mro__]
        if "ConnectionClosedOK" in names:
            return "closed"
        return "error" if any(name.startswith("ConnectionClosed") for name in names) else None

    def _resource(self, connection: object) -> str | None:
        for cls in type(connection).__mro__:
            name = cls.__name__.removeprefix("Async").removesuffix("Connection")
            if name in self.reader_classes:
                return name
        return None

    def _info(self, connection: object) -> ConnectionInfo:
        """Return provider, server and model of a connection, from the request that opened its websocket.

        websockets 17.4 sync/connection.py and asyncio/connection.py: `Connection.request`.
        """
        request = fields(fields(fields(connection).get("_connection")).get("request"))
        query = parse_qs(urlsplit(text_or_none(request.get("path")) or "").query)
        server = text_or_none(_header(request.get("headers"), "Host"))
        names = (name for pattern, name in self.provider.hosts if re.search(pattern, server or ""))
        [model] = (query.get("model") or query.get("deployment") or [""])[:1]  # "deployment": Azure's
        provider = next(names, self.provider.provider)
        return ConnectionInfo(provider, model or None, server, sdk_version(self.package))


def _receive_targets(module: str, resource: str) -> tuple[PatchTarget, PatchTarget]:
    return (
        PatchTarget(module, f"{resource}Connection", "recv_bytes", "receive", is_optional=True),
        PatchTarget(module, f"Async{resource}Connection", "recv_bytes", "async receive", is_optional=True),
    )


def _connection_methods(module: str, resource: str, owner: str) -> Iterator[tuple[str, str]]:
    """Yield (method, role) of a connection class, according to the SDK's version if the module is loaded."""
    loaded = sys.modules.get(module)
    if loaded is not None and not hasattr(getattr(loaded, resource, None), "connect"):
        return  # this version has no connections there
    yield "recv_bytes", "receive"
    connection_class = getattr(loaded, owner, None)
    if connection_class is not None and not hasattr(connection_class, "_send"):
        yield from ((name, role) for name, role in _OWN_METHODS if hasattr(connection_class, name))


def _encode(event: object, to_json: Callable[[object], Any]) -> Any:
    """Return an event, a dict or an SDK's object, as the plain JSON that will be sent."""
    try:
        return to_json(jsonable(_without_omitted(event)))
    except RecursionError:  # it contains itself: the SDK will refuse it
        return to_json(event)


def _without_omitted(value: Any) -> Any:
    if type(value) is not dict:
        return value
    return {
        name: _without_omitted(item) for name, item in value.items() if type(item).__name__ not in _OMITTED
    }


def _decode(data: str | bytes) -> JsonObject | None:
    """Return an event from its JSON text; None if it is no JSON object, which the SDK will report."""
    try:
        event = orjson.loads(data)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _header(headers: Any, name: str) -> object:
    """Return a header; None if it is missing, or sent twice (websockets' `Headers` raises an exception)."""
    try:
        return headers.get(name)
    except Exception:
        return None


class ConnectionInfo(NamedTuple):
    """The provider, model, server and SDK of a connection."""

    provider: str
    model: str | None
    server: str | None
    sdk: str

    def request(
        self,
        operation: Operation,
        messages: list[Message],
        parameters: JsonMapping,
        model: str | None = None,
        previous_response_id: str | None = None,
    ) -> Request:
        """Return a request over this connection; parameters that are None are left out."""
        return Request(
            operation,
            self.provider,
            model or self.model,
            messages,
            {name: value for name, value in parameters.items() if value is not None},
            self.server,
            self.sdk,
            previous_response_id=previous_response_id,
        )


def error_notice(request: Request, event: JsonMapping) -> SessionNotice:
    """Return the notice of an error event that belongs to no turn."""
    error_info = response_error(fields(event.get("error")) or event)
    return SessionNotice(error_info.text, request, error_info=error_info)


def event_type(event: JsonMapping) -> str:
    """Return the type of an event, or an empty str."""
    kind = event.get("type")
    return kind if isinstance(kind, str) else ""
