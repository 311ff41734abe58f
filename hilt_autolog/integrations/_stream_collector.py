"""A stream that a helper reads to its end. The sync and the async function differ by what they await."""

from __future__ import annotations

from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from hilt_autolog.internal_errors import try_call

from ._helper_call import is_async

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hilt_autolog.contracts.types import JsonObject

    from ._helper_call import HelperCall


def collect_stream(
    helper_call: HelperCall, client: object, body: JsonObject, on_delta: Callable[[str], object] | None
) -> str | Awaitable[str]:
    """Make a call that streams, and return the whole text, or an awaitable of it.

    Args:
        helper_call: the call.
        client: the client that makes it.
        body: its arguments.
        on_delta: called with each piece of text as it arrives.
    """
    collector = StreamCollector(helper_call, on_delta)
    stream = helper_call.execute(client, body)
    return _collect_async(stream, collector) if is_async(client) else _collect(stream, collector)


class StreamCollector:
    """Pass the text of each chunk to a function, and accumulate the whole text."""

    def __init__(self, helper_call: HelperCall, on_delta: Callable[[str], object] | None) -> None:
        self._helper_call = helper_call
        self._on_delta = on_delta
        self._accumulator = helper_call.accumulator()

    def add(self, chunk: object) -> None:
        for kind, text, _ in try_call(self._accumulator.add, chunk) or ():
            if kind == "text" and self._on_delta is not None:
                self._on_delta(text)

    def abort(self) -> None:
        """End the call, unless the stream itself has ended it: nobody reads on."""
        if self._helper_call.call is not None:
            self._helper_call.call.abort("closed")

    def text(self) -> str:
        response = try_call(self._accumulator.response)
        return (response and response.text) or ""


def _collect(stream: Any, collector: StreamCollector) -> str:
    try:
        for chunk in stream:
            collector.add(chunk)
    except BaseException:
        collector.abort()
        raise
    finally:
        if callable(close := getattr(stream, "close", None)):
            close()
    return collector.text()


async def _collect_async(awaitable: Any, collector: StreamCollector) -> str:
    stream = await awaitable
    try:
        async for chunk in stream:
            collector.add(chunk)
    except BaseException:
        collector.abort()
        raise
    finally:
        # openai 3.57 _streaming.py: AsyncStream has `close`; async generators have `aclose`
        if callable(close := getattr(stream, "close", None) or getattr(stream, "aclose", None)):
            closing = close()
            if isawaitable(closing):
                await closing
    return collector.text()
