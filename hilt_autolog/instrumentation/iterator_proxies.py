"""Iterators that a call returns to the SDK itself, which gives the program an object of its own made of them.

Such a result is stood in for, because nothing holds it in which it could be watched. What stands in for it
looks like it, save to `type()`, which no object can answer for another. The SDK lets go of it when the
program leaves the object made of it, and that is all there is to see of the end. Python closes a generator
also when it is dropped, so of one that was left we say `closed`, whoever closed it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.internal_errors import capture_errors

from .streams import AsyncStreamIterator, StreamObserver, StreamState, observe_iterator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


def proxy_result(result: Any, call: StreamObserver) -> Any:
    """Return an iterator, sync or async, that gives what `result` gives and tells `call` of it."""
    if not hasattr(result, "__aiter__"):
        return IteratorProxy(result, ResultState(result, call))
    inner = aiter(result)
    items = AsyncIteratorProxy(inner, ResultState(inner, call))
    return items if inner is result else AsyncIterableProxy(result, items)


class ResultState(StreamState):
    """Takes note of how an iterator goes on that the SDK holds for the program."""

    __slots__ = ()

    def dropped(self) -> None:
        """Take note that nobody holds it any more; a generator is closed then, whoever has let it go."""
        self._call.abort("dropped" if self._code is None else "closed")


class TransparentProxy:
    """Looks like the object in `_inner`."""

    __slots__ = ()
    _inner: Any

    def __getattr__(self, name: str) -> Any:
        if name in {"_inner", "_steps", "_items"}:  # an object whose making failed has not even these
            raise AttributeError(name)
        return getattr(self._inner, name)

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # what the SDK asks its results about, by isinstance
        return type(self._inner)

    def __repr__(self) -> str:
        return repr(self._inner)

    def __reduce_ex__(self, protocol: Any) -> Any:  # a copy is not what the call gives, and not watched
        return self._inner.__reduce_ex__(protocol)


class IteratorProxy(TransparentProxy):
    """Stands in for an iterator."""

    __slots__ = ("_inner", "_steps")

    def __init__(self, inner: Any, steps: StreamState) -> None:
        self._inner = inner
        self._steps = steps

    def __del__(self) -> None:
        steps = getattr(self, "_steps", None)
        if steps is not None:
            steps.dropped()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        steps = self._steps
        try:
            item = next(self._inner)
        except StopIteration:
            steps.drained()
            raise
        except BaseException as error:
            steps.fail(error)
            raise
        steps.add(item)
        return item


class AsyncIteratorProxy(TransparentProxy, AsyncStreamIterator):
    """Stands in for an asynchronous iterator."""

    __slots__ = ()


class AsyncIterableProxy(TransparentProxy):
    """Stands in for what gives an asynchronous iterator, always the same."""

    __slots__ = ("_inner", "_items")

    def __init__(self, inner: Any, items: AsyncIteratorProxy) -> None:
        self._inner = inner
        self._items = items

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._items


def proxy_generator(generator: Iterator[Any], begin: Callable[[], StreamObserver | None]) -> Iterator[Any]:
    """Stand in for a generator that has not run yet: the call begins with its first step, if there is one.

    Args:
        generator: what the SDK's function has returned.
        begin: reads the call's arguments when it begins; None: step aside.
    """
    steps = _begun(generator, begin)
    if steps is None:
        yield from generator
    else:
        yield from observe_iterator(generator, steps)


@capture_errors
def _begun(generator: Any, begin: Callable[[], StreamObserver | None]) -> ResultState | None:
    call = begin()
    return None if call is None else ResultState(generator, call)
