"""A stream that a helper reads to its end. Sync and async differ by what is awaited."""

from __future__ import annotations

from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from hilt_autolog.internal_errors import try_call

from ._helper_call import is_async

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.model import StreamAccumulator

    from ._helper_call import HelperCall


def collect_stream(
    asking: HelperCall, client: Any, body: dict[str, Any], on_delta: Callable[[str], object] | None
) -> Any:
    """Make a call that streams, and return the whole text, or an awaitable of it.

    Args:
        asking: the call.
        client: whom it asks.
        body: what it asks.
        on_delta: is handed each piece of text as it comes.
    """
    ear = StreamCollector(asking, on_delta)
    opened = asking.made(client, body)
    return _ahear(opened, ear) if is_async(client) else _hear(opened, ear)


class StreamCollector:
    """Takes the chunks of a stream, and puts its text together."""

    def __init__(self, asking: HelperCall, on_delta: Callable[[str], object] | None) -> None:
        self._asking = asking
        self._on_delta = on_delta
        self._fold: StreamAccumulator = asking.accumulator()

    def add(self, chunk: Any) -> None:
        for kind, text, _ in try_call(self._fold.add, chunk) or ():
            if kind == "text" and self._on_delta is not None:
                self._on_delta(text)

    def leave(self) -> None:
        """End the call, unless the stream itself has ended it: nobody listens any more."""
        if self._asking.call is not None:
            self._asking.call.abort("closed")

    def text(self) -> str:
        reply = try_call(self._fold.response)
        return (reply and reply.text) or ""


def _hear(opened: Any, ear: StreamCollector) -> str:
    try:
        for chunk in opened:
            ear.add(chunk)
    except BaseException:
        ear.leave()
        raise
    finally:
        if callable(close := getattr(opened, "close", None)):
            close()
    return ear.text()


async def _ahear(opening: Any, ear: StreamCollector) -> str:
    opened = await opening
    try:
        async for chunk in opened:
            ear.add(chunk)
    except BaseException:
        ear.leave()
        raise
    finally:
        if callable(close := getattr(opened, "close", None) or getattr(opened, "aclose", None)):
            closing = close()
            if isawaitable(closing):
                await closing
    return ear.text()
