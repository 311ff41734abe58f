"""Wrap the functions of an SDK: at once in modules that are imported, in others when they are imported."""

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

    from .hook import CallObserver, InvocationObserver, ReturnObserver


Undo = Callable[[], None]
WRAPPERS = CALL_WRAPPERS | CALLBACK_WRAPPERS | CONNECTION_WRAPPERS


def patch_sdk(
    sdk: str,
    begin_call: Callable[..., CallObserver | None],
    dispatch: Callable[..., ReturnObserver | None],
    begin_invocation: Callable[..., InvocationObserver | None],
) -> tuple[dict[str, bool | None], Undo]:
    """Wrap the functions that the providers of an SDK list as their targets.

    Args:
        sdk: the SDK's module, which is imported; some of its submodules may not be.
        begin_call: begins each call to a model (`Hook.begin`).
        dispatch: takes each callback of a framework, with its `PatchTarget` as the first argument.
        begin_invocation: begins each invocation of a method of a long-lived connection.

    Returns:
        Whether this version of the SDK has each target (None while its module is not imported; optional
        targets are left out until then), and the undo.
    """
    begin_by_role = dict.fromkeys(CONNECTION_ROLES, begin_invocation)
    presence: dict[str, bool | None] = {}
    undo: list[Undo] = []

    def wrap(module: str) -> None:
        for provider, target in _targets(sdk):  # read anew: some targets depend on the imported module
            if target.module == module:
                is_callback, begin = target.role in CALLBACK_ROLES, begin_by_role.get(target.role, begin_call)
                restore = patch(provider, target, partial(dispatch, target) if is_callback else begin)
                presence[target_name(target)] = restore is not None
                if restore is not None:
                    undo.append(restore)

    absent = [module for module in target_modules(sdk) if not _is_imported(module)]
    presence.update((target_name(target), None) for _, target in _targets(sdk) if not target.is_optional)
    for module in target_modules(sdk):
        if module not in absent:
            wrap(module)
    if absent:
        undo.append(import_hook.when_imported(absent, capture_errors(wrap)))

    def undo_all() -> None:
        while undo:
            undo.pop()()

    return presence, undo_all


def target_modules(sdk: str) -> list[str]:
    """Return the modules of an SDK that have targets, each once."""
    return list(dict.fromkeys(target.module for _, target in _targets(sdk)))


def _targets(sdk: str) -> list[tuple[Any, PatchTarget]]:
    return [(provider, target) for provider in providers_of(sdk) for target in provider.targets]


def target_name(target: PatchTarget) -> str:
    """Return the name of a target in status and messages: `openai._base_client:SyncAPIClient.request`."""
    return f"{target.module}:{target.owner}.{target.name}"


def _is_imported(module: str) -> bool:
    """Return whether a module has been executed to its end."""
    spec = getattr(sys.modules.get(module), "__spec__", None)
    return spec is not None and not getattr(spec, "_initializing", False)


def patch(provider: Provider, target: PatchTarget, begin: Callable[..., object]) -> Undo | None:
    """Wrap one function of an imported module.

    Args:
        provider: reads the function's arguments and results.
        target: names the function.
        begin: see `Hook`.

    Returns:
        The undo, which puts the very same function back; None if this version of the SDK has no such
        function.
    """
    owner = getattr(sys.modules.get(target.module), target.owner, None)
    original = vars(owner).get(target.name) if owner is not None else None
    if original is None:
        return None
    hook: Hook[object] = Hook(begin)
    wrapper = wrapt.FunctionWrapper(original, WRAPPERS[target.role](provider, hook))
    setattr(owner, target.name, wrapper)

    def undo() -> None:
        # Other code may have wrapped this wrapper since. It then stays, with a closed hook for good: the next
        # `patch` puts a new wrapper around both.
        hook.close()
        if vars(owner).get(target.name) is wrapper:
            setattr(owner, target.name, original)

    return undo
