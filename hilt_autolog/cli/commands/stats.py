"""hilt stats: what was asked, what failed, what it cost and how long it took, by day or by anything else."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Any

from hilt_autolog.analytics.call_stats import REPORTS, combine, summarize
from hilt_autolog.analytics.periods import PERIODS, time_zone
from hilt_autolog.cli.render.progress import Progress
from hilt_autolog.cli.render.progress import total as total_size
from hilt_autolog.cli.render.table import print_table
from hilt_autolog.cli.render.terminal import json_text, stdout_screen
from hilt_autolog.cli.select.sources import add_filters, add_paths, event_filter, opened, report_problems

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator, Sequence

    from hilt_autolog.analytics.call_stats import CallStats, StatsRow

_LABELS = {"daily": "day", "weekly": "week of", "monthly": "month", "session": "session", "model": "model"}
_COUNTS = ("calls", "errors", "no end", "in", "cached", "out", "reasoning")
_FIGURES = (*_COUNTS, "cost", "p50", "p95", "p99", "ttft")
_RARE = ("reasoning", "ttft", "p99", "cached", "no end")  # left out if empty, and one by one if too wide
_UNITS = {"k": 1e3, "M": 1e6, "G": 1e9}
_ROOM_FOR_WORDS = 24  # cells
_SHOWN_MODELS = 3


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's options."""
    add_paths(parser)
    parser.epilog = f"Before the paths one of {', '.join(REPORTS)} says what a line is about; else daily."
    parser.add_argument("--breakdown", action="store_true", help="a line for each model as well")
    parser.add_argument(
        "--timezone",
        type=_zone,
        default="UTC",
        metavar="NAME",
        help="where days begin: UTC (the default), local, or a name like Europe/Paris",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_filters(parser)


def run(chosen: Namespace) -> int:
    """Count and print.

    Returns:
        0, also where lines could not be read, which are told; 3 if a file could not.
    """
    by, paths = _report(chosen.paths)
    log = opened(paths)
    with Progress(total_size(log.sources)) as progress:
        progress.attend(log)
        rows = summarize(log, by, timezone=chosen.timezone, event_filter=event_filter(chosen))
    total = combine(row.total for row in rows)
    if chosen.json:
        print(json_text(_as_json(by, chosen.timezone, rows, total), indent=2))
    else:
        _print(by, rows, total, chosen)
    return report_problems(log.problems)


def _report(paths: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return which statistics are asked for, and the paths; a file of that name must be spelled ./daily."""
    if paths and paths[0] in REPORTS:
        return paths[0], paths[1:]
    return "daily", paths


def _zone(name: str) -> str:
    try:
        time_zone(name)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    return name


def _as_json(by: str, timezone: str, rows: Sequence[StatsRow], total: CallStats) -> dict[str, Any]:
    return {
        "by": by,
        "timezone": timezone,
        "rows": [
            {
                _LABELS[by].partition(" ")[0]: row.label,
                **row.total.as_json(),
                "models": {model: tally.as_json() for model, tally in row.models.items()},
            }
            for row in rows
        ],
        "total": total.as_json(),
    }


def _print(by: str, rows: Sequence[StatsRow], total: CallStats, chosen: Namespace) -> None:
    if not (total.calls or total.unfinished):
        print("no calls")
        return
    lines = list(_lines(by, rows, is_broken_down=chosen.breakdown))
    lines.append(("total", "", _cells(total)))
    screen = stdout_screen(chosen.color)
    shown = _fitting([cells for *_, cells in lines], screen.width)
    words = {_LABELS[by]: "<" if by in PERIODS else "~"} | ({} if by == "model" else {"models": "~"})
    table = [
        [*(label, models)[: len(words)], *(cells[name] for name in shown)] for label, models, cells in lines
    ]
    print_table(words | dict.fromkeys(shown, ">"), table, screen)
    print(f"\n{_notes(by, total, chosen.timezone)}")


def _fitting(rows: Sequence[dict[str, str]], width: int | None) -> list[str]:
    """Return the figures that there is room for; those that are empty throughout are left out."""
    widths = {name: max(len(name), *(len(cells[name]) for cells in rows)) + 2 for name in _FIGURES}
    shown = [name for name in _FIGURES if name not in _RARE or any(cells[name] for cells in rows)]
    for name in _RARE:
        if width is not None and sum(widths[name] for name in shown) > width - _ROOM_FOR_WORDS:
            shown = [other for other in shown if other != name]
    return shown


def _lines(
    by: str, rows: Sequence[StatsRow], *, is_broken_down: bool
) -> Iterator[tuple[str, str, dict[str, str]]]:
    for row in rows:
        names = list(row.models)
        more = f" +{len(names) - _SHOWN_MODELS}" if len(names) > _SHOWN_MODELS else ""
        yield row.label, ", ".join(names[:_SHOWN_MODELS]) + more, _cells(row.total)
        if is_broken_down and by != "model":
            for model, tally in row.models.items():
                yield "", f"- {model}", _cells(tally)


def _cells(tally: CallStats) -> dict[str, str]:
    """Return the figures of a line as texts; "" for what is not known, or is none."""
    times = {
        "p50": tally.percentile("latency_ms", 50),
        "p95": tally.percentile("latency_ms", 95),
        "p99": tally.percentile("latency_ms", 99),
        "ttft": tally.percentile("ttft_ms", 50),
    }
    tokens = {"in": "prompt", "cached": "cached", "out": "completion", "reasoning": "reasoning"}
    return {
        "calls": f"{tally.calls:,}",
        "errors": f"{tally.failures:,} ({tally.failures / tally.calls:.1%})" if tally.failures else "",
        "no end": f"{tally.unfinished:,}" if tally.unfinished else "",
        **{name: _short(tally.tokens[kind]) for name, kind in tokens.items()},
        "cost": "" if tally.cost is None and not tally.unpriced else _dollars(tally.cost),
        **{name: "" if time is None else _seconds(time) for name, time in times.items()},
    }


def _short(number: int) -> str:
    """Return a count in a few letters: 941, 12.3k, 4.6M; nothing for none."""
    if number < 1000:  # noqa: PLR2004
        return str(number) if number else ""
    unit, size = next((u, number / n) for u, n in _UNITS.items() if number < 999.95 * n or u == "G")
    return f"{size:.1f}{unit}"


def _dollars(cost: float | None) -> str:
    if cost is None:
        return "?"
    return f"${cost:,.2f}" if cost >= 1 or cost == 0 else f"${cost:.4f}"


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds:.0f}ms" if milliseconds < 1000 else f"{milliseconds / 1000:.2f}s"  # noqa: PLR2004


def _notes(by: str, total: CallStats, timezone: str) -> str:
    """Return what is to be known about the figures."""
    days = f"; days begin in {timezone}" if by in PERIODS else ""
    notes = [f"p50, p95, p99: latency of the answers, exact{days}"]
    if total.unpriced:
        has, are = ("answer has", "is") if total.unpriced == 1 else ("answers have", "are")
        notes.append(f"{total.unpriced:,} {has} no known price and {are} not in the cost")
    if total.unfinished:
        has, are = ("call has", "is") if total.unfinished == 1 else ("calls have", "are")
        notes.append(
            f"{total.unfinished:,} {has} no end, cut off or not over yet, and {are} in no other figure"
        )
    return "\n".join(notes)
