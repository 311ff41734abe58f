"""Wrappers of the methods of a long-lived connection, one for each of `realtime.CONNECTION_ROLES`.

Each wrapper passes the method's arguments to `hook.begin`, which returns an `InvocationObserver`, and reports
to it what the method returned or raised. The sync and the async body differ by `await` alone.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hilt_autolog.contracts.realtime import METHODS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hilt_autolog.contracts.provider import Provider

    from .hook import Args, Hook, InvocationObserver, Kwargs, Wrapper, WrapperFactory

    ConnectionHook = Hook[InvocationObserver]


def _wrap_method(role: str, provider: Provider, hook: ConnectionHook) -> Wrapper:
    def wrapper(wrapped: Callable[..., object], instance: object, args: Args, kwargs: Kwargs) -> object:
        invocation = hook.begin(provider, role, instance, args, kwargs)
        if invocation is None:
            return wrapped(*args, **kwargs)
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            invocation.fail(error)
            raise
        invocation.finish(result)
        return result

    return wrapper


def _wrap_async_method(role: str, provider: Provider, hook: ConnectionHook) -> Wrapper:
    async def wrapper(
        wrapped: Callable[..., Awaitable[object]], instance: object, args: Args, kwargs: Kwargs
    ) -> object:
        invocation = hook.begin(provider, role, instance, args, kwargs)
        if invocation is None:
            return await wrapped(*args, **kwargs)
        try:
            result = await wrapped(*args, **kwargs)
        except BaseException as error:
            invocation.fail(error)
            raise
        invocation.finish(result)
        return result

    return wrapper


CONNECTION_WRAPPERS: dict[str, WrapperFactory] = {
    **{method: partial(_wrap_method, method) for method in METHODS},
    **{f"async {method}": partial(_wrap_async_method, method) for method in METHODS},
}
