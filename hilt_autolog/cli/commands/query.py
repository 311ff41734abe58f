"""hilt query: a question in SQL about the view `events`."""

from __future__ import annotations

import csv
from datetime import date, time
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from hilt_autolog.analytics.duck import import_duckdb
from hilt_autolog.analytics.frames import query
from hilt_autolog.cli.exit_codes import USAGE, CommandError
from hilt_autolog.cli.render.progress import Progress, total
from hilt_autolog.cli.render.table import print_table
from hilt_autolog.cli.render.terminal import harmless_stdout, in_line, json_text, stdout_screen
from hilt_autolog.cli.select.sources import add_paths, check_output, opened, report_problems
from hilt_autolog.converters.flat import escape_formula, to_cell

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from duckdb import DuckDBPyRelation

_READINGS = 2  # for the answer, and to count the lines that are refused
_NUMBERS = (int, float, Decimal)


class Answer(NamedTuple):
    """Rows under the names of their columns, whose types are as DuckDB spells them."""

    names: list[str]
    types: list[str]
    rows: list[tuple[Any, ...]]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("sql", metavar="SQL", help="one statement that reads, about the table `events`")
    add_paths(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print a JSON object a line")
    form.add_argument("--csv", action="store_true", help="print CSV")


def run(chosen: Namespace) -> int:
    """Ask and print the answer.

    Returns:
        0, also where lines could not be read, which are told; 3 if a file could not.

    Raises:
        Stop: the question is not understood, or DuckDB fails.
    """
    duckdb = import_duckdb()
    check_output()
    log = opened(chosen.paths)
    try:
        with Progress(total(log.sources), _READINGS) as progress:
            progress.attend(log)
            answer = query(log, chosen.sql, _taken)
    except (ValueError, duckdb.ProgrammingError, duckdb.DataError) as error:
        raise CommandError(_in_a_line(error), USAGE) from None
    except duckdb.Error as error:
        raise CommandError(_in_a_line(error)) from None
    _print(answer, chosen)
    return report_problems(log.problems)


def _in_a_line(error: Exception) -> str:
    """Return what DuckDB says is wrong, without the drawing of where."""
    return "; ".join(" ".join(part.split()) for part in str(error).split("\n\n") if "LINE " not in part)


def _taken(relation: DuckDBPyRelation) -> Answer:
    return Answer(relation.columns, [str(kind) for kind in relation.types], relation.fetchall())


def _print(answer: Answer, chosen: Namespace) -> None:
    if chosen.json:
        for row in answer.rows:
            values = dict(zip(answer.names, map(_nested, row, answer.types), strict=True))
            print(json_text(values))
    elif chosen.csv:
        writer = csv.writer(harmless_stdout(), lineterminator="\n")
        writer.writerow(map(escape_formula, answer.names))
        writer.writerows([escape_formula(_cell(value)) for value in row] for row in answer.rows)
    else:
        print_table(
            _columns(answer), [list(map(_shown, row)) for row in answer.rows], stdout_screen(chosen.color)
        )


def _columns(answer: Answer) -> dict[str, str]:
    """Return the headings, numbers to the right; names that occur twice are told apart."""
    columns: dict[str, str] = {}
    for number, name in enumerate(answer.names):
        values = [row[number] for row in answer.rows if row[number] is not None]
        is_number = bool(values) and all(isinstance(value, _NUMBERS) for value in values)
        heading = in_line(name)
        columns[heading if heading not in columns else f"{heading}_{number + 1}"] = ">" if is_number else "~"
    return columns


def _plain(value: Any) -> Any:
    """Return a value as JSON can say it; moments as events spell them."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, float | Decimal):
        return float(value) if isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, date | time) else str(value)


def _nested(value: Any, kind: str) -> Any:
    """Return a value as JSON can say it; one that is JSON already is no text."""
    return orjson.loads(value) if kind == "JSON" and value is not None else _plain(value)


def _cell(value: Any) -> Any:
    return to_cell(_plain(value))


def _shown(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float | Decimal) else _cell(value)
