"""Proxies of iterators that a call returns to the SDK, which builds the program's object from them.

Such an iterator is not an attribute that could be replaced, so the call returns a proxy instead. The proxy
looks like the iterator to everything but `type()`. The only sign of an early end is that the iterator is
garbage collected, after the program has dropped the object built from it. Python closes a generator when it
is collected, so the early end of a generator is always recorded as `closed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.internal_errors import capture_errors

from .streams import AsyncStreamIterator, StreamState, observe_iterator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from .hook import StreamObserver


def proxy_result(result: Any, call: StreamObserver) -> object:
    """Return a proxy of an iterator, sync or async, that reports its items and its end to `call`."""
    if not hasattr(result, "__aiter__"):
        return IteratorProxy(result, ResultState(result, call))
    inner = aiter(result)
    iterator = AsyncIteratorProxy(inner, ResultState(inner, call))
    return iterator if inner is result else AsyncIterableProxy(result, iterator)


class ResultState(StreamState):
    """The state of an iterator to which only the SDK's object refers."""

    __slots__ = ()

    @capture_errors
    def drop(self) -> None:
        """End the call: no reference is left. A generator is then closed, by whatever dropped it."""
        self._call.abort("dropped" if self._code is None else "closed")


class TransparentProxy:
    """Looks like the object in `_inner`."""

    __slots__ = ()
    _inner: Any

    def __getattr__(self, name: str) -> object:
        if name in {"_inner", "_state", "_iterator"}:  # unset if `__init__` has failed: do not recurse
            raise AttributeError(name)
        return getattr(self._inner, name)

    @property  # type: ignore[misc]  # it replaces a class attribute
    def __class__(self) -> type:  # read by `isinstance` in the SDK
        return type(self._inner)

    def __repr__(self) -> str:
        return repr(self._inner)

    def __reduce_ex__(self, protocol: Any) -> Any:  # copies the iterator itself; the copy is not observed
        return self._inner.__reduce_ex__(protocol)


class IteratorProxy(TransparentProxy):
    """A proxy of an iterator."""

    __slots__ = ("_inner", "_state")

    def __init__(self, inner: Iterator[object], state: StreamState) -> None:
        self._inner = inner
        self._state = state

    def __del__(self) -> None:
        state = getattr(self, "_state", None)
        if state is not None:
            state.drop()

    def __iter__(self) -> Iterator[object]:
        return self

    def __next__(self) -> object:
        state = self._state
        try:
            item = next(self._inner)
        except StopIteration:
            state.finish()
            raise
        except BaseException as error:
            state.fail(error)
            raise
        state.add(item)
        return item


class AsyncIteratorProxy(TransparentProxy, AsyncStreamIterator):
    """A proxy of an asynchronous iterator."""

    __slots__ = ()


class AsyncIterableProxy(TransparentProxy):
    """A proxy of an object that returns the same asynchronous iterator each time."""

    __slots__ = ("_inner", "_iterator")

    def __init__(self, inner: object, iterator: AsyncIteratorProxy) -> None:
        self._inner = inner
        self._iterator = iterator

    def __aiter__(self) -> AsyncIterator[object]:
        return self._iterator


def proxy_generator(
    generator: Iterator[object], begin: Callable[[], StreamObserver | None]
) -> Iterator[object]:
    """Wrap a generator that has not run yet: the call begins when it is first advanced.

    Args:
        generator: returned by the SDK's function.
        begin: begins the call; returns None if it is not to be observed.
    """
    state = _begin_state(generator, begin)
    if state is None:
        yield from generator
    else:
        yield from observe_iterator(generator, state)


@capture_errors
def _begin_state(
    generator: Iterator[object], begin: Callable[[], StreamObserver | None]
) -> ResultState | None:
    call = begin()
    return None if call is None else ResultState(generator, call)
