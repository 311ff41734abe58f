"""Capture and count errors in our own code, so that they never reach the program; tests re-raise them.

Only `Exception` is captured. `KeyboardInterrupt`, `SystemExit`, cancellation and `GeneratorExit` belong to
the program and pass through.
"""

from __future__ import annotations

import functools
import itertools
import os
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

P = ParamSpec("P")
R = TypeVar("R")


class InternalErrors:
    """The errors in our own code in this process.

    Attributes:
        total: their number.
        places: the location of each in our code -> its type; each location once.
        is_strict: whether they are raised again: the setting `strict`.
    """

    def __init__(self) -> None:
        self.is_strict = False
        self.reset()

    def reset(self) -> None:
        """Forget all errors: in a forked child those of its parent are not its own."""
        self._count = itertools.count()  # next() is atomic; `+= 1` is not
        self.total = 0
        self.places: dict[str, str] = {}

    def note(self, error: Exception) -> None:
        """Count an error and keep its location; raise it again if that is wanted (for tests)."""
        self.total = next(self._count) + 1
        if len(self.places) < 20:  # noqa: PLR2004  enough for a diagnosis, and bounded memory
            self.places.setdefault(_location(error.__traceback__), type(error).__name__)
        if self.is_strict or is_strict():
            raise error


internal_errors = InternalErrors()


def is_strict() -> bool:
    """Return whether the environment says HILT_STRICT=1: it counts also before there are settings."""
    return os.environ.get("HILT_STRICT", "") not in ("", "0", "false", "no", "off")


def capture_errors(function: Callable[P, R]) -> Callable[P, R | None]:
    """Return a function that returns None if `function` raises an `Exception`, which is noted."""

    @functools.wraps(function)
    def safely(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            internal_errors.note(error)
            return None

    return safely


def try_call(function: Callable[..., R], *args: object) -> R | None:
    """Return what `function` returns, or None if it raises an `Exception`, which is noted.

    With it each field of a foreign object is read on its own: an odd one loses none of the others.
    """
    try:
        return function(*args)
    except Exception as error:
        internal_errors.note(error)
        return None


def _location(traceback: TracebackType | None) -> str:
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return "unknown"
    code = traceback.tb_frame.f_code
    return f"{os.path.basename(code.co_filename)}:{traceback.tb_lineno} {code.co_name}"
