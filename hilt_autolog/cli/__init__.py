"""hilt: the command line. Each command is a module in `commands/`, imported when it runs."""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hilt_autolog import __version__
from hilt_autolog.errors import HILTError

from .exit_codes import BROKEN_PIPE, EXIT_CODES_HELP, INTERRUPTED, UNREADABLE, USAGE, CommandError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

COMMANDS = {
    "tail": "print the last events, a line each, and follow the log with -f",
    "show": "show a conversation as a thread: messages, tools, time and cost",
    "search": "find the events that contain a text",
    "validate": "check every line of a log against the format",
    "stats": "sum up calls, errors, tokens, cost and latency, by day, week, month, session or model",
    "query": "run an SQL query on the events of logs",
    "convert": "write logs as CSV, Parquet or chat messages",
    "doctor": "show what is recorded here, where to, and why not if it is not",
    "sheets": "finish copies to Google Sheets that ended processes left incomplete",
    "docs": "show the reference: the event format, settings, what is recorded, limits",
    "completion": "print a script that completes commands and options in bash, zsh or fish",
}
"""The help line of each command; the name is that of its module in `commands/`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `hilt ...`.

    Args:
        argv: the arguments after `hilt`; those of this process if None.

    Returns:
        The exit code, also after `--help` and for an invalid command line.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a text may hold what the terminal cannot encode
    try:
        with _cleanup_on_sigterm():
            code = _run(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _abandon_stdout()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED
    except (CommandError, OSError, HILTError) as error:
        _abandon_stdout()
        _print_error(error)
        return error.code if isinstance(error, CommandError) else UNREADABLE
    return code


@contextmanager
def _cleanup_on_sigterm() -> Iterator[None]:
    """Make SIGTERM unwind the stack, which removes temporary files, before it ends the process as usual."""
    import signal

    class Terminated(BaseException):
        pass

    def on_signal(*_: object) -> None:
        raise Terminated

    try:
        previous = signal.signal(signal.SIGTERM, on_signal)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    except Terminated:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, previous)


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:2], "--help"]
    try:
        if not arguments or arguments[0].startswith("-"):
            _parser().parse_args(arguments or ["--help"])
        if arguments[0] not in COMMANDS:
            _parser().error(f"there is no command {arguments[0]!r}{_suggestion(arguments[0])}")
        args = _parse(command_parser(arguments[0]), arguments[1:])
    except SystemExit as system_exit:  # argparse has printed the help or an error
        return system_exit.code if isinstance(system_exit.code, int) else USAGE
    code: int = args.run(args)
    return code


def _parse(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """Parse arguments: options may come between others, and after `--` nothing is an option.

    argparse supports either but not both, so the arguments after `--` are replaced by placeholders that do
    not begin with a dash.
    """
    # CPython 3.11 argparse.py: parse_known_intermixed_args parses twice. If nothing precedes "--", the second
    # pass no longer has it, and parses what follows as options: ["--", "-x"] is an error.
    end = arguments.index("--") if "--" in arguments else len(arguments)
    placeholders = {f"\0{number}": argument for number, argument in enumerate(arguments[end + 1 :])}
    args = parser.parse_intermixed_args([*arguments[:end], *placeholders])
    for name, value in vars(args).items():
        if isinstance(value, list):
            setattr(args, name, [placeholders.get(item, item) for item in value])
        elif isinstance(value, str):
            setattr(args, name, placeholders.get(value, value))
    return args


def command_parser(name: str) -> argparse.ArgumentParser:
    """Return the parser of a command; its module is imported."""
    import argparse
    from importlib import import_module

    from hilt_autolog.cli.render.terminal import add_color_option

    module = import_module(f"{__name__}.commands.{name}")
    description = f"{COMMANDS[name][0].upper()}{COMMANDS[name][1:]}."
    parser = argparse.ArgumentParser(f"hilt {name}", description=description, allow_abbrev=False)
    module.add_arguments(parser)
    add_color_option(parser)
    parser.set_defaults(run=module.run)
    return parser


def _parser() -> argparse.ArgumentParser:
    """Return a parser that lists every command and imports none of their modules."""
    import argparse

    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {line}" for name, line in COMMANDS.items())
    parser = argparse.ArgumentParser(
        "hilt",
        usage="hilt [-h] [--version] COMMAND ...",
        description="What your programs sent to language models, and what came back.",
        epilog=f"commands:\n{commands}\n\n{EXIT_CODES_HELP}\n\n`hilt COMMAND --help` describes a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"hilt {__version__}")
    parser.add_argument("command", metavar="COMMAND", help=argparse.SUPPRESS)
    return parser


def _suggestion(name: str) -> str:
    from hilt_autolog.suggestions import did_you_mean

    return did_you_mean([name], COMMANDS) or f": choose one of {', '.join(COMMANDS)}"


def _print_error(error: Exception) -> None:
    from hilt_autolog.cli.render.terminal import print_stderr

    if isinstance(error, OSError) and error.strerror:
        prefix = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        print_stderr(f"{prefix}{error.strerror}")
    else:
        print_stderr(str(error) or type(error).__name__)


def _abandon_stdout() -> None:
    """Flush stdout; if that fails, redirect it, so that the interpreter does not fail on it once more."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
