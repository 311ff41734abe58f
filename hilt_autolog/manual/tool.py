"""A decorator for the functions that a program gives its models as tools."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, overload

import wrapt

from hilt_autolog.instrumentation.call_wrappers import CALL_WRAPPERS
from hilt_autolog.instrumentation.hook import Hook
from hilt_autolog.internal_errors import capture_errors, internal_errors
from hilt_autolog.recording.recorder import recorder_of
from hilt_autolog.runs.own_tool import PLAIN, OwnTool
from hilt_autolog.runs.tool_run import is_run_by_framework
from hilt_autolog.runtime import control

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from hilt_autolog.recording.recorder import EventSink

F = TypeVar("F", bound="Callable[..., Any]")
T = TypeVar("T")


@overload
def tool(function: F) -> F: ...
@overload
def tool(*, name: str | None = None, session: EventSink | None = None) -> Callable[[F], F]: ...
def tool(function: Any = None, *, name: str | None = None, session: EventSink | None = None) -> Any:
    """Record each call of a function as a tool's: bare (`@tool`), or with arguments (`@tool(name="search")`).

    It does what `record_tool` does: the answer that has asked for the tool is found, the result is written
    once, an exception is a `system` event. Whatever `record_retrieval` tells inside of the function replies
    to the tool's call. Where a framework runs the function as its tool of this name, and that is recorded, it
    is not told again. Functions, coroutine functions, generators of both kinds and methods keep their
    signature, and give and raise what they gave and raised before.

    Args:
        function: what to decorate.
        name: the tool's name, as the model knows it; the function's own, if none is given.
        session: where it is written, if not into this process's log.
    """
    if function is None:
        return partial(tool, name=name, session=session)
    outer = getattr(function, "__func__", function)  # of a class method or a static one
    inner = inspect.unwrap(outer)
    known: str = name or getattr(inner, "__name__", None) or type(inner).__name__
    return _Tool(function, _watched("async call" if _is_async(outer) else "call", known, session))


class _Bound(wrapt.BoundFunctionWrapper):  # type: ignore[type-arg]
    """A tool that is a method of an object or of a class, in whose name it is pickled."""

    def __reduce_ex__(self, _protocol: Any) -> tuple[Any, ...]:
        return getattr, (self.__self__, self.__name__)


class _Tool(wrapt.FunctionWrapper):  # type: ignore[type-arg]
    """A function that is recorded. It is copied and pickled as functions are, by its name."""

    __bound_function_wrapper__ = _Bound

    def __reduce_ex__(self, _protocol: Any) -> str:
        return str(self.__qualname__)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, _memo: Any) -> Any:
        return self


def _is_async(function: Any) -> bool:
    """Return whether what is called is a coroutine function, whatever it wraps."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _watched(role: str, name: str, session: EventSink | None) -> Callable[..., Any]:
    """Return what is called in the function's place."""

    def watched(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
        run: OwnTool | None = None

        def begin(*_: Any) -> OwnTool | None:
            nonlocal run
            try:
                run = _begun(name, session, _arguments(wrapped, args, kwargs))
            except Exception as fault:
                internal_errors.note(fault)
            return run

        result = CALL_WRAPPERS[role](PLAIN, Hook(begin))(wrapped, instance, args, kwargs)
        return result if run is None or not inspect.iscoroutine(result) else _awaited(run, result)

    return watched


async def _awaited(run: OwnTool, coroutine: Coroutine[Any, Any, T]) -> T:
    """Await what a plain function has returned, such as a decorator around a coroutine function."""
    run.go_inside()
    try:
        result = await coroutine
    except BaseException as error:
        run.fail(error)
        raise
    capture_errors(run.end)(result)
    return result


def _begun(name: str, session: EventSink | None, arguments: Any) -> OwnTool | None:
    recorder = control.recorder() if session is None else recorder_of(session)
    if recorder is None or is_run_by_framework(name, None if session is None else recorder):
        return None
    run = OwnTool(recorder, name, arguments)
    recorder.open[id(run)] = run
    run.start(is_served=False)
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
