"""The checks of `hilt doctor`: each examines one topic and yields findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hilt_autolog.contracts.types import JsonObject


class Finding(NamedTuple):
    """A result of a check.

    Attributes:
        mark: "ok"; "warning": calls are recorded all the same; "problem": it keeps calls out of the log.
        text: a line for people.
        facts: the same for programs: JSON values by name.
    """

    mark: str
    text: str
    facts: JsonObject


def ok(text: str, **facts: object) -> Finding:
    """Return a finding that all is well."""
    return Finding("ok", text, facts)


def warning(text: str, **facts: object) -> Finding:
    """Return a finding that does not keep calls out of the log."""
    return Finding("warning", text, facts)


def problem(text: str, **facts: object) -> Finding:
    """Return a finding that keeps calls out of the log."""
    return Finding("problem", text, facts)
