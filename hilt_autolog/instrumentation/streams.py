"""Streams, watched in place: the program keeps the SDK's own object, and every item passes at once.

Items are seen by standing in for the iterator inside the SDK's stream. The end is what comes first:
drained, an exception, the response's `close`, or the object being dropped.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Protocol

from hilt_autolog.internal_errors import capture_errors

from .response_close import observe_close

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from types import CodeType

    from hilt_autolog.contracts.provider import StreamInfo


class StreamObserver(Protocol):
    """What a stream tells: `call.Call`."""

    def start_stream(self) -> Callable[[Any], None]:
        """The answer comes in chunks; returns what is to be told each of them."""

    def finish_stream(self) -> None:
        """There are no more chunks."""

    def finish_body(self, content: bytes) -> None:
        """The program has read the whole body."""

    def fail(self, error: BaseException) -> None:
        """An exception has ended it."""

    def abort(self, how: str) -> None:
        """It ends here: closed, dropped, cancelled or exit."""


def _nothing() -> None:
    """Undo what was never done."""


# --- items


def observe_stream(call: StreamObserver, stream: StreamInfo) -> None:
    """Watch the items of an SDK's stream, sync or async."""
    inner = vars(stream.holder).get(stream.attribute) or LazyIterator(stream)
    steps = StreamState(inner, call)
    if hasattr(stream.holder, "__anext__"):
        items: Any = AsyncStreamIterator(inner, steps)
    else:
        items = observe_iterator(inner, steps)
    steps.release = observe_close(stream.response, weakref.ref(steps))
    setattr(stream.holder, stream.attribute, items)


class LazyIterator:
    """An iterator that the SDK makes at first use, when its object is complete: so we make it no earlier.

    It knows the stream weakly, for the SDK takes care that a stream which is dropped closes at once.
    """

    __slots__ = ("_attribute", "_holder", "_inner")

    def __init__(self, stream: StreamInfo) -> None:
        self._holder = weakref.ref(stream.holder)
        self._attribute = stream.attribute
        self._inner: Any = None

    def __iter__(self) -> Any:
        """Return the SDK's iterator, and leave what stands in for it where it is."""
        if self._inner is None:
            holder, name = self._holder(), self._attribute
            ours = vars(holder).pop(name)  # the SDK may copy its object for the iterator: not with us
            self._inner = getattr(holder, name)
            setattr(holder, name, ours)
        return self._inner

    async def __anext__(self) -> Any:
        return await self.__iter__().__anext__()


class StreamState:
    """What both iterators share; `stepping` tells the SDK's own closing of a response from the program's."""

    __slots__ = ("__weakref__", "_call", "_code", "add", "release", "stepping")

    def __init__(self, inner: Any, call: StreamObserver) -> None:
        self._call = call
        self._code = getattr(inner, "gi_code", None) or getattr(inner, "ag_code", None)
        self.add = call.start_stream()
        self.stepping = False
        self.release: Callable[[], None] = _nothing

    @capture_errors
    def drained(self) -> None:
        """Take note that there are no more items."""
        self.release()
        self._call.finish_stream()

    @capture_errors
    def fail(self, error: BaseException) -> None:
        """Take note that the stream broke."""
        self.release()
        self._call.fail(error)

    @capture_errors
    def dropped(self) -> None:
        """Take note that nobody holds the stream any more."""
        self.release()  # what stands in for a method of the response holds it, in a circle
        self._call.abort("dropped")

    def closed(self, caller: CodeType) -> None:
        """Take note that `caller` closes the response: the SDK's own generator does so when it is dropped."""
        if not self.stepping:
            self.release()
            self._call.abort("dropped" if caller is self._code else "closed")


def observe_iterator(inner: Iterable[Any], steps: StreamState) -> Iterator[Any]:
    """Return what stands in for an iterator that is a generator; from now on it notices being dropped."""
    items = _items(inner, steps)
    next(items)  # up to its first `yield`
    return items


def _items(inner: Iterable[Any], steps: StreamState) -> Iterator[Any]:
    take = steps.add
    try:
        yield
        steps.stepping = True
        for item in inner:
            steps.stepping = False
            take(item)
            yield item
            steps.stepping = True
    except BaseException as error:
        if steps.stepping:
            steps.fail(error)
        else:  # GeneratorExit, at the `yield`
            steps.dropped()
        raise
    else:
        steps.drained()
    finally:
        steps.stepping = False


class AsyncStreamIterator:
    """Stands in for a stream's asynchronous iterator.

    Not a generator: the event loop would be told of one that is dropped, and close it in a task of its own.
    """

    __slots__ = ("_inner", "_steps")

    def __init__(self, inner: Any, steps: StreamState) -> None:
        self._inner = inner
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        if name in AsyncStreamIterator.__slots__:  # an object whose making failed has not even these
            raise AttributeError(name)
        return getattr(self._inner, name)

    def __del__(self) -> None:
        steps = getattr(self, "_steps", None)
        if steps is not None:
            steps.dropped()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        steps = self._steps
        steps.stepping = True
        try:
            item = await self._inner.__anext__()
        except StopAsyncIteration:
            steps.drained()
            raise
        except BaseException as error:
            steps.fail(error)
            raise
        finally:
            steps.stepping = False
        steps.add(item)
        return item
