"""A decorator for the functions that a program gives its models as tools."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, overload

import wrapt

from . import switch
from .engine.call_watchers import CALL_WATCHERS
from .engine.gate import Gate
from .guard import faults
from .recording.sessions import recorder_of
from .runs.own_tools import PLAIN, OwnTool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .recording.sessions import Appends

F = TypeVar("F", bound="Callable[..., Any]")


@overload
def tool(function: F) -> F: ...
@overload
def tool(*, name: str | None = None, session: Appends | None = None) -> Callable[[F], F]: ...
def tool(function: Any = None, *, name: str | None = None, session: Appends | None = None) -> Any:
    """Record each call of a function as a tool's: bare (`@tool`), or with arguments (`@tool(name="search")`).

    It does what `record_tool` does: the answer that has asked for the tool is found, the result is written
    once, an exception is a `system` event. Whatever `record_retrieval` tells inside of the function replies
    to the tool's call. Functions, coroutine functions, generators of both kinds and methods keep their
    signature, and give and raise what they gave and raised before.

    Args:
        function: what to decorate.
        name: the tool's name, as the model knows it; the function's own, if none is given.
        session: where it is written, if not into this process's log.
    """
    if function is None:
        return partial(tool, name=name, session=session)
    inner = inspect.unwrap(function.__func__ if hasattr(function, "__func__") else function)
    known: str = name or getattr(inner, "__name__", None) or type(inner).__name__
    flows = inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner)
    watch = CALL_WATCHERS["async call" if inspect.iscoroutinefunction(inner) else "call"]
    return wrapt.FunctionWrapper(function, _watched(watch, known, session, flows=flows))


def _watched(
    watch: Callable[..., Any], name: str, session: Appends | None, *, flows: bool
) -> Callable[..., Any]:
    """Return what is called in the function's place."""

    def watched(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
        def begin(*_: Any) -> OwnTool | None:
            try:
                return _begun(name, session, _arguments(wrapped, args, kwargs), flows=flows)
            except Exception as fault:
                faults.note(fault)
                return None

        return watch(PLAIN, Gate(begin))(wrapped, instance, args, kwargs)

    return watched


def _begun(name: str, session: Appends | None, arguments: Any, *, flows: bool) -> OwnTool | None:
    recorder = switch.recorder() if session is None else recorder_of(session)
    if recorder is None:
        return None
    run = OwnTool(recorder, name, arguments)
    recorder.open[id(run)] = run
    run.start(is_served=False)
    if not flows:  # a generator's steps are run in between others
        run.go_inside()
    return run


def _arguments(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Return what a function is given, by the names that it has for it."""
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except (TypeError, ValueError):  # the function will say so itself, or nobody knows its parameters
        return {"args": list(args), **kwargs}
    given = dict(bound.arguments)
    for parameter in bound.signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            given |= given.pop(parameter.name, {})
    return given
