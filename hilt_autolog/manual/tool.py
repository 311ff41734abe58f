"""A decorator for functions that models call as tools."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

import wrapt

from hilt_autolog.instrumentation.call_wrappers import CALL_WRAPPERS
from hilt_autolog.instrumentation.hook import Hook
from hilt_autolog.internal_errors import capture_errors, internal_errors
from hilt_autolog.recording.recorder import recorder_of
from hilt_autolog.runs.own_tool import LOCAL_TOOLS, OwnTool
from hilt_autolog.runs.tool_run import is_run_by_framework
from hilt_autolog.runtime import control

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from hilt_autolog.contracts.provider import Role
    from hilt_autolog.contracts.types import JsonObject
    from hilt_autolog.recording.recorder import EventSink

F = TypeVar("F", bound="Callable[..., Any]")
T = TypeVar("T")


@overload
def tool(function: F) -> F: ...
@overload
def tool(*, name: str | None = None, session: EventSink | None = None) -> Callable[[F], F]: ...
def tool(function: Any = None, *, name: str | None = None, session: EventSink | None = None) -> Any:
    """Record each call of a function as a tool run: `@tool`, or with arguments `@tool(name="search")`.

    A run is recorded as by `record_tool`: its tool call in an answer is matched, the result is written once,
    an exception is a `system` event. What `record_retrieval` records inside the function replies to the tool
    call. If a framework runs the function as its tool of this name, and that run is recorded, it is not
    recorded twice. Functions, coroutine functions, generators of both kinds and methods keep their signature,
    results and exceptions.

    Args:
        function: the function to decorate.
        name: the tool's name, as models call it; the function's name if None.
        session: where to write it; this process's log if None.
    """
    if function is None:
        return partial(tool, name=name, session=session)
    outer = getattr(function, "__func__", function)  # of a class method or a static one
    inner = inspect.unwrap(outer)
    tool_name: str = name or getattr(inner, "__name__", None) or type(inner).__name__
    role: Role = "async call" if _is_async(outer) else "call"
    return _Tool(function, _recording_wrapper(role, tool_name, session))


class _BoundTool(wrapt.BoundFunctionWrapper):  # type: ignore[type-arg]  # generic in the stubs only
    """A tool that is a method. It is pickled as methods are, as an attribute of its object or class."""

    def __reduce_ex__(self, _protocol: object) -> tuple[object, ...]:
        return getattr, (self.__self__, self.__name__)


class _Tool(wrapt.FunctionWrapper):  # type: ignore[type-arg]  # generic in the stubs only
    """A tool. It is copied and pickled as functions are, by its name."""

    __bound_function_wrapper__ = _BoundTool

    def __reduce_ex__(self, _protocol: object) -> str:
        return str(self.__qualname__)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self


def _is_async(function: object) -> bool:
    """Return whether a function, or the `__call__` of an object, is a coroutine function."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _recording_wrapper(role: Role, name: str, session: EventSink | None) -> Callable[..., Any]:
    """Return the function that wrapt calls in place of the tool's."""

    def record_run(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
        run: OwnTool | None = None

        def begin(*_: object) -> OwnTool | None:
            nonlocal run
            try:
                run = _start_run(name, session, _arguments_by_name(wrapped, args, kwargs))
            except Exception as error:
                internal_errors.note(error)
            return run

        result = CALL_WRAPPERS[role](LOCAL_TOOLS, Hook(begin))(wrapped, instance, args, kwargs)
        return result if run is None or not inspect.iscoroutine(result) else _await_result(run, result)

    return record_run


async def _await_result(run: OwnTool, coroutine: Coroutine[Any, Any, T]) -> T:
    """Await the result of a plain function, such as a decorator around a coroutine function."""
    run.enter()
    try:
        result = await coroutine
    except BaseException as error:
        run.fail(error)
        raise
    capture_errors(run.end)(result)
    return result


def _start_run(name: str, session: EventSink | None, arguments: object) -> OwnTool | None:
    """Start a run; return None if nothing is recorded, or a framework's run of the tool is."""
    recorder = control.recorder() if session is None else recorder_of(session)
    if recorder is None or is_run_by_framework(name, None if session is None else recorder):
        return None
    run = OwnTool(recorder, name, arguments)
    run.register()
    run.start(is_recorded_by_sdk=False)
    run.enter()
    return run


def _arguments_by_name(
    function: Callable[..., Any], args: tuple[object, ...], kwargs: Mapping[str, object]
) -> JsonObject:
    """Return the arguments of a call by the names of the function's parameters."""
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except (TypeError, ValueError):  # wrong arguments, which the function will reject; or no known signature
        return {"args": list(args), **kwargs}
    arguments = dict(bound.arguments)
    for parameter in bound.signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            arguments |= arguments.pop(parameter.name, {})
    return arguments
