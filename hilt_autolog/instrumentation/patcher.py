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
from hilt_autolog.providers import providers_of

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
    on_call: Callable[..., CallObserver | None],
    on_callback: Callable[..., ReturnObserver | None],
    on_connection_method: Callable[..., InvocationObserver | None],
) -> tuple[dict[str, bool | None], Undo]:
    """Wrap the functions that the providers of an SDK list as their targets.

    Args:
        sdk: the SDK's module, which is imported; some of its submodules may not be.
        on_call: called when a call to a model begins; see `Hook` for its arguments.
        on_callback: called when a framework notifies its callbacks, with the `PatchTarget` as first argument.
        on_connection_method: called when a method of a long-lived connection is called.

    Returns:
        Whether this version of the SDK has each target (None while its module is not imported; optional
        targets are left out until then), and a function that undoes it.
    """
    presence: dict[str, bool | None] = {}
    undo: list[Undo] = []

    def wrap(module: str) -> None:
        for provider, target in _targets(sdk):  # read anew: some targets depend on the imported module
            if target.module == module:
                begin: Callable[..., object] = on_call
                if target.role in CALLBACK_ROLES:
                    begin = partial(on_callback, target)
                elif target.role in CONNECTION_ROLES:
                    begin = on_connection_method
                restore = patch(provider, target, begin)
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

    return presence, partial(_undo_all, undo)


def _undo_all(undo: list[Undo]) -> None:
    while undo:
        undo.pop()()


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
        A function that restores the original; None if this version of the SDK has no such function.
    """
    owner = getattr(sys.modules.get(target.module), target.owner, None)
    original = vars(owner).get(target.name) if owner is not None else None
    if original is None:
        return None
    hook: Hook[object] = Hook(begin)
    wrapper = wrapt.FunctionWrapper(original, WRAPPERS[target.role](provider, hook))
    setattr(owner, target.name, wrapper)

    def undo() -> None:
        # Other code may have wrapped this wrapper since. This wrapper then stays, but its closed hook no
        # longer records; the next `patch` puts a new wrapper around both.
        hook.close()
        if vars(owner).get(target.name) is wrapper:
            setattr(owner, target.name, original)

    return undo
