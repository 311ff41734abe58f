"""hilt query: an SQL query on the view `events`."""

from __future__ import annotations

import csv
from datetime import date, time
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

import orjson

from hilt_autolog.analytics.duck import import_duckdb
from hilt_autolog.analytics.frames import query
from hilt_autolog.cli.exit_codes import USAGE, CommandError
from hilt_autolog.cli.render.progress import Progress, total_size
from hilt_autolog.cli.render.table import print_table
from hilt_autolog.cli.render.terminal import escaped_stdout, json_text, single_line, stdout_screen
from hilt_autolog.cli.select.sources import add_paths, open_log, report_problems, require_stdout
from hilt_autolog.converters.flat import escape_formula, to_cell

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from duckdb import DuckDBPyRelation

_PASSES = 2  # one for the result, one to count the lines that are not events
_NUMBERS = (int, float, Decimal)


class QueryResult(NamedTuple):
    """Rows, with the names of their columns and their types as DuckDB spells them."""

    names: list[str]
    types: list[str]
    rows: list[tuple[object, ...]]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("sql", metavar="SQL", help="one query, such as SELECT, on the table `events`")
    add_paths(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print a JSON object a line")
    form.add_argument("--csv", action="store_true", help="print CSV")


def run(args: Namespace) -> int:
    """Run the query and print the result.

    Returns:
        0, also if lines could not be read, which are reported; 3 if a file could not.

    Raises:
        CommandError: the query is invalid, or DuckDB fails.
    """
    duckdb = import_duckdb()
    require_stdout()
    log = open_log(args.paths)
    try:
        with Progress(total_size(log.sources), _PASSES) as progress:
            progress.track(log)
            result = query(log, args.sql, _fetch)
    except (ValueError, duckdb.ProgrammingError, duckdb.DataError) as error:
        raise CommandError(_one_line(error), USAGE) from None
    except duckdb.Error as error:
        raise CommandError(_one_line(error)) from None
    _print(result, args)
    return report_problems(log.problems)


def _one_line(error: Exception) -> str:
    """Return DuckDB's message in one line, without the excerpt of the query that marks the place."""
    return "; ".join(" ".join(part.split()) for part in str(error).split("\n\n") if "LINE " not in part)


def _fetch(relation: DuckDBPyRelation) -> QueryResult:
    return QueryResult(relation.columns, [str(type_) for type_ in relation.types], relation.fetchall())


def _print(result: QueryResult, args: Namespace) -> None:
    if args.json:
        for row in result.rows:
            print(json_text(dict(zip(result.names, map(_json_value, row, result.types), strict=True))))
    elif args.csv:
        writer = csv.writer(escaped_stdout(), lineterminator="\n")
        writer.writerow(map(escape_formula, result.names))
        writer.writerows([escape_formula(to_cell(_plain(value))) for value in row] for row in result.rows)
    else:
        rows = [list(map(_table_cell, row)) for row in result.rows]
        print_table(_columns(result), rows, stdout_screen(args.color))


def _columns(result: QueryResult) -> dict[str, str]:
    """Return the alignment by heading, numbers to the right; a repeated name gets its column's number."""
    columns: dict[str, str] = {}
    for index, name in enumerate(result.names):
        values = [row[index] for row in result.rows if row[index] is not None]
        is_number = bool(values) and all(isinstance(value, _NUMBERS) for value in values)
        heading = single_line(name)
        columns[heading if heading not in columns else f"{heading}_{index + 1}"] = ">" if is_number else "~"
    return columns


def _plain(value: object) -> object:
    """Return a value as JSON types; a time as events spell it, other objects as strings."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, float | Decimal):
        return float(value) if isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, date | time) else str(value)


def _json_value(value: object, type_: str) -> object:
    """Return a value as JSON types; a column of type JSON is parsed."""
    return orjson.loads(value) if type_ == "JSON" and isinstance(value, str) else _plain(value)


def _table_cell(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float | Decimal) else to_cell(_plain(value))
