"""What a provider file offers: which functions to wrap, and how to read what passes through them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .model import ErrorInfo, HttpResponse, Request, Response


class PatchTarget(NamedTuple):
    """A function to wrap: `owner.name` in `module`.

    `role` says what it is:
    "call", "async call": one call to a model, plain or awaited;
    "generator": one call, which begins when what the function returns is first stepped;
    "reading", "async reading": makes a call inside and reads its answer; the call ends when this has ended;
    "response": sees the HTTP response of the call that is under way;
    "stream": makes a stream of items out of a response;
    "request", "async request": one call, and what the function returns is the HTTP response itself.
    The functions by which a framework tells of its runs have the roles of `framework`,
    the methods of a connection that lasts those of `dialogue`.

    The module need not be there yet: it may be one that the SDK imports when a program first needs it. If it
    `is_optional`, only some versions have it.
    """

    module: str
    owner: str
    name: str
    role: str
    is_optional: bool = False


class Coverage(NamedTuple):
    """An operation that is watched, as `hilt doctor --coverage` tells of it.

    It is watched where all of its `targets` are found. Not every version of an SDK need offer it: `offered`
    is the dotted name to look for, if there is one.
    """

    operation: str
    targets: tuple[PatchTarget, ...]
    streams: bool = False  # whether the answer may come in a stream
    offered: str | None = None


class StreamInfo(NamedTuple):
    """Where the items of a stream pass by: the iterator in `holder.attribute`, and its HTTP response.

    Without a holder the call's result is itself the iterator, and the program gets another object, which the
    SDK makes of it.
    """

    holder: Any = None
    attribute: str = ""
    response: Any = None


class Provider(Protocol):
    """What a provider file offers as `PROVIDER`; `EXTRA_PROVIDERS` are those that watch it in other ways."""

    @property
    def package(self) -> str:
        """The name under which the SDK is imported."""

    @property
    def targets(self) -> tuple[PatchTarget, ...]:
        """The functions to wrap."""

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        """What is watched by them."""

    def request(
        self,
        client: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        clean: Callable[[Any], Any] | None = None,
    ) -> Request | None:
        """Read a call's arguments; None when the call is not one to a model: step aside.

        `clean` makes plain JSON of the request's body first, whatever stands in it.
        """

    def http(self, kwargs: Mapping[str, Any]) -> HttpResponse | None:
        """Read the arguments of a "response" probe."""

    def stream(self, result: Any) -> StreamInfo | None:
        """Return where the items of `result` can be watched, if it is a stream."""

    def response(self, prompt: Request, result: Any, http: HttpResponse | None) -> Response:
        """Read what a call returned."""

    def body(self, prompt: Request, content: bytes, http: HttpResponse) -> Response:
        """Read the body of a response that the program has read by itself."""

    def error_info(self, error: BaseException) -> ErrorInfo:
        """Read an exception."""
