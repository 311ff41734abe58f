"""Iterators that a call returns to the SDK itself, which gives the program an object of its own made of them.

Such a result is stood in for, because nothing holds it in which it could be watched. The SDK lets go of it
when the program leaves the object made of it, and that is all there is to see of the end. Python closes a
generator also when it is dropped, so of one that was left we say `closed`, whoever closed it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .guard import guarded
from .streams import AsyncItems, Items, Watched

if TYPE_CHECKING:
    from collections.abc import Callable


def stand_in_for(result: Any, call: Watched) -> Any:
    """Return an iterator, sync or async, that gives what `result` gives and tells `call` of it."""
    call.streams()
    return AsyncResult(result, call) if hasattr(result, "__aiter__") else Result(result, call)


class Result(Items):
    """Stands in for an iterator."""

    __slots__ = ()

    def __del__(self) -> None:
        _left(self)

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # what the SDK asks its results about, by isinstance
        return type(self._inner)


class AsyncResult(AsyncItems):
    """Stands in for what can be iterated asynchronously."""

    __slots__ = ("_result",)

    def __init__(self, result: Any, call: Watched) -> None:
        self._result = result
        super().__init__(aiter(result), call)

    def __getattr__(self, name: str) -> Any:
        if name == "_result":  # an object whose making failed has not even this
            raise AttributeError(name)
        return getattr(self._result, name)

    def __del__(self) -> None:
        _left(self)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(self._result)


class Beginning(Result):
    """Stands in for a generator that has not run yet: the call begins with its first step, if there is one.

    Args:
        generator: what the SDK's function has returned.
        begin: reads the call's arguments when it begins; None: step aside.
    """

    __slots__ = ("_begin",)

    def __init__(self, generator: Any, begin: Callable[[], Watched | None]) -> None:
        super().__init__(generator, _NOBODY)
        self._begin: Callable[[], Watched | None] | None = begin

    def __next__(self) -> Any:
        if self._begin is not None:
            begin, self._begin = self._begin, None
            self._call = _begun(begin) or _NOBODY
        return super().__next__()


@guarded
def _begun(begin: Callable[[], Watched | None]) -> Watched | None:
    call = begin()
    if call is not None:
        call.streams()
    return call


def _left(items: Items | AsyncItems) -> None:
    call, inner = getattr(items, "_call", None), getattr(items, "_inner", None)
    if call is not None:
        call.cut("closed" if hasattr(inner, "gi_code") or hasattr(inner, "ag_code") else "dropped")


class _Nobody:
    """Is told of a call that nobody watches."""

    http = None

    def streams(self) -> None: ...
    def take(self, chunk: Any) -> None: ...
    def finish_stream(self) -> None: ...
    def finish_body(self, content: bytes) -> None: ...
    def fail(self, error: BaseException) -> None: ...
    def cut(self, how: str) -> None: ...


_NOBODY = _Nobody()
