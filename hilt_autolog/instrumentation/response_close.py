"""Standing in for methods of one HTTP response: its class, and so every other response, stays as it is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol

from hilt_autolog.internal_errors import capture_errors

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType


class CloseListener(Protocol):
    """Is told when a response is closed."""

    def closed(self, caller: CodeType) -> None:
        """The response is being closed by this code."""


def observe_close(response: Any, told: Callable[[], CloseListener | None]) -> Callable[[], None]:
    """Stand in for `close` and `aclose` of a response, telling `told()`; return the undo."""
    undo = [patch_instance(response, "close", _closing(response.close, told))]
    if hasattr(response, "aclose"):
        undo.append(patch_instance(response, "aclose", _async_closing(response.aclose, told)))

    def restore() -> None:
        for one in undo:
            one()

    return restore


def _closing(close: Callable[[], None], told: Callable[[], CloseListener | None]) -> Callable[[], None]:
    def closing() -> None:
        _tell(told, sys._getframe(1).f_code)  # noqa: SLF001  who closes decides what it means
        close()

    return closing


def _async_closing(aclose: Callable[[], Any], told: Callable[[], CloseListener | None]) -> Callable[[], Any]:
    async def closing() -> None:
        _tell(told, sys._getframe(1).f_code)  # noqa: SLF001  as above
        await aclose()

    return closing


@capture_errors
def _tell(told: Callable[[], CloseListener | None], caller: CodeType) -> None:
    watcher = told()
    if watcher is not None:
        watcher.closed(caller)


def patch_instance(response: Any, name: str, function: Any) -> Callable[[], None]:
    """Set a method on one object only; its class, and so every other response, stays as it is."""
    setattr(response, name, function)

    def restore() -> None:
        if vars(response).get(name) is function:
            delattr(response, name)

    return restore
