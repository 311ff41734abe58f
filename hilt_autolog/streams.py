"""Streams, watched in place: the program keeps the SDK's own object, and every item passes at once.

Items are seen by standing in for the iterator inside the SDK's stream. The end is what comes first:
drained, an exception, the response's `close`, or the object being dropped.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Protocol

from .closing import watch_close
from .guard import guarded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import CodeType

    from .facts import Http
    from .provider import Stream


class Watched(Protocol):
    """What a stream tells: `call.Call`."""

    def streams(self) -> None:
        """The answer comes in chunks."""

    def take(self, chunk: Any) -> None:
        """The next chunk is there."""

    def finish_stream(self) -> None:
        """There are no more chunks."""

    def finish_body(self, content: bytes) -> None:
        """The program has read the whole body."""

    def fail(self, error: BaseException) -> None:
        """An exception has ended it."""

    def cut(self, how: str) -> None:
        """It ends here: closed, dropped, cancelled or exit."""

    @property
    def http(self) -> Http | None:
        """The HTTP response."""


def _nothing() -> None:
    """Undo what was never done."""


# --- items


def watch_items(call: Watched, stream: Stream) -> None:
    """Watch the items of an SDK's stream, sync or async."""
    inner = vars(stream.holder).get(stream.attribute) or Unopened(stream)
    kind = AsyncItems if hasattr(stream.holder, "__anext__") else Items
    items = kind(inner, call)
    call.streams()
    items.release = watch_close(stream.response, weakref.ref(items))
    setattr(stream.holder, stream.attribute, items)


class Unopened:
    """An iterator that the SDK makes at first use, when its object is complete: so we make it no earlier.

    It knows the stream weakly, for the SDK takes care that a stream which is dropped closes at once.
    """

    __slots__ = ("_attribute", "_holder", "_inner")

    def __init__(self, stream: Stream) -> None:
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

    def __next__(self) -> Any:
        return next(iter(self))

    async def __anext__(self) -> Any:
        return await self.__iter__().__anext__()


_OURS = ("_call", "_inner", "release", "stepping")


class _Steps:
    """What both iterators share; `stepping` tells the SDK's own closing of a response from the program's."""

    __slots__ = ("__weakref__", "_call", "_inner", "release", "stepping")

    def __init__(self, inner: Any, call: Watched) -> None:
        self._inner = inner
        self._call = call
        self.stepping = False
        self.release: Callable[[], None] = _nothing

    def __getattr__(self, name: str) -> Any:
        if name in _OURS:  # an object whose making failed has not even these
            raise AttributeError(name)
        return getattr(self._inner, name)

    def __del__(self) -> None:
        call = getattr(self, "_call", None)
        if call is not None:
            call.cut("dropped")

    @guarded
    def drained(self) -> None:
        """Take note that there are no more items."""
        self.release()
        self._call.finish_stream()

    @guarded
    def failed(self, error: BaseException) -> None:
        """Take note that the stream broke."""
        self.release()
        self._call.fail(error)

    def closed(self, caller: CodeType) -> None:
        """Take note that `caller` closes the response: the SDK's own generator does so when it is dropped."""
        if not self.stepping:
            inner = self._inner
            code = getattr(inner, "gi_code", None) or getattr(inner, "ag_code", None)
            self._call.cut("dropped" if caller is code else "closed")


class Items(_Steps):
    """Stands in for a stream's iterator."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        self.stepping = True
        try:
            item = next(self._inner)
        except StopIteration:
            self.drained()
            raise
        except BaseException as error:
            self.failed(error)
            raise
        finally:
            self.stepping = False
        self._call.take(item)
        return item


class AsyncItems(_Steps):
    """Stands in for a stream's asynchronous iterator."""

    __slots__ = ()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        self.stepping = True
        try:
            item = await self._inner.__anext__()
        except StopAsyncIteration:
            self.drained()
            raise
        except BaseException as error:
            self.failed(error)
            raise
        finally:
            self.stepping = False
        self._call.take(item)
        return item
