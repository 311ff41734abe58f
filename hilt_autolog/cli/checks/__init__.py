"""What doctor examines: each check looks at one matter and yields what it finds."""

from __future__ import annotations

from typing import Any, NamedTuple


class Finding(NamedTuple):
    """Something that doctor has looked at.

    Attributes:
        mark: "ok"; "warning": worth knowing, calls are recorded all the same; "problem": it keeps calls out
            of the log.
        text: a line for people.
        facts: the same for machines: JSON values by name.
    """

    mark: str
    text: str
    facts: dict[str, Any]


def ok(text: str, **facts: Any) -> Finding:
    """Return a finding that is as it should be."""
    return Finding("ok", text, facts)


def warning(text: str, **facts: Any) -> Finding:
    """Return a finding that does not keep calls out of the log."""
    return Finding("warning", text, facts)


def problem(text: str, **facts: Any) -> Finding:
    """Return a finding that keeps calls out of the log."""
    return Finding("problem", text, facts)
