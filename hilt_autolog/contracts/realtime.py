"""What a provider file offers where many calls share one connection: what passes over it, and how to read it.

Over a websocket there is no request with its response: things are sent, and others are received. A dialogue
tells which of them begin a turn (a call of a model), belong to one, end it, or say something beside them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .model import ErrorInfo, Message, Request
    from .provider import Coverage, PatchTarget, Provider

# What the methods of a connection do, plain or "async": send something, send what waits in a queue, receive
# something, close.
SEND, FLUSH, RECEIVE, CLOSE = METHODS = ("send", "flush", "receive", "close")
CONNECTION_ROLES = frozenset((*METHODS, *(f"async {method}" for method in METHODS)))


class Turn(NamedTuple):
    """What one thing that passed over a connection means for a turn: a question and its answer.

    A `request` begins the turn; the turn's fold takes the `chunk`; `ended` says how the turn ends if the
    provider has not said that the answer is whole (`closed`, `cancelled`, `error`).
    """

    key: int  # which turn of the connection
    request: Request | None = None
    chunk: Any = None
    ended: str | None = None


class SessionNotice(NamedTuple):
    """What one thing that passed over a connection says outside of the turns, or late for one."""

    text: str
    request: Request  # what is known of the connection, with no messages
    known: Mapping[str, Any] = MappingProxyType({})  # extensions
    messages: Sequence[Message] = ()
    error_info: ErrorInfo | None = None
    about: int | None = None  # the turn that it belongs to


Step = Turn | SessionNotice


class ConnectionReader(Protocol):
    """Reads what passes over one connection, in order; a state without clock or file, as a fold is."""

    is_conversation: bool  # all turns continue one another, whatever their messages say

    def sent(self, item: Any) -> Step | None:
        """Take what the program sends."""

    def received(self, item: Any) -> Step | None:
        """Take what the program has received."""

    def unsent(self, key: int) -> None:
        """Forget a turn: what was to begin it could not be sent."""

    def closed(self) -> SessionNotice | None:
        """Forget the turns that are open, and return what is to be told: the connection has ended."""


class ConnectionProvider(Protocol):
    """A provider of connections that last."""

    @property
    def package(self) -> str:
        """The name under which the SDK is imported."""

    @property
    def targets(self) -> tuple[PatchTarget, ...]:
        """The functions to wrap."""

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        """What is watched by them."""

    @property
    def reader(self) -> Provider:
        """Who reads the exceptions of this SDK."""

    def connection(self, instance: Any) -> Any:
        """Return the object that stands for the connection behind `instance`; None: step aside."""

    def dialogue(self, connection: Any) -> ConnectionReader:
        """Return what reads the things that pass over a connection."""

    def outgoing(
        self,
        instance: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        clean: Callable[[Any], Any],
    ) -> list[Any]:
        """Return what is about to be sent (of a "flush", what waits); `clean` makes plain JSON of objects."""

    def incoming(self, result: Any) -> Any:
        """Return what a "receive" probe has received, None if it cannot be read."""

    def is_end(self, error: BaseException) -> str | None:
        """Return how an exception has ended the connection (`closed`, `error`), if it has."""
