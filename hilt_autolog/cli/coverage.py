"""hilt doctor --coverage: a table of what is watched, SDK by operation by mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.cli.checks.coverage import MODES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hilt_autolog.cli.checks.coverage import Row, Sdk

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
