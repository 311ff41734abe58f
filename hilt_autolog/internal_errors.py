"""Our own faults: swallowed, counted, kept for `hilt doctor`, and raised again where tests ask for it.

Only `Exception` is ours to swallow. `KeyboardInterrupt`, `SystemExit`, cancellation and `GeneratorExit`
belong to the program and pass through.
"""

from __future__ import annotations

import functools
import itertools
import os
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

P = ParamSpec("P")
R = TypeVar("R")


class InternalErrors:
    """How often our own code has failed in this process, and where (each place once)."""

    def __init__(self) -> None:
        self._count = itertools.count()  # next() is atomic; `+= 1` is not
        self.total = 0
        self.places: dict[str, str] = {}

    def note(self, fault: Exception) -> None:
        """Count a fault and remember its place; raise it again under HILT_STRICT=1."""
        self.total = next(self._count) + 1
        if len(self.places) < 20:  # noqa: PLR2004  enough to understand, too few to fill the memory
            self.places.setdefault(_location(fault.__traceback__), f"{type(fault).__name__}")
        if is_strict():
            raise fault


internal_errors = InternalErrors()


def is_strict() -> bool:
    """Return whether our own faults are to be raised (HILT_STRICT=1, for tests)."""
    return os.environ.get("HILT_STRICT", "") not in ("", "0", "false", "no", "off")


def capture_errors(function: Callable[P, R]) -> Callable[P, R | None]:
    """Return `function` so that a fault of ours in it gives None instead of reaching the program."""

    @functools.wraps(function)
    def safely(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return function(*args, **kwargs)
        except Exception as fault:
            internal_errors.note(fault)
            return None

    return safely


def try_call(function: Callable[..., Any], *args: Any) -> Any:
    """Call `function` on a foreign object; an odd field gives None and the rest is still read."""
    try:
        return function(*args)
    except Exception as fault:
        internal_errors.note(fault)
        return None


def _location(traceback: TracebackType | None) -> str:
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return "unknown"
    code = traceback.tb_frame.f_code
    return f"{os.path.basename(code.co_filename)}:{traceback.tb_lineno} {code.co_name}"
