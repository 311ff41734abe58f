"""Actions, session ids, and the figures of events: their sums, and dollars, tokens and times as text.

Every process that records imports this module: it loads nothing outside the standard library.
"""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from hilt_autolog.contracts.types import JsonMapping, JsonObject

Action = Literal[
    "prompt",
    "completion",
    "completion_chunk",
    "tool_call",
    "tool_result",
    "retrieval",
    "feedback",
    "system",
    "rerank",
    "embedding",
]
ACTIONS: tuple[str, ...] = get_args(Action)
PROCESS_ACTOR = "hilt-autolog"
"""The id of the actor of events about the recording process itself."""

_NAMESPACE = uuid.UUID("a8f7e6d5-c4b3-4a21-9f0e-1d2c3b4a5e6f")  # as in hilt-python


@lru_cache(maxsize=1024)
def session_id_of(name: str) -> str:
    """Return the session id for a name, as hilt-python does; an id (`conv_...`) is returned unchanged."""
    return name if name.startswith("conv_") else f"conv_{uuid.uuid5(_NAMESPACE, name).hex[:12]}"


# --- the figures of an event that was read from a log, where any value may be of any type


def section(event: JsonMapping, key: str) -> JsonObject:
    """Return the object under a key of an event, such as "content"; an empty one if there is none."""
    value = event.get(key)
    return value if isinstance(value, dict) else {}


def finite_number(value: object) -> float | None:
    """Return a finite number unchanged, and None for any other value."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18:  # noqa: PLR2004  a limit of the display
        return value
    return None


def total_tokens(event: JsonMapping) -> int | None:
    """Return the tokens of a call, input and output; None if the event has no count."""
    counts = section(section(event, "metrics"), "tokens")
    total = finite_number(counts.get("total"))
    if total is None:
        parts = [n for key in ("prompt", "completion") if (n := finite_number(counts.get(key))) is not None]
        total = sum(parts) if parts else None
    return None if total is None else int(total)


def event_cost(event: JsonMapping) -> float | None:
    """Return the cost of a call in dollars; None if it is unknown."""
    cost = section(event, "metrics").get("cost_usd")
    try:
        return finite_number(float(cost) if isinstance(cost, str) else cost)  # hilt-python writes a string
    except ValueError:
        return None


class CallTotals:
    """The sums over events.

    Attributes:
        calls: prompts and embedding calls; a retriever's query is none, because no model runs.
        errors: calls that failed.
        tokens: input and output; None if no event has a count.
        cost: in dollars; None if no event has a cost.
    """

    __slots__ = ("calls", "cost", "errors", "tokens")

    def __init__(self) -> None:
        self.calls = 0
        self.errors = 0
        self.tokens: int | None = None
        self.cost: float | None = None

    def add(self, event: JsonMapping) -> None:
        """Count an event in."""
        action = event.get("action")
        if action in ("prompt", "embedding"):
            self.calls += section(event, "provenance").get("operation") != "retrieval"
        if action in ("completion", "embedding", "system"):  # a call that failed may cost something as well
            self.errors += action == "system" and "error_type" in section(event, "extensions")
            if (tokens := total_tokens(event)) is not None:
                self.tokens = (self.tokens or 0) + tokens
            if (cost := event_cost(event)) is not None:
                self.cost = (self.cost or 0) + cost


# --- figures as text

_MS, _MINUTE, _HOUR = 1000, 60, 3600
_LEAST_DOLLARS = 0.000001
_THOUSAND = 1000
_ROUNDS_UP = 999.95  # to 1000.0 with one decimal: the next unit is shown instead


def count(number: float, noun: str) -> str:
    """Return a number of things: 1 call, 1,234 calls."""
    return f"{number:,.0f} {noun}{'' if number == 1 else 's'}"


def dollars(amount: float) -> str:
    """Return an amount with as many digits as it needs: $0.000012, $0.0312, $1,234.50."""
    if amount >= 1 or amount == 0:
        return f"${amount:,.2f}"
    if 0 < amount < _LEAST_DOLLARS:
        return f"<${_LEAST_DOLLARS:.6f}"
    return f"${amount:.4f}" if amount >= 0.01 else f"${amount:.6f}"  # noqa: PLR2004  a limit of the display


def cell_dollars(amount: float) -> str:
    """Return an amount for a column whose head is the sign: at most eight characters below 10,000."""
    text = dollars(amount)
    return "<1e-6" if text.startswith("<") else text.removeprefix("$")


def duration(ms: float) -> str:
    """Return a time in the unit that suits it: 119 ms, 1.2 s, 2 min 05 s, 3 h 20 min."""
    if round(ms) < _MS:
        return f"{ms:.0f} ms"
    tenths = round(ms / _MS, 1)
    if tenths < _MINUTE:
        return f"{tenths:.1f} s"
    seconds = round(ms / _MS)  # first: 119.9 s are 2 minutes, not 1 min 60 s
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min {seconds % _MINUTE:02} s"
    return f"{seconds // _HOUR} h {seconds % _HOUR // _MINUTE:02} min"


def short_count(number: int) -> str:
    """Return a count in at most six characters: 0, 941, 12.3k, 4.6M."""
    return str(number) if number < _THOUSAND else _scaled(number, ("k", "M", "G"))


def byte_size(number: float) -> str:
    """Return a number of bytes: 512 B, 1.2 kB, 3.4 GB."""
    return f"{number:.0f} B" if number < _THOUSAND else _scaled(number, (" kB", " MB", " GB"))


def _scaled(number: float, units: tuple[str, ...]) -> str:
    *smaller, largest = units
    for unit in smaller:
        number /= _THOUSAND
        if number < _ROUNDS_UP:
            return f"{number:.1f}{unit}"
    return f"{number / _THOUSAND:.1f}{largest}"
