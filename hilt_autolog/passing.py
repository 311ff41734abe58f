"""The methods of a connection that lasts: what the program sends and receives over it, and how it ends.

The functions that stand before them belong to the engine. Each tells that it is called, and then how that
went: sync and async differ by one line.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from .provider import Line

if TYPE_CHECKING:
    from .engine import Gate

SEND, FLUSH, RECEIVE, CLOSE = "send", "flush", "receive", "close"


class Passage(Protocol):
    """One call of such a method."""

    def passed(self, result: Any) -> None:
        """It has returned this."""

    def failed(self, error: BaseException) -> None:
        """It has raised this."""


# Who provides, the role, the instance, and what the method is called with.
Told = Callable[[Line, str, Any, tuple[Any, ...], dict[str, Any]], Passage | None]


def _method(role: str, line: Line, gate: Gate) -> Callable[..., Any]:
    def watched(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
        passage = gate.begin(line, role, instance, args, kwargs)
        if passage is None:
            return wrapped(*args, **kwargs)
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            passage.failed(error)
            raise
        passage.passed(result)
        return result

    return watched


def _async_method(role: str, line: Line, gate: Gate) -> Callable[..., Any]:
    async def watched(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
        passage = gate.begin(line, role, instance, args, kwargs)
        if passage is None:
            return await wrapped(*args, **kwargs)
        try:
            result = await wrapped(*args, **kwargs)
        except BaseException as error:
            passage.failed(error)
            raise
        passage.passed(result)
        return result

    return watched


PASSING: dict[str, Callable[[Line, Gate], Callable[..., Any]]] = {
    role if make is _method else f"async {role}": partial(make, role)
    for role in (SEND, FLUSH, RECEIVE, CLOSE)
    for make in (_method, _async_method)
}
