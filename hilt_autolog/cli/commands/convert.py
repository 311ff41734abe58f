"""hilt convert: logs as CSV, Parquet or chat messages."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, TypedDict

from hilt_autolog.cli.exit_codes import USAGE, CommandError
from hilt_autolog.cli.render.progress import Progress, total_size
from hilt_autolog.cli.render.terminal import escape_controls, escaped_stdout, is_terminal, print_stderr
from hilt_autolog.cli.select.sources import (
    add_filters,
    add_paths,
    event_filter,
    is_filtered,
    open_log,
    report_problems,
    require_stdout,
)

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

    from hilt_autolog.reading.reader import Log

FORMATS = ("csv", "parquet", "messages")
COMPRESSIONS = ("snappy", "zstd", "gzip", "none")
"""The keys of `converters.parquet.COMPRESSIONS`, repeated here so that `--help` does not import it."""
_FORMAT_BY_SUFFIX = {".csv": "csv", ".parquet": "parquet", ".jsonl": "messages"}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's options."""
    add_paths(parser)
    parser.add_argument(
        "--to",
        choices=FORMATS,
        help="csv, parquet, or messages (a conversation a line); else as the output's name says",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="the file to write; else standard output")
    parser.add_argument("--json", action="store_true", help="print what was written as a JSON object")
    group = parser.add_argument_group("csv")
    group.add_argument(
        "--columns",
        metavar="NAMES",
        help="HILT columns or paths of keys such as metrics.tokens.total, with commas between",
    )
    group.add_argument("--flat", action="store_true", help="a column for each path of keys, and whole texts")
    group.add_argument(
        "--metadata", action="store_true", help="add provenance, privacy, integrity and extensions"
    )
    group = parser.add_argument_group("parquet")
    group.add_argument(
        "--compression", choices=COMPRESSIONS, default="snappy", help="else snappy; zstd makes half the size"
    )
    add_filters(parser)


def run(args: Namespace) -> int:
    """Convert, and report on stderr what was written.

    Returns:
        0, also if lines could not be read, which are reported; 3 if a file could not.

    Raises:
        CommandError: no format is given, a column is unknown, or Parquet is to go to standard output.
    """
    output_format = args.to or _format_by_name(args.output)
    if not args.output:
        require_stdout()
    if args.json and not args.output:
        raise CommandError("--json goes with -o FILE: standard output has the log itself", USAGE)
    log = open_log(args.paths)
    log.event_filter = event_filter(args) if is_filtered(args) else None
    try:
        with Progress(total_size(log.sources), _passes(output_format, args)) as progress:
            if args.output or not is_terminal(sys.stdout):
                progress.track(log)
            number = (
                _to_file(log, output_format, args) if args.output else _to_stdout(log, output_format, args)
            )
    except ValueError as error:
        raise CommandError(str(error), USAGE) from None
    code = report_problems(log.problems)
    unit = "conversations" if output_format == "messages" else "events"
    if args.json:
        result = {"format": output_format, "output": args.output, unit: number, "problems": len(log.problems)}
        print(json.dumps(result))
    elif args.output:
        print_stderr(f"{number:,} {unit} -> {args.output}")
    return code


def _passes(output_format: str, args: Namespace) -> int:
    """Return how often the log is read: twice for messages, and again for each search for its columns."""
    if output_format == "messages":
        return 2
    is_flat = args.flat and not args.columns
    return 1 + is_flat + args.metadata if output_format == "csv" else 1


def _format_by_name(output: str | None) -> str:
    for suffix, output_format in _FORMAT_BY_SUFFIX.items():
        if output and output.endswith(suffix):
            return output_format
    raise CommandError("use --to csv, --to parquet or --to messages", USAGE)


def _to_file(log: Log, output_format: str, args: Namespace) -> int:
    if output_format == "parquet":
        from hilt_autolog.converters.parquet import convert_to_parquet

        return convert_to_parquet(log, args.output, args.compression)
    if output_format == "messages":
        from hilt_autolog.converters.messages import convert_to_messages

        return convert_to_messages(log, args.output)
    from hilt_autolog.converters.csv import convert_to_csv

    return convert_to_csv(log, args.output, **_csv_options(args))


def _to_stdout(log: Log, output_format: str, args: Namespace) -> int:
    if output_format == "parquet":
        raise CommandError("Parquet is written to a file: use -o FILE", USAGE)
    if output_format == "messages":
        from hilt_autolog.converters import messages

        return messages.write(log, _EscapedBytes() if is_terminal(sys.stdout) else sys.stdout.buffer)
    from hilt_autolog.converters import csv

    options = _csv_options(args)
    options["columns"] = csv.check_column_paths(options["columns"])
    if is_terminal(sys.stdout):
        return csv.write(log, escaped_stdout(), **options)
    stream = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="", write_through=True)
    try:
        return csv.write(log, stream, **options)
    finally:
        stream.detach()


class _EscapedBytes:
    """A stream for UTF-8 bytes that writes them to a terminal as text, escaped."""

    def write(self, line: bytes) -> int:
        return sys.stdout.write(escape_controls(line.decode()))


class _CsvOptions(TypedDict):
    columns: Sequence[str] | None
    readable: bool
    include_metadata: bool


def _csv_options(args: Namespace) -> _CsvOptions:
    columns = [name.strip() for name in args.columns.split(",")] if args.columns else None
    return {"columns": columns, "readable": not args.flat, "include_metadata": args.metadata}
