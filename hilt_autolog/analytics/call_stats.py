"""The statistics of a log: its calls by day, week, month, conversation or model."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from math import ceil, fsum, isfinite
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from .ends import ANSWERS, PROMPT, ends_and_prompts
from .periods import PERIODS, model_of, period_of, session_of, zone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hilt_autolog.reading.reader import Log


Event = dict[str, Any]

REPORTS = (*PERIODS, "session", "model")


class StatsRow(NamedTuple):
    """A line of the statistics.

    Attributes:
        label: The day, the Monday of the week, the month, the conversation or the model.
        models: Who answered, or was asked; of each what was counted, in order of their names.
        total: What was counted of all of them.
    """

    label: str
    models: dict[str, CallStats]
    total: CallStats


def summarize(
    log: Log,
    by: str = "daily",
    *,
    timezone: str = "UTC",
    wanted: Callable[[Event], bool] = lambda _: True,
) -> list[StatsRow]:
    """Return the statistics of a log's calls. What could not be read is among `log.problems` then.

    Args:
        log: The log.
        by: One of `REPORTS`.
        timezone: Where days, weeks and months begin: `UTC`, `local`, or a name like `Europe/Paris`.
        wanted: Which of the calls are counted, by the event that ended them; by the prompt, if nothing did.

    Returns:
        A row for each period, conversation or model, in the order of their labels.

    Raises:
        ValueError: `by` or `timezone` is unknown.
    """
    if by not in REPORTS:
        raise ValueError(f"unknown statistics {by!r}; there are {', '.join(REPORTS)}")
    label_of = _label_of(by, timezone)
    groups: dict[str, dict[str, CallStats]] = {}
    for label, model, tally in _counted(ends_and_prompts(log), label_of, wanted):
        groups.setdefault(label, {})[model] = tally
    rows = [
        StatsRow(label, dict(sorted(models.items())), combine(models.values()))
        for label, models in groups.items()
    ]
    return sorted(rows, key=lambda row: row.label)


def combine(tallies: Iterable[CallStats]) -> CallStats:
    """Return what was counted, all together."""
    total = CallStats()
    for tally in tallies:
        total.add(tally)
    return total


def _label_of(by: str, timezone: str) -> Callable[[Event], str]:
    if by in PERIODS:
        return period_of(by, zone(timezone))
    return model_of if by == "model" else session_of


def _counted(
    found: Iterable[Event], label_of: Callable[[Event], str], wanted: Callable[[Event], bool]
) -> list[tuple[str, str, CallStats]]:
    tallies: defaultdict[tuple[str, str], CallStats] = defaultdict(CallStats)
    ends = _Ends()
    failures: list[tuple[tuple[str, str], Event]] = []
    prompts: list[tuple[tuple[str, str], Any, Any]] = []
    for event in found:
        key = (label_of(event), model_of(event)) if wanted(event) else None
        if event["action"] == PROMPT:
            if key is not None:
                prompts.append((key, event.get("event_id"), event.get("session_id")))
            continue
        ends.take(event)
        if key is None:
            continue
        if event["action"] in ANSWERS:
            tallies[key].add_answer(event)
        else:
            failures.append((key, event))
    for key, event in failures:
        tallies[key].add_failure(event, is_answered=ends.has_answered(_prompt_of(event)))
    for key, event_id, session_id in prompts:
        if not ends.has_ended(event_id, session_id):
            tallies[key].unfinished += 1
    return [(*key, tally) for key, tally in tallies.items()]


class _Ends:
    """Which prompts have an end. Of their ids only the hashes are kept, to be small."""

    def __init__(self) -> None:
        self._answered: set[int] = set()
        self._failed: set[int] = set()
        self._nameless: Counter[str] = Counter()  # ends that name no prompt, by conversation

    def take(self, event: Event) -> None:
        prompt = _prompt_of(event)
        if prompt is not None:
            (self._answered if event["action"] in ANSWERS else self._failed).add(hash(prompt))
        elif event["action"] != "embedding":  # which has no prompt
            self._nameless[repr(event.get("session_id"))] += 1

    def has_answered(self, prompt: Any) -> bool:
        return isinstance(prompt, str) and hash(prompt) in self._answered

    def has_ended(self, prompt: Any, session_id: Any) -> bool:
        """Return whether an end names this prompt, or one of its conversation that names none is left."""
        if self.has_answered(prompt) or (isinstance(prompt, str) and hash(prompt) in self._failed):
            return True
        session = repr(session_id)
        self._nameless[session] -= 1
        return self._nameless[session] >= 0


def _prompt_of(event: Event) -> str | None:
    extensions = event.get("extensions")
    prompt = extensions.get("reply_to") if isinstance(extensions, dict) else None
    return prompt if isinstance(prompt, str) else None


TOKENS = ("prompt", "completion", "cached", "reasoning")
PERCENTILES = {"latency_ms": (50, 95, 99), "ttft_ms": (50, 95)}


class CallStats:
    """What has been counted of some calls.

    Attributes:
        calls: How many have ended.
        failures: How many of them have failed.
        unended: How many more have no end in the log: cut off with their process, or still going on.
        unpriced: How many answers have no known price; they are not in `cost`.
        tokens: Sums by kind, of `TOKENS`.
    """

    def __init__(self) -> None:
        self.calls = self.failures = self.unfinished = self.unpriced = 0
        self.tokens = dict.fromkeys(TOKENS, 0)
        self._costs: array[float] = array("d")
        self._times: dict[str, array[float]] = {name: array("d") for name in PERCENTILES}

    def add_answer(self, event: Event) -> None:
        """Count a call that ended well; its event tells the tokens, the cost and the times."""
        self.calls += 1
        metrics = _part(event, "metrics")
        self._paid(metrics)
        extensions = _part(event, "extensions")
        for name, times in self._times.items():
            time = _number(metrics.get(name, extensions.get(name)))  # hilt-python's programs use either
            if time is not None:
                times.append(time)

    def add_failure(self, event: Event, *, is_answered: bool) -> None:
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
        self.unfinished += other.unfinished
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
            "calls_without_end": self.unfinished,
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
