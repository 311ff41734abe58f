"""What a provider file offers for long-lived connections (websockets) that carry many calls.

A websocket has no request with its response: events are sent, and others are received. A `ConnectionReader`
groups them into turns: each turn is one call of a model, with its request, its chunks and its end.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .model import ErrorInfo, Request
    from .provider import Coverage, PatchTarget, Provider
    from .types import JsonMapping, Message

# Roles of a connection's methods, plain or "async": send an event, send what is queued, receive, close.
SEND, FLUSH, RECEIVE, CLOSE = METHODS = ("send", "flush", "receive", "close")
CONNECTION_ROLES = frozenset((*METHODS, *(f"async {method}" for method in METHODS)))


class Turn(NamedTuple):
    """What one event means for a turn, which is one request and its response.

    `request` starts the turn; `chunk` is added to the turn's accumulator; `ended` ends the turn, and says how
    (`closed`, `cancelled`, `error`) if the accumulator has not finished.
    """

    key: int  # number of the turn in its connection
    request: Request | None = None
    chunk: Any = None
    ended: str | None = None


class SessionNotice(NamedTuple):
    """What one event reports outside of the turns, or too late for its turn."""

    text: str
    request: Request  # model, server and parameters of the connection; without messages
    extensions: JsonMapping = MappingProxyType({})
    messages: Sequence[Message] = ()
    error_info: ErrorInfo | None = None
    turn_key: int | None = None  # the turn that it belongs to


ConnectionEvent = Turn | SessionNotice


class ConnectionReader(Protocol):
    """Reads the events of one connection, in order; holds state, but no clock and no file."""

    is_conversation: bool  # whether each turn continues the one before, whatever its messages are

    def on_send(self, item: Any) -> ConnectionEvent | None:
        """Read an event that the program sends."""

    def on_receive(self, item: Any) -> ConnectionEvent | None:
        """Read an event that the program has received."""

    def on_send_failure(self, key: int) -> None:
        """Discard a turn whose request could not be sent."""

    def on_close(self) -> SessionNotice | None:
        """Discard the open turns: the connection has ended. Return a notice of that, or None."""


class ConnectionProvider(Protocol):
    """What a provider file offers in `EXTRA_PROVIDERS` for an SDK's connections."""

    @property
    def package(self) -> str:
        """The name under which the SDK is imported."""

    @property
    def targets(self) -> tuple[PatchTarget, ...]:
        """The functions to wrap."""

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        """The operations that these functions record."""

    @property
    def provider(self) -> Provider:
        """The provider of the SDK's plain calls, which reads the exceptions of connections too."""

    def connection(self, instance: Any) -> Any:
        """Return the object that identifies the connection of `instance`; None if it is not recorded."""

    def connection_reader(self, connection: Any) -> ConnectionReader:
        """Return a new reader for the events of a connection."""

    def outgoing_items(
        self,
        instance: Any,
        args: tuple[Any, ...],
        kwargs: JsonMapping,
        to_json: Callable[[object], Any],
    ) -> Sequence[Any]:
        """Return the events that a "send" target is about to send, or a "flush" target has in its queue.

        Args:
            instance: the object whose method is called.
            args: positional arguments.
            kwargs: keyword arguments.
            to_json: converts the SDK's objects to plain JSON.
        """

    def incoming_item(self, result: Any) -> Any:
        """Return the event that a "receive" target has returned; None if it cannot be read."""

    def close_reason(self, error: BaseException) -> str | None:
        """Return how an exception has ended the connection (`closed`, `error`); None if it has not."""
