"""Sums over calls: how many, how many failed, tokens, cost, and how long they took."""

from __future__ import annotations

from array import array
from math import ceil, fsum, isfinite
from typing import Any, Self

Event = dict[str, Any]

TOKENS = ("prompt", "completion", "cached", "reasoning")
PERCENTILES = {"latency_ms": (50, 95, 99), "ttft_ms": (50, 95)}


class Tally:
    """What has been counted of some calls.

    Attributes:
        calls: How many have ended.
        failures: How many of them have failed.
        unended: How many more have no end in the log: cut off with their process, or still going on.
        unpriced: How many answers have no known price; they are not in `cost`.
        tokens: Sums by kind, of `TOKENS`.
    """

    def __init__(self) -> None:
        self.calls = self.failures = self.unended = self.unpriced = 0
        self.tokens = dict.fromkeys(TOKENS, 0)
        self._costs: array[float] = array("d")
        self._times: dict[str, array[float]] = {name: array("d") for name in PERCENTILES}

    def answered(self, event: Event) -> None:
        """Count a call that ended well; its event tells the tokens, the cost and the times."""
        self.calls += 1
        metrics = _part(event, "metrics")
        self._paid(metrics)
        extensions = _part(event, "extensions")
        for name, times in self._times.items():
            time = _number(metrics.get(name, extensions.get(name)))  # hilt-python's programs use either
            if time is not None:
                times.append(time)

    def failed(self, event: Event, *, is_answered: bool) -> None:
        """Count a call that failed; one that has an answer as well (of a broken stream) is a call already.

        What it cost all the same is counted, where its event tells that.
        """
        self.calls += not is_answered
        self.failures += 1
        metrics = _part(event, "metrics")
        if "tokens" in metrics or "cost_usd" in metrics:
            self._paid(metrics)

    def _paid(self, metrics: Event) -> None:
        tokens = _part(metrics, "tokens")
        for kind in TOKENS:
            self.tokens[kind] += int(_number(tokens.get(kind)) or 0)
        cost = _number(_unquoted(metrics.get("cost_usd")))
        if cost is None:
            self.unpriced += 1
        else:
            self._costs.append(cost)

    def add(self, other: Self) -> None:
        """Add what another has counted."""
        self.calls += other.calls
        self.failures += other.failures
        self.unended += other.unended
        self.unpriced += other.unpriced
        for kind, number in other.tokens.items():
            self.tokens[kind] += number
        self._costs.extend(other._costs)
        for name, times in other._times.items():
            self._times[name].extend(times)

    @property
    def cost(self) -> float | None:
        """US dollars, of the calls whose price is known; None, if it is of none."""
        return round(fsum(self._costs), 9) if self._costs else None

    def percentile(self, name: str, percent: int) -> float | None:
        """Return the least time that so many per cent of the answers took at most: exact, by nearest rank.

        Args:
            name: `latency_ms` or `ttft_ms`.
            percent: From 1 to 100.
        """
        times = sorted(self._times[name])
        return times[ceil(len(times) * percent / 100) - 1] if times else None

    def as_json(self) -> dict[str, Any]:
        """Return the figures by name. What is not known is None."""
        figures: dict[str, Any] = {
            "calls": self.calls,
            "failures": self.failures,
            "calls_without_end": self.unended,
            "error_rate": round(self.failures / self.calls, 6) if self.calls else None,
            **{f"tokens_{kind}": number for kind, number in self.tokens.items()},
            "cost_usd": self.cost,
            "calls_without_price": self.unpriced,
        }
        for name, percents in PERCENTILES.items():
            stem, _, unit = name.partition("_")
            figures |= {f"{stem}_p{percent}_{unit}": self.percentile(name, percent) for percent in percents}
        return figures


def _part(event: Event, key: str) -> Event:
    part = event.get(key)
    return part if isinstance(part, dict) else {}


def _unquoted(value: Any) -> Any:
    """Return the number that a text spells, as hilt-python writes what a call cost."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return None


def _number(value: Any) -> float | None:
    """Return a number that can be summed up; None for whatever else stands in its place."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return value
