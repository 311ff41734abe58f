"""The statistics of a log: its calls by day, week, month, conversation or model."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from .ends import ANSWERS, PROMPT, ends_and_prompts
from .periods import PERIODS, model_of, period_of, session_of, zone
from .tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hilt_autolog.io.reader import Log

Event = dict[str, Any]

REPORTS = (*PERIODS, "session", "model")


class Row(NamedTuple):
    """A line of the statistics.

    Attributes:
        label: The day, the Monday of the week, the month, the conversation or the model.
        models: Who answered, or was asked; of each what was counted, in order of their names.
        tally: What was counted of all of them.
    """

    label: str
    models: dict[str, Tally]
    tally: Tally


def totals(
    log: Log,
    by: str = "daily",
    *,
    timezone: str = "UTC",
    wanted: Callable[[Event], bool] = lambda _: True,
) -> list[Row]:
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
    groups: dict[str, dict[str, Tally]] = {}
    for label, model, tally in _counted(ends_and_prompts(log), label_of, wanted):
        groups.setdefault(label, {})[model] = tally
    rows = [
        Row(label, dict(sorted(models.items())), overall(models.values())) for label, models in groups.items()
    ]
    return sorted(rows, key=lambda row: row.label)


def overall(tallies: Iterable[Tally]) -> Tally:
    """Return what was counted, all together."""
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total


def _label_of(by: str, timezone: str) -> Callable[[Event], str]:
    if by in PERIODS:
        return period_of(by, zone(timezone))
    return model_of if by == "model" else session_of


def _counted(
    found: Iterable[Event], label_of: Callable[[Event], str], wanted: Callable[[Event], bool]
) -> list[tuple[str, str, Tally]]:
    tallies: defaultdict[tuple[str, str], Tally] = defaultdict(Tally)
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
            tallies[key].answered(event)
        else:
            failures.append((key, event))
    for key, event in failures:
        tallies[key].failed(event, is_answered=ends.has_answered(_prompt_of(event)))
    for key, event_id, session_id in prompts:
        if not ends.has_ended(event_id, session_id):
            tallies[key].unended += 1
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
