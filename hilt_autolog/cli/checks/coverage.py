"""What is covered: SDK by operation by mode, out of the providers' own tables.

What a provider covers is known without its SDK. Which of it the installed version has is asked of a Python
that starts now, as for everything else that is said of an SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from hilt_autolog.providers import registry

from .probes import covered
from .sdks import asked, own_faults, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from hilt_autolog.contracts.provider import Coverage, PatchTarget


MODES = ("sync", "async", "stream", "raw")
_OF_ROLES = {"response": "raw", "stream": "raw", "chunk": "stream", "generator": "stream"}


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
    for name in sorted(registry.sdks()):
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

    def is_found(probe: PatchTarget) -> bool:
        return bool(watching.get(f"{probe.module}:{probe.owner}.{probe.name}"))

    return Sdk(name, version, _merged(_row(one, is_found, missing) for one in covered(name)))


def _row(
    one: Coverage, is_found: Callable[[PatchTarget], bool], missing: frozenset[str] = frozenset()
) -> Row:
    needed: dict[str, list[PatchTarget]] = {mode: [] for mode in MODES}
    for probe in one.targets:
        needed[_OF_ROLES.get(probe.role) or _kind(probe)].append(probe)
    modes: dict[str, bool | None] = {
        mode: all(map(is_found, probes)) if probes else None for mode, probes in needed.items()
    }
    if not one.streams:
        modes["stream"] = None
    elif modes["stream"] is None:  # the same functions as without a stream
        modes["stream"] = any(modes[kind] for kind in ("sync", "async"))
    return Row(one.operation, modes, one.sdk_path not in missing)


def _kind(probe: PatchTarget) -> str:
    return "async" if probe.role.startswith("async") or probe.owner.startswith("Async") else "sync"


def _merged(rows: Iterable[Row]) -> list[Row]:
    """Return one row an operation: several providers may be there for it, each for some versions."""
    found: dict[str, Row] = {}
    for row in rows:
        known = found.get(row.operation)
        if known is None or not (known.is_offered and any(known.modes.values())):
            found[row.operation] = row
    return list(found.values())


_WORDS = {True: "yes", False: "no", None: "-"}
_LEGEND = "yes: watched; no: this version lacks a function that we look for; -: there is no such mode"


def coverage_json(sdks: Sequence[Sdk]) -> list[dict[str, Any]]:
    """Return what is covered as JSON values."""
    return [
        {
            "sdk": sdk.name,
            "version": sdk.version,
            "trouble": sdk.trouble,
            "operations": [
                {"operation": row.operation, "offered": row.is_offered, **row.modes} for row in sdk.rows
            ],
        }
        for sdk in sdks
    ]


def coverage_table(sdks: Sequence[Sdk]) -> str:
    """Return the same as a table for people."""
    cells = [("SDK", "operation", *MODES), *(line for sdk in sdks for line in _lines(sdk))]
    widths = [max(len(line[column]) for line in cells if len(line) > column + 1) for column in (0, 1)]
    widths += [max(map(len, MODES))] * len(MODES)
    table = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in cells]
    return "\n".join([*table, "", _LEGEND])


def cells_of(row: Row) -> tuple[str, ...]:
    """Return the words for an operation's modes."""
    return tuple(_WORDS[row.modes[mode]] for mode in MODES)


def _lines(sdk: Sdk) -> Iterator[tuple[str, ...]]:
    name = f"{sdk.name} {sdk.version}" if sdk.version else sdk.name
    if sdk.trouble is not None:
        yield name, f"cannot be examined: {sdk.trouble}"
    elif sdk.version is None:
        yield name, "not installed"
    for row in sdk.rows if sdk.version is not None else ():
        yield (name, row.operation, *(cells_of(row) if row.is_offered else ("not in this version",)))
        name = ""
