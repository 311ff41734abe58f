"""Observe response bodies that the program reads.

Every httpx read method goes through `iter_bytes`, so that is wrapped:
httpx 0.28 and httpx2 2.16 _models.py: `Response.read`, `iter_text` and `iter_lines` call `self.iter_bytes`,
their async twins `self.aiter_bytes`.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from hilt_autolog.internal_errors import capture_errors

from . import decoders
from .response_close import observe_close, patch_instance
from .streams import observe_stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import CodeType

    from hilt_autolog.contracts.provider import StreamInfo

    from .hook import StreamObserver

_RECORDER_ATTRIBUTE = "_hilt_body"  # name of the attribute set on the response


def observe_body(call: StreamObserver, response: Any) -> None:
    """Observe a body that has not been read yet."""
    content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    decoder = _DECODERS.get(content_type)
    body = BodyRecorder(call) if decoder is None else EventBodyRecorder(call, decoder())
    body.undo = [observe_close(response, lambda: body), patch_instance(response, _RECORDER_ATTRIBUTE, body)]
    if hasattr(response, "aiter_bytes"):
        aiter_bytes = _observe_async_bytes(response.aiter_bytes, body)
        body.undo.append(patch_instance(response, "aiter_bytes", aiter_bytes))
    body.undo.append(patch_instance(response, "iter_bytes", _observe_bytes(response.iter_bytes, body)))


def observe_parsed_stream(stream: StreamInfo) -> None:
    """Stop observing the body of a response; observe the stream that the SDK builds on it instead."""
    body: BodyRecorder | None = vars(stream.response).get(_RECORDER_ATTRIBUTE)
    if body is not None:
        body.detach()
        observe_stream(body.call, stream)


class BodyRecorder:
    """Records a body that can be parsed only when it is complete.

    Attributes:
        call: the call that the body ends.
        is_advancing: the HTTP library is reading; a close now is its own, not the program's.
        undo: functions that restore the response's attributes, to be called last first.
    """

    def __init__(self, call: StreamObserver) -> None:
        self.call = call
        self._pieces: list[bytes] = []
        self.is_advancing = False
        self.undo: list[Callable[[], None]] = []

    def __del__(self) -> None:
        if getattr(self, "undo", None):  # unset if `__init__` has failed
            self.call.abort("dropped")

    def detach(self) -> None:
        """Restore the response's methods, so that it can be pickled and is in no reference cycle."""
        while self.undo:
            self.undo.pop()()

    @capture_errors
    def feed(self, piece: bytes) -> None:
        """Take the next piece of the body."""
        self._pieces.append(piece)

    @capture_errors
    def end(self) -> None:
        """End the call: the body is complete."""
        self.detach()
        self.call.finish_body(b"".join(self._pieces))

    @capture_errors
    def fail(self, error: BaseException) -> None:
        """End the call: reading has raised `error`."""
        self.detach()
        self.call.fail(error)

    def on_close(self, _caller: CodeType) -> None:
        """End the call if the program closes the response early."""
        if not self.is_advancing:
            self.detach()
            self.call.abort("closed")


_Decoder = decoders.SseDecoder | decoders.AwsEventStreamDecoder
_DECODERS: dict[str, type[_Decoder]] = {
    "text/event-stream": decoders.SseDecoder,
    "application/vnd.amazon.eventstream": decoders.AwsEventStreamDecoder,
}


class EventBodyRecorder(BodyRecorder):
    """Records a body that is a stream of events, each event as soon as it is complete."""

    def __init__(self, call: StreamObserver, decoder: _Decoder) -> None:
        super().__init__(call)
        self._decoder = decoder
        self._add_chunk = call.start_stream()

    @capture_errors
    def feed(self, piece: bytes) -> None:
        """Take the next piece of the body, and record the events that it completes."""
        for chunk in self._decoder.feed(piece):
            self._add_chunk(chunk)

    @capture_errors
    def end(self) -> None:
        """End the call: the body is complete."""
        for chunk in self._decoder.end():
            self._add_chunk(chunk)
        self.detach()
        self.call.finish_stream()


def _observe_bytes(
    original: Callable[..., Iterator[bytes]], body: BodyRecorder
) -> Callable[..., Iterator[bytes]]:
    def iter_bytes(*args: object, **kwargs: object) -> Iterator[bytes]:
        pieces = original(*args, **kwargs)
        while True:
            with _reporting_errors(body):
                piece = next(pieces, None)
            if piece is None:
                break
            body.feed(piece)
            yield piece
        body.end()

    return iter_bytes


def _observe_async_bytes(
    original: Callable[..., AsyncIterator[bytes]], body: BodyRecorder
) -> Callable[..., AsyncIterator[bytes]]:
    async def aiter_bytes(*args: object, **kwargs: object) -> AsyncIterator[bytes]:
        pieces = original(*args, **kwargs)
        while True:
            with _reporting_errors(body):
                piece = await anext(pieces, None)
            if piece is None:
                break
            body.feed(piece)
            yield piece
        body.end()

    return aiter_bytes


@contextlib.contextmanager
def _reporting_errors(body: BodyRecorder) -> Iterator[None]:
    """Mark that the HTTP library is reading, and report the exception that reading raises."""
    body.is_advancing = True
    try:
        yield
    except BaseException as error:
        body.fail(error)
        raise
    finally:
        body.is_advancing = False
