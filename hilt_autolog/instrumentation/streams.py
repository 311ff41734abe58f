"""Observe streams in place: the program keeps the SDK's own object, and no item is held back.

The items are seen by replacing the iterator inside the SDK's stream. The stream ends with whatever happens
first: the iterator is exhausted, it raises, the response is closed, or the object is dropped.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from hilt_autolog.internal_errors import capture_errors

from .response_close import observe_close

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from types import CodeType

    from hilt_autolog.contracts.provider import StreamInfo

    from .hook import StreamObserver


def _do_nothing() -> None:
    """Restore nothing: no response is observed."""


def observe_stream(call: StreamObserver, stream: StreamInfo) -> None:
    """Observe the items of an SDK's stream, sync or async."""
    inner = vars(stream.holder).get(stream.attribute) or LazyIterator(stream)
    state = StreamState(inner, call)
    is_async = hasattr(stream.holder, "__anext__")
    iterator = AsyncStreamIterator(inner, state) if is_async else observe_iterator(inner, state)
    state.restore_close = observe_close(stream.response, weakref.ref(state))
    setattr(stream.holder, stream.attribute, iterator)


class LazyIterator:
    """Delegates to an iterator that the SDK creates at first use, and creates it no earlier.

    anthropic 2.14 _streaming.py: `Stream._iterator` is a cached property, made from a copy of the stream so
    that a dropped stream closes at once. For the same reason the stream is referred to weakly here.
    """

    __slots__ = ("_attribute", "_holder", "_inner")

    def __init__(self, stream: StreamInfo) -> None:
        self._holder = weakref.ref(stream.holder)
        self._attribute = stream.attribute
        self._inner: Any = None

    def __iter__(self) -> Any:
        """Return the SDK's iterator; the stream keeps the iterator that has replaced it."""
        if self._inner is None:
            holder, name = self._holder(), self._attribute
            replacement = vars(holder).pop(name)  # the copy that the SDK makes must not contain it
            self._inner = getattr(holder, name)
            setattr(holder, name, replacement)
        return self._inner

    async def __anext__(self) -> object:
        return await self.__iter__().__anext__()


class StreamState:
    """The state that a stream's iterator shares with the `close` of its response.

    Attributes:
        add: takes the next item.
        is_advancing: the SDK's iterator is running. A close now is the SDK's own, not the program's: openai
            3.57 and anthropic 2.14 _streaming.py: `Stream.__stream__` closes the response in its `finally`.
        restore_close: restores the `close` of the response.
    """

    __slots__ = ("__weakref__", "_call", "_code", "add", "is_advancing", "restore_close")

    def __init__(self, inner: object, call: StreamObserver) -> None:
        self._call = call
        self._code: CodeType | None = getattr(inner, "gi_code", None) or getattr(inner, "ag_code", None)
        self.add = call.start_stream()
        self.is_advancing = False
        self.restore_close: Callable[[], None] = _do_nothing

    @capture_errors
    def finish(self) -> None:
        """End the call: the iterator is exhausted."""
        self.restore_close()
        self._call.finish_stream()

    @capture_errors
    def fail(self, error: BaseException) -> None:
        """End the call: the iterator has raised `error`."""
        self.restore_close()
        self._call.fail(error)

    @capture_errors
    def drop(self) -> None:
        """End the call: no reference to the stream is left."""
        self.restore_close()  # the replaced `close` would keep the response alive in a reference cycle
        self._call.abort("dropped")

    def on_close(self, caller: CodeType) -> None:
        """End the call: `caller` closes the response; the SDK's own generator does so when it is dropped."""
        if not self.is_advancing:
            self.restore_close()
            self._call.abort("dropped" if caller is self._code else "closed")


def observe_iterator(inner: Iterable[object], state: StreamState) -> Iterator[object]:
    """Return the generator that replaces an SDK's generator, advanced to its first `yield`."""
    items = _iterate(inner, state)
    next(items)  # a generator that has not been started gets no GeneratorExit when it is dropped
    return items


def _iterate(inner: Iterable[object], state: StreamState) -> Iterator[object]:
    add = state.add  # a local: no attribute lookup per item (tests/benchmarks/calls.py)
    try:
        yield None
        state.is_advancing = True
        for item in inner:
            state.is_advancing = False
            add(item)
            yield item
            state.is_advancing = True
    except BaseException as error:
        if state.is_advancing:
            state.fail(error)
        else:  # GeneratorExit, at the `yield`
            state.drop()
        raise
    else:
        state.finish()
    finally:
        state.is_advancing = False


class AsyncStreamIterator:
    """Replaces a stream's asynchronous iterator.

    Not an asynchronous generator: asyncio's finalizer hook would close a dropped one later, in a task of its
    own (CPython 3.11 asyncio/base_events.py: `_asyncgen_finalizer_hook`).
    """

    __slots__ = ("_inner", "_state")

    def __init__(self, inner: Any, state: StreamState) -> None:
        self._inner = inner
        self._state = state

    def __getattr__(self, name: str) -> object:
        if name in AsyncStreamIterator.__slots__:  # unset if `__init__` has failed: do not recurse
            raise AttributeError(name)
        return getattr(self._inner, name)

    def __del__(self) -> None:
        state = getattr(self, "_state", None)
        if state is not None:
            state.drop()

    def __aiter__(self) -> AsyncIterator[object]:
        return self

    async def __anext__(self) -> object:
        state = self._state
        state.is_advancing = True
        try:
            item = await self._inner.__anext__()
        except StopAsyncIteration:
            state.finish()
            raise
        except BaseException as error:
            state.fail(error)
            raise
        finally:
            state.is_advancing = False
        state.add(item)
        return item
