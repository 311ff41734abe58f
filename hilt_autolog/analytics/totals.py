"""The statistics of a log: its calls by day, week, month, conversation or model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .ends import ANSWERS, ends
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
        wanted: Which of the calls are counted, by the event that ended them.

    Returns:
        A row for each period, conversation or model, in the order of their labels.

    Raises:
        ValueError: `by` or `timezone` is unknown.
    """
    if by not in REPORTS:
        raise ValueError(f"unknown statistics {by!r}; there are {', '.join(REPORTS)}")
    label_of = _label_of(by, timezone)
    groups: dict[str, dict[str, Tally]] = {}
    for label, model, tally in _counted(filter(wanted, ends(log)), label_of):
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


def _counted(found: Iterable[Event], label_of: Callable[[Event], str]) -> list[tuple[str, str, Tally]]:
    tallies: dict[tuple[str, str], Tally] = {}
    answered: set[int] = set()  # the prompts that have an answer: their ids' hashes, to be small
    failures: list[tuple[tuple[str, str], Any]] = []
    for event in found:
        key = (label_of(event), model_of(event))
        tally = tallies.get(key) or tallies.setdefault(key, Tally())
        prompt = _prompt_of(event)
        if event["action"] in ANSWERS:
            tally.answered(event)
            if prompt is not None:
                answered.add(hash(prompt))
        else:
            failures.append((key, prompt))
    for key, prompt in failures:
        tallies[key].failed(is_answered=prompt is not None and hash(prompt) in answered)
    return [(*key, tally) for key, tally in tallies.items()]


def _prompt_of(event: Event) -> str | None:
    extensions = event.get("extensions")
    prompt = extensions.get("reply_to") if isinstance(extensions, dict) else None
    return prompt if isinstance(prompt, str) else None
