"""The statistics of a log: its calls by day, week, month, conversation or model."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from math import ceil, fsum, isfinite
from typing import TYPE_CHECKING, NamedTuple, Self

from .ends import ANSWERS, PROMPT, ends_and_prompts
from .grouping import PERIODS, conversation_of, model_of, period_label, time_zone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hilt_autolog.contracts.types import JsonMapping, JsonObject

    from .spool import EventLog


REPORTS = (*PERIODS, "session", "model")


class StatsRow(NamedTuple):
    """A row of the statistics.

    Attributes:
        label: the day, the Monday of the week, the month, the conversation or the model.
        models: the statistics of each model, in order of their names.
        total: the statistics of all models together.
    """

    label: str
    models: dict[str, CallStats]
    total: CallStats


def summarize(
    log: EventLog,
    by: str = "daily",
    *,
    timezone: str = "UTC",
    event_filter: Callable[[JsonObject], bool] = lambda _: True,
) -> list[StatsRow]:
    """Return the statistics of a log's calls; lines that cannot be read are added to the log's problems.

    Args:
        log: the log.
        by: one of `REPORTS`.
        timezone: where days, weeks and months begin: `UTC`, `local`, or a name like `Europe/Paris`.
        event_filter: returns whether to count a call, from the event that ended it, or from its prompt if no
            event did.

    Returns:
        A row for each period, conversation or model, in the order of their labels.

    Raises:
        ValueError: `by` or `timezone` is unknown.
    """
    if by not in REPORTS:
        raise ValueError(f"unknown statistics {by!r}; there are {', '.join(REPORTS)}")
    label_of = _label_function(by, timezone)
    groups: dict[str, dict[str, CallStats]] = {}
    for label, model, stats in _count_calls(ends_and_prompts(log), label_of, event_filter):
        groups.setdefault(label, {})[model] = stats
    rows = [
        StatsRow(label, dict(sorted(models.items())), combine(models.values()))
        for label, models in groups.items()
    ]
    return sorted(rows, key=lambda row: row.label)


def combine(statistics: Iterable[CallStats]) -> CallStats:
    """Return the statistics of all these calls together."""
    total = CallStats()
    for stats in statistics:
        total.add(stats)
    return total


def _label_function(by: str, timezone: str) -> Callable[[JsonMapping], str]:
    if by in PERIODS:
        return period_label(by, time_zone(timezone))
    return model_of if by == "model" else conversation_of


def _count_calls(
    events: Iterable[JsonObject],
    label_of: Callable[[JsonMapping], str],
    event_filter: Callable[[JsonObject], bool],
) -> list[tuple[str, str, CallStats]]:
    """Return the statistics of each label and model."""
    groups: defaultdict[tuple[str, str], CallStats] = defaultdict(CallStats)
    ends = _Ends()
    failures: list[tuple[tuple[str, str], JsonObject]] = []
    prompts: list[tuple[tuple[str, str], object, object]] = []
    for event in events:
        key = (label_of(event), model_of(event)) if event_filter(event) else None
        if event["action"] == PROMPT:
            if key is not None:
                prompts.append((key, event.get("event_id"), event.get("session_id")))
            continue
        ends.add(event)
        if key is None:
            continue
        if event["action"] in ANSWERS:
            groups[key].add_answer(event)
        else:
            failures.append((key, event))
    for key, event in failures:
        groups[key].add_failure(event, is_answered=ends.has_answered(_prompt_of(event)))
    for key, event_id, session_id in prompts:
        if not ends.has_ended(event_id, session_id):
            groups[key].unfinished += 1
    return [(*key, stats) for key, stats in groups.items()]


class _Ends:
    """Ids of prompts that have an end; only their hashes are kept, to save memory."""

    def __init__(self) -> None:
        self._answered: set[int] = set()
        self._failed: set[int] = set()
        self._without_prompt: Counter[str] = Counter()  # ends that name no prompt, by conversation

    def add(self, event: JsonMapping) -> None:
        prompt = _prompt_of(event)
        if prompt is not None:
            (self._answered if event["action"] in ANSWERS else self._failed).add(hash(prompt))
        elif event["action"] != "embedding":  # which has no prompt
            self._without_prompt[repr(event.get("session_id"))] += 1

    def has_answered(self, prompt: object) -> bool:
        return isinstance(prompt, str) and hash(prompt) in self._answered

    def has_ended(self, prompt: object, session_id: object) -> bool:
        """Return whether a prompt has an end.

        An end refers to it; or else one that refers to no prompt is left in its conversation, and is used up.
        """
        if self.has_answered(prompt) or (isinstance(prompt, str) and hash(prompt) in self._failed):
            return True
        session = repr(session_id)
        self._without_prompt[session] -= 1
        return self._without_prompt[session] >= 0


def _prompt_of(event: JsonMapping) -> str | None:
    extensions = event.get("extensions")
    prompt = extensions.get("reply_to") if isinstance(extensions, dict) else None
    return prompt if isinstance(prompt, str) else None


TOKENS = ("prompt", "completion", "cached", "reasoning")
PERCENTILES = {"latency_ms": (50, 95, 99), "ttft_ms": (50, 95)}


class CallStats:
    """The statistics of some calls.

    Attributes:
        calls: how many have ended.
        failures: how many of them have failed.
        unfinished: how many more have no end in the log: their process ended before, or they still run.
        unpriced: how many answers have no known price, and are missing in `cost`.
        tokens: sums by kind, of `TOKENS`.
    """

    def __init__(self) -> None:
        self.calls = self.failures = self.unfinished = self.unpriced = 0
        self.tokens = dict.fromkeys(TOKENS, 0)
        self._costs: array[float] = array("d")
        self._times: dict[str, array[float]] = {name: array("d") for name in PERCENTILES}

    def add_answer(self, event: JsonMapping) -> None:
        """Count a call that succeeded, with the tokens, the cost and the times of its event."""
        self.calls += 1
        metrics = _mapping(event, "metrics")
        self._add_usage(metrics)
        extensions = _mapping(event, "extensions")
        for name, times in self._times.items():
            time = _number(metrics.get(name, extensions.get(name)))  # programs with hilt-python use either
            if time is not None:
                times.append(time)

    def add_failure(self, event: JsonMapping, *, is_answered: bool) -> None:
        """Count a call that failed, with its tokens and cost, if its event has any.

        Args:
            event: the event that ended it.
            is_answered: the call has an answer as well (of a broken stream), and is counted already.
        """
        self.calls += not is_answered
        self.failures += 1
        metrics = _mapping(event, "metrics")
        if "tokens" in metrics or "cost_usd" in metrics:
            self._add_usage(metrics)

    def _add_usage(self, metrics: JsonMapping) -> None:
        tokens = _mapping(metrics, "tokens")
        for kind in TOKENS:
            self.tokens[kind] += int(_number(tokens.get(kind)) or 0)
        cost = _number(_parse_number(metrics.get("cost_usd")))
        if cost is None:
            self.unpriced += 1
        else:
            self._costs.append(cost)

    def add(self, other: Self) -> None:
        """Add the statistics of other calls."""
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
        """The cost in US dollars of the calls whose price is known; None if there are none."""
        return round(fsum(self._costs), 9) if self._costs else None

    def percentile(self, name: str, percent: int) -> float | None:
        """Return a percentile of the answers' times in milliseconds: exact, by nearest rank.

        Args:
            name: `latency_ms` or `ttft_ms`.
            percent: from 1 to 100.
        """
        times = sorted(self._times[name])
        return times[ceil(len(times) * percent / 100) - 1] if times else None

    def as_json(self) -> JsonObject:
        """Return the figures by name; None for those that are not known."""
        figures: JsonObject = {
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


def _mapping(event: JsonMapping, key: str) -> JsonMapping:
    value = event.get(key)
    return value if isinstance(value, dict) else {}


def _parse_number(value: object) -> object:
    """Return the number that a text holds, as hilt-python writes costs; any other value as it is."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return None


def _number(value: object) -> float | None:
    """Return a number that can be summed up; None for any other value."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return value
