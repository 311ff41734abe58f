"""What stands between a wrapped function and us: open as long as the function is to be watched."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hilt_autolog.contracts.provider import Provider

Args = tuple[Any, ...]
Kwargs = dict[str, Any]


class Hook:
    """The way from a wrapped function to `begin` or `tell`, as long as the function is to be watched."""

    __slots__ = ("begin",)

    def __init__(self, begin: Callable[..., Any]) -> None:
        self.begin = begin

    def close(self) -> None:
        """Let nothing through any more."""
        self.begin = _ignore_call


def _ignore_call(*_call: Any) -> None:
    """Watch nothing."""


# Makes the function that wrapt calls in place of the wrapped one.
WrapperFactory = Callable[["Provider", Hook], Callable[..., Any]]
