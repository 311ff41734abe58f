"""The engine: wraps the functions that a provider names, and is the only code that awaits a call.

It knows neither events nor files. It is handed `begin`, which turns a call's arguments into a `Watched`
(or None: step aside), and tells that object how the call goes on. Sync and async differ by one line.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, Protocol

import wrapt

from .bodies import parsed, watch_body
from .guard import faults
from .passing import PASSING, Told
from .provider import Line, Probe, Provider
from .streams import Watched, watch_items

if TYPE_CHECKING:
    from .facts import Http

Arguments = tuple[Any, ...]
Keywords = dict[str, Any]


class Watching(Watched, Protocol):
    """A call that is under way."""

    provider: Provider
    http: Http | None  # the response; the engine puts it here before the SDK has read it

    def finish(self, result: Any) -> None:
        """The call returns this."""


Begin = Callable[[Provider, Any, Arguments, Keywords], Watching | None]
Way = Begin | Told

_current: ContextVar[Watching | None] = ContextVar("hilt_call", default=None)


class Gate:
    """The way from a wrapped function to `begin`, for as long as the function is to be watched."""

    __slots__ = ("begin",)

    def __init__(self, begin: Way) -> None:
        self.begin: Callable[..., Any] = begin


def _step_aside(*_call: Any) -> None:
    """Watch nothing."""


def arm(provider: Provider | Line, probe: Probe, begin: Way) -> Callable[[], None] | None:
    """Wrap one function of a module that is imported.

    Returns:
        The undo, which puts the very same function back; None when this version of the SDK has no such
        function.
    """
    owner = getattr(sys.modules.get(probe.module), probe.owner, None)
    original = vars(owner).get(probe.name) if owner is not None else None
    if original is None:
        return None
    gate = Gate(begin)
    wrapper = wrapt.FunctionWrapper(original, _WATCHERS[probe.role](provider, gate))
    setattr(owner, probe.name, wrapper)

    def undo() -> None:
        # Somebody may have wrapped our wrapper since: then it stays where it is, and steps aside for good,
        # for the next `arm` will put another around both.
        gate.begin = _step_aside
        if vars(owner).get(probe.name) is wrapper:
            setattr(owner, probe.name, original)

    return undo


def _call(provider: Provider, gate: Gate) -> Callable[..., Any]:
    def watched(wrapped: Callable[..., Any], instance: Any, args: Arguments, kwargs: Keywords) -> Any:
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
            _leave(token)
        return _returned(call, result)

    return watched


def _async_call(provider: Provider, gate: Gate) -> Callable[..., Any]:
    async def watched(wrapped: Callable[..., Any], instance: Any, args: Arguments, kwargs: Keywords) -> Any:
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
            _leave(token)
        return _returned(call, result)

    return watched


def _response(_provider: Provider, _gate: Gate) -> Callable[..., Any]:
    def watched(wrapped: Callable[..., Any], _instance: Any, args: Arguments, kwargs: Keywords) -> Any:
        call = _current.get()
        if call is not None:
            try:
                call.http = call.provider.http(kwargs)
            except Exception as fault:
                faults.note(fault)
        return wrapped(*args, **kwargs)

    return watched


def _stream(provider: Provider, _gate: Gate) -> Callable[..., Any]:
    def watched(wrapped: Callable[..., Any], instance: Any, args: Arguments, kwargs: Keywords) -> Any:
        result = wrapped(*args, **kwargs)
        try:
            stream = provider.stream(instance)
            if stream is not None:
                parsed(stream)
        except Exception as fault:
            faults.note(fault)
        return result

    return watched


_WATCHERS: dict[str, Callable[[Any, Gate], Callable[..., Any]]] = {
    **PASSING,
    "call": _call,
    "async call": _async_call,
    "response": _response,
    "stream": _stream,
}


def _leave(token: Token[Watching | None]) -> None:
    try:  # noqa: SIM105  on every call, and three frames cheaper than `suppress`
        _current.reset(token)
    except ValueError:  # a coroutine that is thrown away is closed in another context than it began in
        pass


def _returned(call: Any, result: Any) -> Any:
    """Watch what a call returned, or end the call with it; give the very same object back."""
    try:
        stream = call.provider.stream(result)
        if stream is not None:
            watch_items(call, stream)
        elif call.http is not None and _is_unread(call.http.response):
            watch_body(call, call.http.response)
            call.let_go()
        else:
            call.finish(result)
    except Exception as fault:
        faults.note(fault)
    return result


def _is_unread(response: Any) -> bool:
    """Return whether the body of a response is still to be read: asking for it early would steal it."""
    try:
        _ = response.content
    except Exception:
        return True
    return False
