"""hilt stats: calls, errors, tokens, cost and latency by day, week, month, session or model."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, NamedTuple

from hilt_autolog.analytics.call_stats import REPORTS, combine, summarize
from hilt_autolog.analytics.grouping import PERIODS, time_zone
from hilt_autolog.cli.render.progress import Progress, total_size
from hilt_autolog.cli.render.table import print_table
from hilt_autolog.cli.render.terminal import json_text, stdout_screen
from hilt_autolog.cli.select.sources import add_filters, add_paths, event_filter, open_log, report_problems
from hilt_autolog.format import dollars, duration, short_count

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator, Sequence

    from hilt_autolog.analytics.call_stats import CallStats, StatsRow
    from hilt_autolog.contracts.types import JsonObject

_LABELS = {"daily": "day", "weekly": "week of", "monthly": "month", "session": "session", "model": "model"}
_COUNTS = ("calls", "errors", "no end", "in", "cached", "out", "reasoning")
_FIGURES = (*_COUNTS, "cost", "p50", "p95", "p99", "ttft")
_OPTIONAL = ("reasoning", "ttft", "p99", "cached", "no end")  # left out if empty, and in turn if too wide
_LABEL_SPACE = 24  # cells for the label and the models
_MAX_MODELS = 3  # in a line


class _Line(NamedTuple):
    label: str
    models: str
    cells: dict[str, str]  # by figure


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's options."""
    add_paths(parser)
    parser.epilog = f"Before the paths, one of {', '.join(REPORTS)} selects what a line sums up; else daily."
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


def run(args: Namespace) -> int:
    """Count and print.

    Returns:
        0, also if lines could not be read, which are reported; 3 if a file could not.
    """
    by, paths = _split_report(args.paths)
    log = open_log(paths)
    with Progress(total_size(log.sources)) as progress:
        progress.track(log)
        rows = summarize(log, by, timezone=args.timezone, event_filter=event_filter(args))
    total = combine(row.total for row in rows)
    if args.json:
        print(json_text(_as_json(by, args.timezone, rows, total), indent=2))
    else:
        _print(by, rows, total, args)
    return report_problems(log.problems)


def _split_report(paths: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return the report and the paths; a file with the name of a report must be written as ./daily."""
    if paths and paths[0] in REPORTS:
        return paths[0], paths[1:]
    return "daily", paths


def _zone(name: str) -> str:
    try:
        time_zone(name)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    return name


def _as_json(by: str, timezone: str, rows: Sequence[StatsRow], total: CallStats) -> JsonObject:
    return {
        "by": by,
        "timezone": timezone,
        "rows": [
            {
                _LABELS[by].partition(" ")[0]: row.label,
                **row.total.as_json(),
                "models": {model: stats.as_json() for model, stats in row.models.items()},
            }
            for row in rows
        ],
        "total": total.as_json(),
    }


def _print(by: str, rows: Sequence[StatsRow], total: CallStats, args: Namespace) -> None:
    if not (total.calls or total.unfinished):
        print("no calls")
        return
    lines = list(_lines(by, rows, has_breakdown=args.breakdown))
    lines.append(_Line("total", "", _cells(total)))
    screen = stdout_screen(args.color)
    figures = _fitting_figures(lines, screen.width)
    names = {_LABELS[by]: "<" if by in PERIODS else "~"} | ({} if by == "model" else {"models": "~"})
    table = [
        [*(line.label, line.models)[: len(names)], *(line.cells[figure] for figure in figures)]
        for line in lines
    ]
    print_table(names | dict.fromkeys(figures, ">"), table, screen)
    print(f"\n{_notes(by, total, args.timezone)}")


def _fitting_figures(lines: Sequence[_Line], width: int | None) -> list[str]:
    """Return the figures that fit in `width` cells, without optional ones that are empty in all lines."""
    widths = {name: max(len(name), *(len(line.cells[name]) for line in lines)) + 2 for name in _FIGURES}
    shown = [name for name in _FIGURES if name not in _OPTIONAL or any(line.cells[name] for line in lines)]
    for name in _OPTIONAL:
        if width is not None and sum(widths[name] for name in shown) > width - _LABEL_SPACE:
            shown = [other for other in shown if other != name]
    return shown


def _lines(by: str, rows: Sequence[StatsRow], *, has_breakdown: bool) -> Iterator[_Line]:
    for row in rows:
        names = list(row.models)
        more = f" +{len(names) - _MAX_MODELS}" if len(names) > _MAX_MODELS else ""
        yield _Line(row.label, ", ".join(names[:_MAX_MODELS]) + more, _cells(row.total))
        if has_breakdown and by != "model":
            for model, stats in row.models.items():
                yield _Line("", f"- {model}", _cells(stats))


def _cells(stats: CallStats) -> dict[str, str]:
    """Return the figures of a line as texts by name; "" for those that are unknown or zero."""
    times = {
        "p50": stats.percentile("latency_ms", 50),
        "p95": stats.percentile("latency_ms", 95),
        "p99": stats.percentile("latency_ms", 99),
        "ttft": stats.percentile("ttft_ms", 50),
    }
    tokens = {"in": "prompt", "cached": "cached", "out": "completion", "reasoning": "reasoning"}
    return {
        "calls": f"{stats.calls:,}",
        "errors": f"{stats.failures:,} ({stats.failures / stats.calls:.1%})" if stats.failures else "",
        "no end": f"{stats.unfinished:,}" if stats.unfinished else "",
        **{name: _tokens(stats.tokens[kind]) for name, kind in tokens.items()},
        "cost": _cost(stats),
        **{name: "" if time is None else duration(time) for name, time in times.items()},
    }


def _tokens(number: int) -> str:
    return short_count(number) if number else ""


def _cost(stats: CallStats) -> str:
    if stats.cost is not None:
        return dollars(stats.cost)
    return "?" if stats.unpriced else ""


def _notes(by: str, total: CallStats, timezone: str) -> str:
    """Return the notes below the table: how to read the figures, and what they leave out."""
    days = f"; days begin in {timezone}" if by in PERIODS else ""
    notes = [f"p50, p95, p99: latency of the answers, exact{days}"]
    if number := total.unpriced:
        has, are = ("answer has", "is") if number == 1 else ("answers have", "are")
        notes.append(f"{number:,} {has} no known price and {are} not in the cost")
    if total.unfinished:
        has, are = ("call has", "is") if total.unfinished == 1 else ("calls have", "are")
        notes.append(
            f"{total.unfinished:,} {has} no end, cut off or not over yet, and {are} in no other figure"
        )
    return "\n".join(notes)
