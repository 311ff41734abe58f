"""How the functions are watched by which a framework tells of its runs, by the roles of `framework`.

Each watcher tells what the function is called with; of a start, the answer is to be told what it returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.provider import Provider

    from .hook import Args, Hook, Kwargs, WrapperFactory


def _start(provider: Provider, gate: Hook) -> Callable[..., Any]:
    def watched(wrapped: Callable[..., Any], instance: Any, args: Args, kwargs: Kwargs) -> Any:
        returned = gate.begin(provider, instance, args, kwargs)
        result = wrapped(*args, **kwargs)
        if returned is not None:
            returned(result)
        return result

    return watched


def _async_start(provider: Provider, gate: Hook) -> Callable[..., Any]:
    """Tell of the call in its caller's context; what it returns may come in another."""

    def watched(wrapped: Callable[..., Any], instance: Any, args: Args, kwargs: Kwargs) -> Any:
        returned = gate.begin(provider, instance, args, kwargs)
        return wrapped(*args, **kwargs) if returned is None else _awaited(wrapped, args, kwargs, returned)

    return watched


async def _awaited(
    wrapped: Callable[..., Any], args: Args, kwargs: Kwargs, returned: Callable[[Any], object]
) -> Any:
    result = await wrapped(*args, **kwargs)
    returned(result)
    return result


def _told(provider: Provider, gate: Hook) -> Callable[..., Any]:
    """Tell of it when it is called; what is to be awaited, if it is, is the function's own coroutine."""

    def watched(wrapped: Callable[..., Any], instance: Any, args: Args, kwargs: Kwargs) -> Any:
        gate.begin(provider, instance, args, kwargs)
        return wrapped(*args, **kwargs)

    return watched


CALLBACK_WRAPPERS: dict[str, WrapperFactory] = {
    "model start": _start,
    "async model start": _async_start,
    "start": _start,
    "async start": _async_start,
    "scores": _start,
    "async scores": _async_start,
    "chunk": _told,
    "end": _told,
    "error": _told,
}
