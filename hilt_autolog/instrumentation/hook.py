"""The interface between wrapped functions and the recording: a hook begins a call, an observer follows it.

This package wraps functions and calls these protocols; `recording` and `runs` implement them. Their methods
capture their own errors, except `CallObserver.finish`: its caller captures them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from hilt_autolog.contracts.model import HttpResponse
    from hilt_autolog.contracts.provider import Provider
    from hilt_autolog.contracts.types import JsonMapping

Args = tuple[object, ...]
Kwargs = dict[str, object]
Observer = TypeVar("Observer")


class Hook(Generic[Observer]):
    """The link from one wrapped function to the recording, until `close`.

    Args:
        begin: called with the provider and the function's instance, args and kwargs (methods of connections:
            the role after the provider). Returns the observer of this call, or None to leave it unobserved.
    """

    __slots__ = ("begin",)

    def __init__(self, begin: Callable[..., Observer | None]) -> None:
        self.begin = begin

    def close(self) -> None:
        """Leave all later calls unobserved."""
        self.begin = _ignore_call


def _ignore_call(*_call: object) -> None:
    """Return None, which leaves the call unobserved."""


class StreamObserver(Protocol):
    """A call whose response arrives in pieces. The first method that ends the call wins."""

    def start_stream(self) -> Callable[[object], None]:
        """Record that the response arrives in chunks; return the function that takes each chunk."""

    def finish_stream(self) -> None:
        """End the call: there are no more chunks."""

    def finish_body(self, content: bytes) -> None:
        """End the call: the program has read the whole response body."""

    def fail(self, error: BaseException) -> None:
        """End the call: an exception was raised."""

    def abort(self, how: str) -> None:
        """End the call early; `how` is `closed`, `dropped`, `cancelled` or `exit`."""

    def release_response(self) -> None:
        """Drop the reference to the HTTP response, whose body the program reads; keep status and headers."""


class CallObserver(StreamObserver, Protocol):
    """A call in progress."""

    provider: Provider
    http: HttpResponse | None

    def receive_response(self, arguments: JsonMapping) -> None:
        """Set `http` from the keyword arguments of a "response" target."""

    def finish(self, result: object) -> None:
        """End the call: the function has returned `result`."""

    def fail(self, error: BaseException, result: object = None) -> None:
        """End the call: an exception was raised, perhaps after the inner function had returned `result`."""


class InvocationObserver(Protocol):
    """One invocation of a method of a long-lived connection."""

    def finish(self, result: object) -> None:
        """Record what the method returned."""

    def fail(self, error: BaseException) -> None:
        """Record that the method raised `error`."""


ReturnObserver = Callable[[object], object]  # takes what the function returned

# What wrapt calls in place of the wrapped function: (wrapped, instance, args, kwargs) -> its result.
Wrapper = Callable[..., object]
WrapperFactory = Callable[["Provider", Hook[Any]], Wrapper]
