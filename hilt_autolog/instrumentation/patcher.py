"""Wraps the functions of an SDK: those that are there, and the others when their module comes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import wrapt

from hilt_autolog.contracts.framework import CALLBACK_ROLES
from hilt_autolog.contracts.realtime import CONNECTION_ROLES
from hilt_autolog.internal_errors import capture_errors
from hilt_autolog.providers.registry import providers_of

from . import import_hook
from .call_wrappers import CALL_WRAPPERS
from .callback_wrappers import CALLBACK_WRAPPERS
from .connection_wrappers import CONNECTION_WRAPPERS
from .hook import Hook

if TYPE_CHECKING:
    from hilt_autolog.contracts.provider import PatchTarget, Provider


Undo = Callable[[], None]


def patch_sdk(
    sdk: str, begin: Callable[..., Any], tell: Callable[..., Any], pass_by: Callable[..., Any]
) -> tuple[dict[str, bool | None], Undo]:
    """Wrap the functions that an SDK's provider names.

    Args:
        sdk: the SDK, which is imported; of its modules perhaps not all.
        begin: is handed each call of a model.
        tell: is handed what a framework tells of its runs, with the probe first.
        pass_by: is handed what passes over connections that last.

    Returns:
        Which probes this version of the SDK has (None as long as their modules are not there; optional ones
        are left out so long), and the undo.
    """
    ways = dict.fromkeys(CONNECTION_ROLES, pass_by)
    found: dict[str, bool | None] = {}
    undo: list[Undo] = []

    def wrap(module: str) -> None:
        for provider, probe in _probes(sdk):  # a provider may know only now what is in the module
            if probe.module == module:
                hand = partial(tell, probe) if probe.role in CALLBACK_ROLES else ways.get(probe.role, begin)
                undone = patch(provider, probe, hand)
                found[target_name(probe)] = undone is not None
                if undone is not None:
                    undo.append(undone)

    absent = [module for module in target_modules(sdk) if not _is_there(module)]
    found.update((target_name(probe), None) for _, probe in _probes(sdk) if not probe.is_optional)
    for module in target_modules(sdk):
        if module not in absent:
            wrap(module)
    if absent:
        undo.append(import_hook.when_imported(absent, capture_errors(wrap)))

    def undo_all() -> None:
        while undo:
            undo.pop()()

    return found, undo_all


def target_modules(sdk: str) -> list[str]:
    """Return the modules of an SDK that there are probes for."""
    return list(dict.fromkeys(probe.module for _, probe in _probes(sdk)))


def _probes(sdk: str) -> list[tuple[Any, PatchTarget]]:
    return [(provider, probe) for provider in providers_of(sdk) for probe in provider.targets]


def target_name(probe: PatchTarget) -> str:
    """Return how people are told of a probe."""
    return f"{probe.module}:{probe.owner}.{probe.name}"


def _is_there(module: str) -> bool:
    """Return whether a module has been executed to its end."""
    spec = getattr(sys.modules.get(module), "__spec__", None)
    return spec is not None and not getattr(spec, "_initializing", False)


WRAPPERS = CALL_WRAPPERS | CALLBACK_WRAPPERS | CONNECTION_WRAPPERS


def patch(provider: Provider, probe: PatchTarget, begin: Callable[..., Any]) -> Callable[[], None] | None:
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
    gate = Hook(begin)
    wrapper = wrapt.FunctionWrapper(original, WRAPPERS[probe.role](provider, gate))
    setattr(owner, probe.name, wrapper)

    def undo() -> None:
        # Somebody may have wrapped our wrapper since: then it stays where it is, and steps aside for good,
        # for the next `arm` will put another around both.
        gate.close()
        if vars(owner).get(probe.name) is wrapper:
            setattr(owner, probe.name, original)

    return undo
