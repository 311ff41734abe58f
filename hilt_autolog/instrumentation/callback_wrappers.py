"""Wrappers of the functions by which a framework notifies its callbacks: one for each callback role.

Each wrapper passes the function's arguments to `hook.begin`. For a role whose return value matters (a start,
a search with scores), `begin` returns a function that takes that value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hilt_autolog.contracts.provider import Provider

    from .hook import Args, Hook, Kwargs, ReturnObserver, Wrapper, WrapperFactory

    CallbackHook = Hook[ReturnObserver]


def _wrap_start(provider: Provider, hook: CallbackHook) -> Wrapper:
    def wrapper(wrapped: Callable[..., object], instance: object, args: Args, kwargs: Kwargs) -> object:
        on_return = hook.begin(provider, instance, args, kwargs)
        result = wrapped(*args, **kwargs)
        if on_return is not None:
            on_return(result)
        return result

    return wrapper


def _wrap_async_start(provider: Provider, hook: CallbackHook) -> Wrapper:
    """Begin in the caller's context: the coroutine may run in another."""

    def wrapper(
        wrapped: Callable[..., Awaitable[object]], instance: object, args: Args, kwargs: Kwargs
    ) -> Awaitable[object]:
        on_return = hook.begin(provider, instance, args, kwargs)
        if on_return is None:
            return wrapped(*args, **kwargs)
        return _await_result(wrapped, args, kwargs, on_return)

    return wrapper


async def _await_result(
    wrapped: Callable[..., Awaitable[object]], args: Args, kwargs: Kwargs, on_return: ReturnObserver
) -> object:
    result = await wrapped(*args, **kwargs)
    on_return(result)
    return result


def _wrap_notification(provider: Provider, hook: CallbackHook) -> Wrapper:
    """Report the arguments when the function is called; its result, perhaps a coroutine, is passed on."""

    def wrapper(wrapped: Callable[..., object], instance: object, args: Args, kwargs: Kwargs) -> object:
        hook.begin(provider, instance, args, kwargs)
        return wrapped(*args, **kwargs)

    return wrapper


CALLBACK_WRAPPERS: dict[str, WrapperFactory] = {
    "model start": _wrap_start,
    "async model start": _wrap_async_start,
    "start": _wrap_start,
    "async start": _wrap_async_start,
    "scores": _wrap_start,
    "async scores": _wrap_async_start,
    "chunk": _wrap_notification,
    "end": _wrap_notification,
    "error": _wrap_notification,
}
