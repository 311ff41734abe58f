"""Arms the probes of an SDK: those of modules that are there at once, the others when their modules come."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from . import importer
from .engine import arm
from .guard import guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from .engine import Way
    from .provider import Line, Provider


def arm_all(provider: Provider | Line, begin: Way, found: dict[str, bool]) -> Callable[[], None]:
    """Arm the probes of a provider, now and later.

    Args:
        provider: what to watch.
        begin: is told of the calls, or of what passes over connections.
        found: is told which probes this version of the SDK has, under their names.

    Returns:
        The undo.
    """
    undo: list[Callable[[], None]] = []

    def arm_in(modules: Container[str]) -> None:
        for probe in provider.probes:
            if probe.module in modules:
                disarm = arm(provider, probe, begin)
                found[f"{probe.module}:{probe.owner}.{probe.name}"] = disarm is not None
                if disarm is not None:
                    undo.append(disarm)

    late = {probe.module for probe in provider.probes if probe.is_late} - sys.modules.keys()
    arm_in({probe.module for probe in provider.probes} - late)
    if late:
        undo.append(importer.wait(late, guarded(lambda module: arm_in({module}))))

    def disarm_all() -> None:
        while undo:
            undo.pop()()

    return disarm_all
