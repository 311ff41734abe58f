"""How the methods of a connection that lasts are watched, by the roles of `dialogue`.

Each watcher tells that the method is called, and then how that went: sync and async differ by one line.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.realtime import METHODS

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.provider import Provider

    from .hook import Args, Hook, Kwargs, WrapperFactory


def _method(role: str, provider: Provider, gate: Hook) -> Callable[..., Any]:
    def watched(wrapped: Callable[..., Any], instance: Any, args: Args, kwargs: Kwargs) -> Any:
        passage = gate.begin(provider, role, instance, args, kwargs)
        if passage is None:
            return wrapped(*args, **kwargs)
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            passage.fail(error)
            raise
        passage.finish(result)
        return result

    return watched


def _async_method(role: str, provider: Provider, gate: Hook) -> Callable[..., Any]:
    async def watched(wrapped: Callable[..., Any], instance: Any, args: Args, kwargs: Kwargs) -> Any:
        passage = gate.begin(provider, role, instance, args, kwargs)
        if passage is None:
            return await wrapped(*args, **kwargs)
        try:
            result = await wrapped(*args, **kwargs)
        except BaseException as error:
            passage.fail(error)
            raise
        passage.finish(result)
        return result

    return watched


CONNECTION_WRAPPERS: dict[str, WrapperFactory] = {
    role if make is _method else f"async {role}": partial(make, role)
    for role in METHODS
    for make in (_method, _async_method)
}
