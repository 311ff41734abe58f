"""Streams, watched in place: the program keeps the SDK's own object, and every chunk passes at once.

Items are seen by standing in for the iterator inside the SDK's stream; a body that the program reads by
itself, by standing in for the methods of the HTTP response that hand it out. The end is what comes first:
drained, an exception, the response's `close`, or the object being dropped.
"""

from __future__ import annotations

import contextlib
import sys
import weakref
from typing import TYPE_CHECKING, Any, Protocol

from .guard import guarded
from .sse import Decoder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import CodeType

    from .facts import Http, Stream


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
    inner = getattr(stream.holder, stream.attribute)
    kind = AsyncItems if hasattr(inner, "__anext__") else Items
    items = kind(inner, call)
    call.streams()
    items.release = _watch_close(stream.response, items)
    setattr(stream.holder, stream.attribute, items)


class _Steps:
    """What both iterators share; `stepping` tells the SDK's own closing of a response from the program's."""

    __slots__ = ("__weakref__", "_call", "_inner", "release", "stepping")

    def __init__(self, inner: Any, call: Watched) -> None:
        self._inner = inner
        self._call = call
        self.stepping = False
        self.release: Callable[[], None] = _nothing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __del__(self) -> None:
        self._call.cut("dropped")

    def drained(self) -> None:
        """Take note that there are no more items."""
        self.release()
        self._call.finish_stream()

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


# --- bodies


def watch_body(call: Watched, response: Any) -> None:
    """Watch a body that has not been read: `iter_bytes` is where all ways of reading it pass."""
    is_events = "text/event-stream" in response.headers.get("content-type", "")
    body = (Events if is_events else Whole)(call)
    if is_events:
        call.streams()
    undo = [_watch_close(response, body)]
    if hasattr(response, "aiter_bytes"):
        undo.append(_stand_in(response, "aiter_bytes", _async_bytes(response.aiter_bytes, body)))
    undo.append(_stand_in(response, "iter_bytes", _bytes(response.iter_bytes, body)))
    _unread[response] = (call, undo)


def parsed(stream: Stream) -> None:
    """Take note that the SDK makes a stream of items out of a response whose body was being watched."""
    call, undo = _unread.pop(stream.response, (None, ()))
    for restore in undo:
        restore()
    if call is not None:
        watch_items(call, stream)


_unread: weakref.WeakKeyDictionary[Any, tuple[Watched, list[Callable[[], None]]]] = (
    weakref.WeakKeyDictionary()
)


class Whole:
    """A body that says something only when it is whole."""

    def __init__(self, call: Watched) -> None:
        self._call = call
        self._pieces: list[bytes] = []
        self.stepping = False

    def feed(self, piece: bytes) -> None:
        """Take the next piece."""
        self._pieces.append(piece)

    def end(self) -> None:
        """Take the end of the body."""
        self._call.finish_body(b"".join(self._pieces))

    def fail(self, error: BaseException) -> None:
        """Take note that reading failed."""
        self._call.fail(error)

    def closed(self, _caller: CodeType) -> None:
        """Take note that the response was closed."""
        if not self.stepping:
            self._call.cut("closed")


class Events(Whole):
    """A body of server-sent events."""

    def __init__(self, call: Watched) -> None:
        super().__init__(call)
        self._decoder = Decoder()

    def feed(self, piece: bytes) -> None:
        """Take the next piece, and the events in it."""
        for chunk in self._decoder.feed(piece):
            self._call.take(chunk)

    def end(self) -> None:
        """Take the end of the body."""
        for chunk in self._decoder.end():
            self._call.take(chunk)
        self._call.finish_stream()


def _bytes(original: Callable[..., Iterator[bytes]], body: Whole) -> Callable[..., Iterator[bytes]]:
    def iter_bytes(*args: Any, **kwargs: Any) -> Iterator[bytes]:
        pieces = original(*args, **kwargs)
        while True:
            with _reading(body):
                piece = next(pieces, None)
            if piece is None:
                break
            body.feed(piece)
            yield piece
        body.end()

    return iter_bytes


def _async_bytes(
    original: Callable[..., AsyncIterator[bytes]], body: Whole
) -> Callable[..., AsyncIterator[bytes]]:
    async def aiter_bytes(*args: Any, **kwargs: Any) -> AsyncIterator[bytes]:
        pieces = original(*args, **kwargs)
        while True:
            with _reading(body):
                piece = await anext(pieces, None)
            if piece is None:
                break
            body.feed(piece)
            yield piece
        body.end()

    return aiter_bytes


@contextlib.contextmanager
def _reading(body: Whole) -> Iterator[None]:
    body.stepping = True
    try:
        yield
    except BaseException as error:
        body.fail(error)
        raise
    finally:
        body.stepping = False


# --- standing in


class Closable(Protocol):
    """Is told when a response is closed."""

    def closed(self, caller: CodeType) -> None:
        """The response is being closed by this code."""


def _watch_close(response: Any, watcher: Closable) -> Callable[[], None]:
    """Stand in for `close` and `aclose` of a response; return the undo."""
    told = weakref.ref(watcher) if isinstance(watcher, _Steps) else lambda: watcher
    undo = [_stand_in(response, "close", _closing(response.close, told))]
    if hasattr(response, "aclose"):
        undo.append(_stand_in(response, "aclose", _async_closing(response.aclose, told)))

    def restore() -> None:
        for one in undo:
            one()

    return restore


def _closing(close: Callable[[], None], told: Callable[[], Closable | None]) -> Callable[[], None]:
    def closing() -> None:
        _tell(told, sys._getframe(1).f_code)  # noqa: SLF001  who closes decides what it means
        close()

    return closing


def _async_closing(aclose: Callable[[], Any], told: Callable[[], Closable | None]) -> Callable[[], Any]:
    async def closing() -> None:
        _tell(told, sys._getframe(1).f_code)  # noqa: SLF001  as above
        await aclose()

    return closing


@guarded
def _tell(told: Callable[[], Closable | None], caller: CodeType) -> None:
    watcher = told()
    if watcher is not None:
        watcher.closed(caller)


def _stand_in(response: Any, name: str, function: Any) -> Callable[[], None]:
    """Set a method on one object only; its class, and so every other response, stays as it is."""
    setattr(response, name, function)

    def restore() -> None:
        if vars(response).get(name) is function:
            delattr(response, name)

    return restore
