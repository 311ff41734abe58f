"""Bodies that the program reads by itself, watched where all ways of reading them pass: `iter_bytes`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from hilt_autolog.internal_errors import capture_errors

from . import decoders
from .response_close import observe_close, patch_instance
from .streams import StreamObserver, observe_stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import CodeType

    from hilt_autolog.contracts.provider import StreamInfo


def observe_body(call: StreamObserver, response: Any) -> None:
    """Watch a body that has not been read: `iter_bytes` is where all ways of reading it pass."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    decoder = _DECODERS.get(kind)
    body = BodyRecorder(call) if decoder is None else EventBodyRecorder(call, decoder())
    body.undo = [observe_close(response, lambda: body), patch_instance(response, _OURS, body)]
    if hasattr(response, "aiter_bytes"):
        body.undo.append(patch_instance(response, "aiter_bytes", _async_bytes(response.aiter_bytes, body)))
    body.undo.append(patch_instance(response, "iter_bytes", _bytes(response.iter_bytes, body)))


def observe_parsed_stream(stream: StreamInfo) -> None:
    """Take note that the SDK makes a stream of items out of a response whose body was being watched."""
    body: BodyRecorder | None = vars(stream.response).get(_OURS)
    if body is not None:
        body.leave()
        observe_stream(body.call, stream)


_OURS = "_hilt_body"


class BodyRecorder:
    """A body that says something only when it is whole."""

    def __init__(self, call: StreamObserver) -> None:
        self.call = call
        self._pieces: list[bytes] = []
        self.stepping = False
        self.undo: list[Callable[[], None]] = []

    def __del__(self) -> None:
        if getattr(self, "undo", None):  # there is none where the making of this object has failed
            self.call.abort("dropped")

    def leave(self) -> None:
        """Give the response its own methods back: it may be pickled, and must not hold us."""
        while self.undo:
            self.undo.pop()()

    @capture_errors
    def feed(self, piece: bytes) -> None:
        """Take the next piece."""
        self._pieces.append(piece)

    @capture_errors
    def end(self) -> None:
        """Take the end of the body."""
        self.leave()
        self.call.finish_body(b"".join(self._pieces))

    @capture_errors
    def fail(self, error: BaseException) -> None:
        """Take note that reading failed."""
        self.leave()
        self.call.fail(error)

    def closed(self, _caller: CodeType) -> None:
        """Take note that the response was closed."""
        if not self.stepping:
            self.leave()
            self.call.abort("closed")


_Decoder = decoders.SseDecoder | decoders.AwsEventStreamDecoder
_DECODERS: dict[str, type[_Decoder]] = {
    "text/event-stream": decoders.SseDecoder,
    "application/vnd.amazon.eventstream": decoders.AwsEventStreamDecoder,
}


class EventBodyRecorder(BodyRecorder):
    """A body of events."""

    def __init__(self, call: StreamObserver, decoder: _Decoder) -> None:
        super().__init__(call)
        self._decoder = decoder
        self._take = call.start_stream()

    @capture_errors
    def feed(self, piece: bytes) -> None:
        """Take the next piece, and the events in it."""
        for chunk in self._decoder.feed(piece):
            self._take(chunk)

    @capture_errors
    def end(self) -> None:
        """Take the end of the body."""
        for chunk in self._decoder.end():
            self._take(chunk)
        self.leave()
        self.call.finish_stream()


def _bytes(original: Callable[..., Iterator[bytes]], body: BodyRecorder) -> Callable[..., Iterator[bytes]]:
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
    original: Callable[..., AsyncIterator[bytes]], body: BodyRecorder
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
def _reading(body: BodyRecorder) -> Iterator[None]:
    body.stepping = True
    try:
        yield
    except BaseException as error:
        body.fail(error)
        raise
    finally:
        body.stepping = False
