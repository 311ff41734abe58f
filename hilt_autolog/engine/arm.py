"""The engine: wraps the functions that a provider names, and takes them out again.

With `call_watchers`, `run_watchers` and `line_watchers` it is the only code that awaits a call. It knows
neither events nor files: it is handed `begin`, and tells what that gives how the call goes on.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import wrapt

from .call_watchers import CALL_WATCHERS
from .gate import Gate
from .line_watchers import LINE_WATCHERS
from .run_watchers import RUN_WATCHERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.provider import Probe, Provider

WATCHERS = CALL_WATCHERS | RUN_WATCHERS | LINE_WATCHERS


def arm(provider: Provider, probe: Probe, begin: Callable[..., Any]) -> Callable[[], None] | None:
    """Wrap one function of a module that is imported.

    Args:
        provider: reads what passes through the function.
        probe: names the function.
        begin: is handed the provider and the function's instance, args and kwargs each time; its answer is
            told how the call goes on.

    Returns:
        The undo, which puts the very same function back; None when this version of the SDK has no such
        function.
    """
    owner = getattr(sys.modules.get(probe.module), probe.owner, None)
    original = vars(owner).get(probe.name) if owner is not None else None
    if original is None:
        return None
    gate = Gate(begin)
    wrapper = wrapt.FunctionWrapper(original, WATCHERS[probe.role](provider, gate))
    setattr(owner, probe.name, wrapper)

    def undo() -> None:
        # Somebody may have wrapped our wrapper since: then it stays where it is, and steps aside for good,
        # for the next `arm` will put another around both.
        gate.close()
        if vars(owner).get(probe.name) is wrapper:
            setattr(owner, probe.name, original)

    return undo
