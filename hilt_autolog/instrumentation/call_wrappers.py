"""Wrappers of the functions that call models, one for each `contracts.provider.Role`.

Each wrapper passes the call's arguments to `hook.begin`, which returns a `CallObserver` (None: not a call to
a model), and reports to it how the call ends. The sync and the async body differ by `await` alone.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from hilt_autolog.internal_errors import capture_errors, internal_errors

from .iterator_proxies import proxy_generator, proxy_result
from .response_bodies import observe_body, observe_parsed_stream
from .streams import observe_stream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from hilt_autolog.contracts.provider import Provider, Role

    from .hook import Args, CallObserver, Hook, Kwargs, Wrapper, WrapperFactory

    CallHook = Hook[CallObserver]

T = TypeVar("T")

_current_call: ContextVar[CallObserver | None] = ContextVar("hilt_call", default=None)
# The calls made inside a "parser" function, with their results. They end when the function returns.
_unparsed_calls: ContextVar[list[tuple[CallObserver, object]] | None] = ContextVar(
    "hilt_unparsed_calls", default=None
)


def _wrap_call(provider: Provider, hook: CallHook, *, is_request: bool = False) -> Wrapper:
    def wrapper(wrapped: Callable[..., object], instance: object, args: Args, kwargs: Kwargs) -> object:
        call = hook.begin(provider, instance, args, kwargs)
        if call is None:
            return wrapped(*args, **kwargs)
        token = _current_call.set(call)
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            call.fail(error)
            raise
        finally:
            _reset(_current_call, token)
        return _observe_result(call, result, is_request=is_request)

    return wrapper


def _wrap_async_call(provider: Provider, hook: CallHook, *, is_request: bool = False) -> Wrapper:
    async def wrapper(
        wrapped: Callable[..., Awaitable[object]], instance: object, args: Args, kwargs: Kwargs
    ) -> object:
        call = hook.begin(provider, instance, args, kwargs)
        if call is None:
            return await wrapped(*args, **kwargs)
        token = _current_call.set(call)
        try:
            result = await wrapped(*args, **kwargs)
        except BaseException as error:
            call.fail(error)
            raise
        finally:
            _reset(_current_call, token)
        return _observe_result(call, result, is_request=is_request)

    return wrapper


def _wrap_generator(provider: Provider, hook: CallHook) -> Wrapper:
    def wrapper(
        wrapped: Callable[..., Iterator[object]], instance: object, args: Args, kwargs: Kwargs
    ) -> object:
        return proxy_generator(wrapped(*args, **kwargs), lambda: hook.begin(provider, instance, args, kwargs))

    return wrapper


def _wrap_parser(_provider: Provider, _hook: CallHook) -> Wrapper:
    def wrapper(wrapped: Callable[..., object], _instance: object, args: Args, kwargs: Kwargs) -> object:
        calls: list[tuple[CallObserver, object]] = []
        token = _unparsed_calls.set(calls)
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            _end_calls(calls, error)
            raise
        finally:
            _reset(_unparsed_calls, token)
        _end_calls(calls)
        return result

    return wrapper


def _wrap_async_parser(_provider: Provider, _hook: CallHook) -> Wrapper:
    async def wrapper(
        wrapped: Callable[..., Awaitable[object]], _instance: object, args: Args, kwargs: Kwargs
    ) -> object:
        calls: list[tuple[CallObserver, object]] = []
        token = _unparsed_calls.set(calls)
        try:
            result = await wrapped(*args, **kwargs)
        except BaseException as error:
            _end_calls(calls, error)
            raise
        finally:
            _reset(_unparsed_calls, token)
        _end_calls(calls)
        return result

    return wrapper


def _wrap_response(_provider: Provider, _hook: CallHook) -> Wrapper:
    def wrapper(wrapped: Callable[..., object], _instance: object, args: Args, kwargs: Kwargs) -> object:
        call = _current_call.get()
        if call is not None:
            try:
                call.receive_response(kwargs)
            except Exception as error:
                internal_errors.note(error)
        return wrapped(*args, **kwargs)

    return wrapper


def _wrap_stream(provider: Provider, _hook: CallHook) -> Wrapper:
    def wrapper(wrapped: Callable[..., object], instance: object, args: Args, kwargs: Kwargs) -> object:
        result = wrapped(*args, **kwargs)
        try:
            stream = provider.stream_info(instance)
            if stream is not None:
                observe_parsed_stream(stream)
        except Exception as error:
            internal_errors.note(error)
        return result

    return wrapper


def _reset(variable: ContextVar[T], token: Token[T]) -> None:
    # Not `contextlib.suppress`, which runs three more frames for every call (tests/benchmarks/calls.py).
    try:  # noqa: SIM105  see above
        variable.reset(token)
    except ValueError:  # a coroutine that is dropped is closed in another context than the one it began in
        pass


@capture_errors
def _end_calls(calls: list[tuple[CallObserver, object]], error: BaseException | None = None) -> None:
    """End the calls whose responses the SDK has parsed, or has failed to parse with `error`."""
    for call, result in calls:
        if error is None:
            call.finish(result)
        else:
            call.fail(error, result)


def _observe_result(call: CallObserver, result: object, *, is_request: bool) -> object:
    """Observe a call's result if its response has not been read yet; end the call otherwise.

    Returns:
        The program's result: `result` itself, except an iterator that no object holds, which gets a proxy.
    """
    try:
        if is_request:
            call.receive_response({"response": result})
        stream = call.provider.stream_info(result)
        if stream is not None and stream.holder is None:
            return proxy_result(result, call)
        if stream is not None:
            observe_stream(call, stream)
        elif call.http is not None and _is_unread(call.http.response):
            observe_body(call, call.http.response)
            call.release_response()
        elif (calls := _unparsed_calls.get()) is not None:
            calls.append((call, result))
        else:
            call.finish(result)
    except Exception as error:
        internal_errors.note(error)
    return result


def _is_unread(response: Any) -> bool:
    """Return whether the body of a response is unread; the program will read it, so do not consume it."""
    try:  # httpx2 2.16 _models.py: Response.content raises ResponseNotRead before the body is read
        _ = response.content
    except Exception:
        return True
    return False


CALL_WRAPPERS: dict[Role, WrapperFactory] = {
    "call": _wrap_call,
    "async call": _wrap_async_call,
    "request": partial(_wrap_call, is_request=True),
    "async request": partial(_wrap_async_call, is_request=True),
    "generator": _wrap_generator,
    "parser": _wrap_parser,
    "async parser": _wrap_async_parser,
    "response": _wrap_response,
    "stream": _wrap_stream,
}
