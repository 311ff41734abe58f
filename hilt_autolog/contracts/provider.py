"""What a provider file offers: which functions to wrap, and how to read their arguments and results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from .model import ErrorInfo, HttpResponse, Request, Response
    from .types import JsonMapping


Role = Literal[
    "call",  # one call to a model
    "async call",  # the same, awaited
    "generator",  # one call, which starts when the returned generator is first advanced
    "parser",  # makes a call inside and parses its response; the call ends when the function returns
    "async parser",
    "response",  # receives the HTTP response of the current call
    "stream",  # the constructor of a stream over an HTTP response
    "request",  # one call whose result is the HTTP response itself
    "async request",
]
"""What a function of an SDK does in a call. Each role has its wrapper in `instrumentation.call_wrappers`.

The callbacks of a framework have the roles of `framework.CALLBACK_ROLES`, the methods of a long-lived
connection those of `realtime.CONNECTION_ROLES`.
"""


class PatchTarget(NamedTuple):
    """A function to wrap: `owner.name` in `module`.

    The function is wrapped once its module is imported, perhaps long after the SDK, or never. With
    `is_optional` a missing owner or name is no error: only some versions of the SDK have it.
    """

    module: str
    owner: str
    name: str
    role: str  # a `Role`, or one of `CALLBACK_ROLES` or `CONNECTION_ROLES`
    is_optional: bool = False


class Coverage(NamedTuple):
    """An operation that is recorded, as shown by `hilt doctor --coverage`.

    It counts as recorded if all of its `targets` are wrapped. `sdk_path`, if any, is the dotted path of the
    SDK's attribute that offers the operation: versions without it do not count as gaps.
    """

    operation: str
    targets: tuple[PatchTarget, ...]
    streams: bool = False  # whether its responses can be streamed
    sdk_path: str | None = None


class StreamInfo(NamedTuple):
    """Where to intercept the items of a stream: the iterator in `holder.attribute`, and its HTTP response.

    Without a holder the call's result is itself the iterator, which the SDK wraps in another object for the
    program.
    """

    holder: Any = None
    attribute: str = ""
    response: Any = None


class Provider(Protocol):
    """What a provider file offers as `PROVIDER`.

    `EXTRA_PROVIDERS` of the file, if any, record the same SDK by other functions, such as its connections.
    """

    @property
    def package(self) -> str:
        """The name under which the SDK is imported."""

    @property
    def targets(self) -> tuple[PatchTarget, ...]:
        """The functions to wrap."""

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        """The operations that these functions record."""

    def request(
        self,
        client: Any,
        args: tuple[Any, ...],
        kwargs: JsonMapping,
        to_json: Callable[[object], Any] | None = None,
    ) -> Request | None:
        """Read a call's arguments; return None if it calls no model and is not to be recorded.

        Args:
            client: the object whose method is called.
            args: positional arguments.
            kwargs: keyword arguments.
            to_json: converts the body to plain JSON before it is read. `CallStarter` passes it in a second
                attempt, if reading the body's own values has raised an exception.
        """

    def http_response(self, kwargs: JsonMapping) -> HttpResponse | None:
        """Read the keyword arguments of a "response" target."""

    def stream_info(self, result: Any) -> StreamInfo | None:
        """Return where to intercept the items of `result`; None if it is no stream."""

    def response(self, request: Request, result: Any, http: HttpResponse | None) -> Response:
        """Read the result of a call.

        Args:
            request: the request.
            result: what the call returned; None if the program reads the body of the response itself.
            http: the HTTP response, if it is known; the whole body is its `content`.
        """

    def error_info(self, error: BaseException) -> ErrorInfo:
        """Read an exception."""
