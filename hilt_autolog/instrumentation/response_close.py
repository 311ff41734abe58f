"""Observe the closing of one HTTP response by replacing methods of this object, not of its class."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol

from hilt_autolog.internal_errors import capture_errors

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import CodeType


class CloseListener(Protocol):
    """Notified when a response is closed."""

    def on_close(self, caller: CodeType) -> None:
        """Record that a function, whose code is `caller`, closes the response."""


def observe_close(response: Any, listener: Callable[[], CloseListener | None]) -> Callable[[], None]:
    """Replace `close` and `aclose` of a response.

    Args:
        response: an httpx or httpx2 response, or another object with `close`.
        listener: returns the listener, or None if it is gone; a weak reference will do.

    Returns:
        The undo.
    """
    undo = [patch_instance(response, "close", _observe(response.close, listener))]
    if hasattr(response, "aclose"):
        undo.append(patch_instance(response, "aclose", _observe_async(response.aclose, listener)))

    def restore() -> None:
        for restore_method in undo:
            restore_method()

    return restore


def _observe(close: Callable[[], None], listener: Callable[[], CloseListener | None]) -> Callable[[], None]:
    def observed_close() -> None:
        _notify(listener, sys._getframe(1).f_code)  # noqa: SLF001  the caller decides what the close means
        close()

    return observed_close


def _observe_async(
    aclose: Callable[[], Awaitable[None]], listener: Callable[[], CloseListener | None]
) -> Callable[[], Awaitable[None]]:
    async def observed_close() -> None:
        _notify(listener, sys._getframe(1).f_code)  # noqa: SLF001  as above
        await aclose()

    return observed_close


@capture_errors
def _notify(listener: Callable[[], CloseListener | None], caller: CodeType) -> None:
    target = listener()
    if target is not None:
        target.on_close(caller)


def patch_instance(instance: object, name: str, value: object) -> Callable[[], None]:
    """Set an attribute of one object, which hides the one of its class; return the undo."""
    setattr(instance, name, value)

    def restore() -> None:
        if vars(instance).get(name) is value:
            delattr(instance, name)

    return restore
