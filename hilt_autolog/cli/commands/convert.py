"""hilt convert: logs as CSV, Parquet or chat messages."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any

from hilt_autolog.cli.exit_codes import USAGE, CommandError
from hilt_autolog.cli.render.progress import Progress, total
from hilt_autolog.cli.render.terminal import harmless_stdout, is_terminal, say, visible
from hilt_autolog.cli.select.sources import (
    add_filters,
    add_paths,
    check_output,
    event_filter,
    is_filtered,
    opened,
    report_problems,
)

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from hilt_autolog.reading.reader import Log

FORMATS = ("csv", "parquet", "messages")
COMPRESSIONS = ("snappy", "zstd", "gzip", "none")
"""Those of `hilt_autolog.converters.parquet`, which is not loaded for a list of words."""
_ENDINGS = {".csv": "csv", ".parquet": "parquet", ".jsonl": "messages"}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's options."""
    add_paths(parser)
    parser.add_argument(
        "--to",
        choices=FORMATS,
        help="csv, parquet, or messages (a conversation a line); else as the output's name says",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="what to write; else standard output")
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


def run(chosen: Namespace) -> int:
    """Convert, and say on stderr what was written.

    Returns:
        0, also where lines could not be read, which are told; 3 if a file could not.

    Raises:
        Stop: the format is not said, a column is unknown, or Parquet is to go to standard output.
    """
    form = chosen.to or _by_name(chosen.output)
    if not chosen.output:
        check_output()
    if chosen.json and not chosen.output:
        raise CommandError("--json goes with -o FILE: standard output has the log itself", USAGE)
    log = opened(chosen.paths)
    log.event_filter = event_filter(chosen) if is_filtered(chosen) else None
    try:
        with Progress(total(log.sources), _readings(form, chosen)) as progress:
            if chosen.output or not is_terminal(sys.stdout):
                progress.attend(log)
            count = _to_file(log, form, chosen) if chosen.output else _to_stdout(log, form, chosen)
    except ValueError as error:
        raise CommandError(str(error), USAGE) from None
    code = report_problems(log.problems)
    unit = "conversations" if form == "messages" else "events"
    if chosen.json:
        print(
            json.dumps({"format": form, "output": chosen.output, unit: count, "problems": len(log.problems)})
        )
    elif chosen.output:
        say(f"{count:,} {unit} -> {chosen.output}")
    return code


def _readings(form: str, chosen: Namespace) -> int:
    """Return how often the log is read: twice for messages, and where its columns are to be found first."""
    if form == "messages":
        return 2
    is_flat = chosen.flat and not chosen.columns
    return 1 + is_flat + chosen.metadata if form == "csv" else 1


def _by_name(output: str | None) -> str:
    for ending, form in _ENDINGS.items():
        if output and output.endswith(ending):
            return form
    raise CommandError("say --to csv, --to parquet or --to messages", USAGE)


def _to_file(log: Log, form: str, chosen: Namespace) -> int:
    if form == "parquet":
        from hilt_autolog.converters.parquet import convert_to_parquet

        return convert_to_parquet(log, chosen.output, chosen.compression)
    if form == "messages":
        from hilt_autolog.converters.messages import convert_to_messages

        return convert_to_messages(log, chosen.output)
    from hilt_autolog.converters.csv import convert_to_csv

    return convert_to_csv(log, chosen.output, **_of_csv(chosen))


def _to_stdout(log: Log, form: str, chosen: Namespace) -> int:
    if form == "parquet":
        raise CommandError("Parquet is written to a file: say -o FILE", USAGE)
    if form == "messages":
        from hilt_autolog.converters import messages

        return messages.write(log, _Shown() if is_terminal(sys.stdout) else sys.stdout.buffer)
    from hilt_autolog.converters import csv

    options = _of_csv(chosen)
    options["columns"] = csv.check_columns(options["columns"])
    if is_terminal(sys.stdout):
        return csv.write(log, harmless_stdout(), **options)
    stream = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="", write_through=True)
    try:
        return csv.write(log, stream, **options)
    finally:
        stream.detach()


class _Shown:
    """A stream of bytes that are shown on the terminal as text, harmless."""

    def write(self, line: bytes) -> int:
        return sys.stdout.write(visible(line.decode()))


def _of_csv(chosen: Namespace) -> dict[str, Any]:
    columns = chosen.columns and [name.strip() for name in chosen.columns.split(",")]
    return {"columns": columns, "readable": not chosen.flat, "include_metadata": chosen.metadata}
