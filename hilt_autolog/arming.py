"""Wraps the functions of an SDK: those that are there, and the others when their module comes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from . import importer
from .engine import arm
from .framework import RUN_ROLES
from .guard import guarded

Undo = Callable[[], None]


def watch(sdk: str, begin: Callable[..., Any], tell: Callable[..., Any]) -> tuple[dict[str, bool], Undo]:
    """Wrap the functions that an SDK's provider names.

    Args:
        sdk: the SDK, which is imported; of its modules perhaps not all.
        begin: is handed each call of a model.
        tell: is handed what a framework tells of its runs, with the probe first.

    Returns:
        Which of the probes this version of the SDK has, which may change yet; and the undo.
    """
    provider = import_module(f"{__package__}.providers.{sdk}").PROVIDER
    found: dict[str, bool] = {}
    undo: list[Undo] = []

    def wrap(module: str) -> None:
        for probe in provider.probes:
            if probe.module == module:
                hand = partial(tell, probe) if probe.role in RUN_ROLES else begin
                undone = arm(provider, probe, hand)
                found[f"{module}:{probe.owner}.{probe.name}"] = undone is not None
                if undone is not None:
                    undo.append(undone)

    modules = dict.fromkeys(probe.module for probe in provider.probes)
    absent = [module for module in modules if not _is_there(module)]
    for module in modules:
        wrap(module)
    if absent:
        undo.append(importer.wait(absent, guarded(wrap)))

    def undo_all() -> None:
        while undo:
            undo.pop()()

    return found, undo_all


def _is_there(module: str) -> bool:
    """Return whether a module has been executed to its end."""
    spec = getattr(sys.modules.get(module), "__spec__", None)
    return spec is not None and not getattr(spec, "_initializing", False)
