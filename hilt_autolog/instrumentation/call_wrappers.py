"""How calls of models are watched, by the roles of `PatchTarget`.

Each wrapper hands the call's arguments to `begin`, which returns a `CallObserver`, or None for a call to no
model, and reports to that object how the call goes on. Sync and async differ by one line.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from hilt_autolog.internal_errors import capture_errors, internal_errors

from .iterator_proxies import proxy_generator, proxy_result
from .response_bodies import observe_body, observe_parsed_stream
from .streams import StreamObserver, observe_stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.model import HttpResponse
    from hilt_autolog.contracts.provider import Provider

    from .hook import Args, Hook, Kwargs, WrapperFactory

T = TypeVar("T")


class CallObserver(StreamObserver, Protocol):
    """A call that is under way."""

    provider: Provider
    http: HttpResponse | None  # the response; the engine puts it here before the SDK has read it

    def finish(self, result: Any) -> None:
        """The call returns this."""

    def fail(self, error: BaseException, result: Any = None) -> None:
        """An exception has ended it, when it had returned this or nothing."""


_current: ContextVar[CallObserver | None] = ContextVar("hilt_call", default=None)
_held: ContextVar[list[tuple[CallObserver, Any]] | None] = ContextVar("hilt_held", default=None)


def _call(provider: Provider, gate: Hook, *, is_request: bool = False) -> Callable[..., Any]:
    def watched(wrapped: Callable[..., Any], instance: Any, args: Args, kwargs: Kwargs) -> Any:
        call = gate.begin(provider, instance, args, kwargs)
        if call is None:
            return wrapped(*args, **kwargs)
        token = _current.set(call)
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            call.fail(error)
            raise
        finally:
            _leave(_current, token)
        return _returned(call, result, is_request=is_request)

    return watched


def _async_call(provider: Provider, gate: Hook, *, is_request: bool = False) -> Callable[..., Any]:
    async def watched(wrapped: Callable[..., Any], instance: Any, args: Args, kwargs: Kwargs) -> Any:
        call = gate.begin(provider, instance, args, kwargs)
        if call is None:
            return await wrapped(*args, **kwargs)
        token = _current.set(call)
        try:
            result = await wrapped(*args, **kwargs)
        except BaseException as error:
            call.fail(error)
            raise
        finally:
            _leave(_current, token)
        return _returned(call, result, is_request=is_request)

    return watched


def _generator(provider: Provider, gate: Hook) -> Callable[..., Any]:
    def watched(wrapped: Callable[..., Any], instance: Any, args: Args, kwargs: Kwargs) -> Any:
        return proxy_generator(wrapped(*args, **kwargs), lambda: gate.begin(provider, instance, args, kwargs))

    return watched


def _reading(_provider: Provider, _gate: Hook) -> Callable[..., Any]:
    def watched(wrapped: Callable[..., Any], _instance: Any, args: Args, kwargs: Kwargs) -> Any:
        held: list[tuple[CallObserver, Any]] = []
        token = _held.set(held)
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            _settle(held, error)
            raise
        finally:
            _leave(_held, token)
        _settle(held)
        return result

    return watched


def _async_reading(_provider: Provider, _gate: Hook) -> Callable[..., Any]:
    async def watched(wrapped: Callable[..., Any], _instance: Any, args: Args, kwargs: Kwargs) -> Any:
        held: list[tuple[CallObserver, Any]] = []
        token = _held.set(held)
        try:
            result = await wrapped(*args, **kwargs)
        except BaseException as error:
            _settle(held, error)
            raise
        finally:
            _leave(_held, token)
        _settle(held)
        return result

    return watched


def _response(_provider: Provider, _gate: Hook) -> Callable[..., Any]:
    def watched(wrapped: Callable[..., Any], _instance: Any, args: Args, kwargs: Kwargs) -> Any:
        call = _current.get()
        if call is not None:
            try:
                call.http = call.provider.http_response(kwargs)
            except Exception as fault:
                internal_errors.note(fault)
        return wrapped(*args, **kwargs)

    return watched


def _stream(provider: Provider, _gate: Hook) -> Callable[..., Any]:
    def watched(wrapped: Callable[..., Any], instance: Any, args: Args, kwargs: Kwargs) -> Any:
        result = wrapped(*args, **kwargs)
        try:
            stream = provider.stream_info(instance)
            if stream is not None:
                observe_parsed_stream(stream)
        except Exception as fault:
            internal_errors.note(fault)
        return result

    return watched


def _leave(variable: ContextVar[T], token: Token[T]) -> None:
    try:  # noqa: SIM105  on every call, and three frames cheaper than `suppress`
        variable.reset(token)
    except ValueError:  # a coroutine that is thrown away is closed in another context than it began in
        pass


@capture_errors
def _settle(held: list[tuple[CallObserver, Any]], error: BaseException | None = None) -> None:
    """End the calls whose answers the SDK has read by now, or has failed at."""
    for call, result in held:
        if error is None:
            call.finish(result)
        else:
            call.fail(error, result)


def _returned(call: Any, result: Any, *, is_request: bool) -> Any:
    """Watch what a call returned, or end the call with it; give what the program is to get of it back."""
    try:
        if is_request:
            call.http = call.provider.http_response({"response": result})
        stream = call.provider.stream_info(result)
        if stream is not None and stream.holder is None:
            return proxy_result(result, call)
        if stream is not None:
            observe_stream(call, stream)
        elif call.http is not None and _is_unread(call.http.response):
            observe_body(call, call.http.response)
            call.release_response()
        elif (held := _held.get()) is not None:
            held.append((call, result))
        else:
            call.finish(result)
    except Exception as fault:
        internal_errors.note(fault)
    return result


def _is_unread(response: Any) -> bool:
    """Return whether the body of a response is still to be read: asking for it early would steal it."""
    try:
        _ = response.content
    except Exception:
        return True
    return False


CALL_WRAPPERS: dict[str, WrapperFactory] = {
    "call": _call,
    "async call": _async_call,
    "request": partial(_call, is_request=True),
    "async request": partial(_async_call, is_request=True),
    "generator": _generator,
    "reading": _reading,
    "async reading": _async_reading,
    "response": _response,
    "stream": _stream,
}
