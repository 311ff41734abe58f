"""The coverage table: which operations of each SDK are recorded, in which modes.

What a provider covers is in its own table, without its SDK. Which of it the installed version has is found
by a second Python that imports the SDK; see `sdks.probe_sdk`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hilt_autolog.providers import sdks

from .probes import declared_coverage
from .sdks import internal_errors_text, probe_sdk, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from hilt_autolog.contracts.provider import Coverage, PatchTarget
    from hilt_autolog.contracts.types import JsonObject


MODES = ("sync", "async", "stream", "raw")
_MODE_BY_ROLE = {"response": "raw", "stream": "raw", "chunk": "stream", "generator": "stream"}


class OperationCoverage(NamedTuple):
    """The coverage of an operation.

    Attributes:
        operation: its name, such as "chat".
        modes: whether it is recorded, by mode; None if the SDK has no such mode.
        is_offered: whether the SDK's version has the operation.
    """

    operation: str
    modes: Mapping[str, bool | None]
    is_offered: bool = True


class SdkCoverage(NamedTuple):
    """The coverage of an SDK.

    Attributes:
        name: its module.
        version: "" if unknown, None if it is not installed.
        rows: its operations.
        error: why the installed version could not be examined; None if it was.
    """

    name: str
    version: str | None
    rows: list[OperationCoverage]
    error: str | None = None


def declared_operations(sdk: str) -> list[OperationCoverage]:
    """Return an SDK's operations for a version that has all of them."""
    return _merged(_operation(coverage, lambda _: True) for coverage in declared_coverage(sdk))


def installed_coverage() -> list[SdkCoverage]:
    """Return the coverage of every supported SDK in its installed version."""
    result = []
    for name in sorted(sdks()):
        version = version_of(name)
        try:
            result.append(_examine(name, version))
        except Exception as error:
            result.append(SdkCoverage(name, version, [], f"{type(error).__name__}: {error}"))
    return result


def _examine(name: str, version: str | None) -> SdkCoverage:
    if version is None:
        return SdkCoverage(name, None, declared_operations(name))
    result = probe_sdk(name)
    if result["faults"]:
        return SdkCoverage(name, version, [], internal_errors_text(result))
    watching, missing = result["watching"], frozenset(result["not_offered"])

    def is_patched(target: PatchTarget) -> bool:
        return bool(watching.get(f"{target.module}:{target.owner}.{target.name}"))

    operations = (_operation(coverage, is_patched, missing) for coverage in declared_coverage(name))
    return SdkCoverage(name, version, _merged(operations))


def _operation(
    coverage: Coverage, is_patched: Callable[[PatchTarget], bool], missing: frozenset[str] = frozenset()
) -> OperationCoverage:
    targets: dict[str, list[PatchTarget]] = {mode: [] for mode in MODES}
    for target in coverage.targets:
        targets[_MODE_BY_ROLE.get(target.role) or _sync_or_async(target)].append(target)
    modes: dict[str, bool | None] = {
        mode: all(map(is_patched, of_mode)) if of_mode else None for mode, of_mode in targets.items()
    }
    if not coverage.streams:
        modes["stream"] = None
    elif modes["stream"] is None:  # the same functions as without a stream
        modes["stream"] = any(modes[mode] for mode in ("sync", "async"))
    return OperationCoverage(coverage.operation, modes, coverage.sdk_path not in missing)


def _sync_or_async(target: PatchTarget) -> str:
    return "async" if target.role.startswith("async") or target.owner.startswith("Async") else "sync"


def _merged(rows: Iterable[OperationCoverage]) -> list[OperationCoverage]:
    """Return one row for an operation; several providers may cover it, each for some versions of the SDK."""
    merged: dict[str, OperationCoverage] = {}
    for row in rows:
        earlier = merged.get(row.operation)
        if earlier is None or not (earlier.is_offered and any(earlier.modes.values())):
            merged[row.operation] = row
    return list(merged.values())


_CELLS = {True: "yes", False: "no", None: "-"}
_LEGEND = "yes: recorded; no: this version lacks a function that is wrapped; -: there is no such mode"


def coverage_json(sdks: Sequence[SdkCoverage]) -> list[JsonObject]:
    """Return the coverage as JSON objects."""
    return [
        {
            "sdk": sdk.name,
            "version": sdk.version,
            "trouble": sdk.error,
            "operations": [
                {"operation": row.operation, "offered": row.is_offered, **row.modes} for row in sdk.rows
            ],
        }
        for sdk in sdks
    ]


def coverage_table(sdks: Sequence[SdkCoverage]) -> str:
    """Return the coverage as a table in text."""
    lines = [("SDK", "operation", *MODES), *(line for sdk in sdks for line in _lines(sdk))]
    widths = [max(len(line[column]) for line in lines if len(line) > column + 1) for column in (0, 1)]
    widths += [max(map(len, MODES))] * len(MODES)
    table = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
    return "\n".join([*table, "", _LEGEND])


def mode_cells(row: OperationCoverage) -> tuple[str, ...]:
    """Return the cells of an operation's modes: yes, no or -."""
    return tuple(_CELLS[row.modes[mode]] for mode in MODES)


def _lines(sdk: SdkCoverage) -> Iterator[tuple[str, ...]]:
    name = f"{sdk.name} {sdk.version}" if sdk.version else sdk.name
    if sdk.error is not None:
        yield name, f"cannot be examined: {sdk.error}"
    elif sdk.version is None:
        yield name, "not installed"
    for row in sdk.rows if sdk.version is not None else ():
        yield (name, row.operation, *(mode_cells(row) if row.is_offered else ("not in this version",)))
        name = ""
