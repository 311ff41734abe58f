"""What is covered: SDK by operation by mode, out of the providers' own tables.

What a provider covers is known without its SDK. Which of it the installed version has is asked of a Python
that starts now, as for everything else that is said of an SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hilt_autolog import importer

from .offers import covered
from .sdks import asked, own_faults, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hilt_autolog.provider import Covered, Probe

MODES = ("sync", "async", "stream", "raw")
_OF_ROLES = {"response": "raw", "stream": "raw", "token": "stream", "generator": "stream"}


class Row(NamedTuple):
    """An operation of an SDK: by mode whether it is watched, None where the SDK has no such mode."""

    operation: str
    modes: Mapping[str, bool | None]
    is_offered: bool = True  # by this version


class Sdk(NamedTuple):
    """An SDK with its operations."""

    name: str
    version: str | None  # "" if it does not tell, None if it is not installed
    rows: list[Row]
    trouble: str | None = None  # why nothing can be said of the installed version


def declared(sdk: str) -> list[Row]:
    """Return an SDK's operations as if its version had all of them."""
    return _merged(_row(one, lambda _: True) for one in covered(sdk))


def coverage() -> list[Sdk]:
    """Return every SDK that there is a provider for, as it is installed here."""
    found = []
    for name in sorted(importer.sdks()):
        version = version_of(name)
        try:
            found.append(_examined(name, version))
        except Exception as error:
            found.append(Sdk(name, version, [], f"{type(error).__name__}: {error}"))
    return found


def _examined(name: str, version: str | None) -> Sdk:
    if version is None:
        return Sdk(name, None, declared(name))
    found = asked(name)
    if found["faults"]:
        return Sdk(name, version, [], own_faults(found))
    watching, missing = found["watching"], frozenset(found["not_offered"])

    def is_found(probe: Probe) -> bool:
        return bool(watching.get(f"{probe.module}:{probe.owner}.{probe.name}"))

    return Sdk(name, version, _merged(_row(one, is_found, missing) for one in covered(name)))


def _row(one: Covered, is_found: Callable[[Probe], bool], missing: frozenset[str] = frozenset()) -> Row:
    needed: dict[str, list[Probe]] = {mode: [] for mode in MODES}
    for probe in one.probes:
        needed[_OF_ROLES.get(probe.role) or _kind(probe)].append(probe)
    modes: dict[str, bool | None] = {
        mode: all(map(is_found, probes)) if probes else None for mode, probes in needed.items()
    }
    if not one.streams:
        modes["stream"] = None
    elif modes["stream"] is None:  # the same functions as without a stream
        modes["stream"] = any(modes[kind] for kind in ("sync", "async"))
    return Row(one.operation, modes, one.offered not in missing)


def _kind(probe: Probe) -> str:
    return "async" if probe.role.startswith("async") or probe.owner.startswith("Async") else "sync"


def _merged(rows: Iterable[Row]) -> list[Row]:
    """Return one row an operation: several providers may be there for it, each for some versions."""
    found: dict[str, Row] = {}
    for row in rows:
        known = found.get(row.operation)
        if known is None or not (known.is_offered and any(known.modes.values())):
            found[row.operation] = row
    return list(found.values())
