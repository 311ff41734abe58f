"""hilt: the command line. A command is one module of this package, loaded when it is asked for."""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hilt_autolog import __version__
from hilt_autolog.errors import HILTError

from .exit_codes import BROKEN_PIPE, INTERRUPTED, MEANINGS, UNREADABLE, USAGE, CommandError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

COMMANDS = {
    "tail": "print the last events, a line each, and follow the log with -f",
    "show": "show a conversation as a thread: messages, tools, time and cost",
    "search": "find the events that say something",
    "validate": "hold every line of a log against the format",
    "stats": "sum up calls, errors, tokens, cost and latency, by day, week, month, session or model",
    "query": "answer a question in SQL about the events of logs",
    "convert": "write logs as CSV, Parquet or chat messages",
    "doctor": "say what is recorded here, where to, and why not if it is not",
    "sheets": "finish the copies in Google Sheets that are left",
    "completion": "print a script that completes these words in bash, zsh or fish",
}
"""Each command's module, and its line in the help.



"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `hilt ...`.

    Args:
        argv: the words after `hilt`; those of this process, if None.

    Returns:
        The exit code, also after `--help` and where the words are not understood.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a text may hold what the terminal cannot show
    try:
        with _tidy_when_terminated():
            code = _run(words)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _give_up_stdout()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED
    except (CommandError, OSError, HILTError) as error:
        _give_up_stdout()
        _tell(error)
        return error.code if isinstance(error, CommandError) else UNREADABLE
    return code


@contextmanager
def _tidy_when_terminated() -> Iterator[None]:
    """Let SIGTERM end the process as it does, once copies and unfinished files are removed."""
    import signal

    class Terminated(BaseException):
        pass

    def end(*_: object) -> None:
        raise Terminated

    try:
        before = signal.signal(signal.SIGTERM, end)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    except Terminated:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(words: list[str]) -> int:
    if words[:1] == ["help"]:
        words = [*words[1:2], "--help"]
    try:
        if not words or words[0].startswith("-"):
            _parser().parse_args(words or ["--help"])
        if words[0] not in COMMANDS:
            _parser().error(f"there is no command {words[0]!r}{_meant(words[0])}")
        chosen = _parsed(command_parser(words[0]), words[1:])
    except SystemExit as left:  # argparse has printed the help, or what is wrong
        return left.code if isinstance(left.code, int) else USAGE
    code: int = chosen.run(chosen)
    return code


def _parsed(parser: argparse.ArgumentParser, words: list[str]) -> argparse.Namespace:
    """Read the words: options may stand between others, and what follows `--` is none.

    argparse can do either, but not both: it is handed marks for what follows, which begin with no dash.
    """
    here = words.index("--") if "--" in words else len(words)
    marks = {f"\0{number}": word for number, word in enumerate(words[here + 1 :])}
    chosen = parser.parse_intermixed_args([*words[:here], *marks])
    for name, value in vars(chosen).items():
        if isinstance(value, list):
            setattr(chosen, name, [marks.get(word, word) for word in value])
        elif isinstance(value, str):
            setattr(chosen, name, marks.get(value, value))
    return chosen


def command_parser(name: str) -> argparse.ArgumentParser:
    """Return the parser of one of the commands, whose module is loaded for it."""
    import argparse
    from importlib import import_module

    from hilt_autolog.cli.render.terminal import add_colours

    module = import_module(f"{__name__}.commands.{name}")
    meaning = f"{COMMANDS[name][0].upper()}{COMMANDS[name][1:]}."
    parser = argparse.ArgumentParser(f"hilt {name}", description=meaning, allow_abbrev=False)
    module.add_arguments(parser)
    add_colours(parser)
    parser.set_defaults(run=module.run)
    return parser


def _parser() -> argparse.ArgumentParser:
    """Return a parser that knows every command's name, and loads none of them."""
    import argparse

    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {meaning}" for name, meaning in COMMANDS.items())
    parser = argparse.ArgumentParser(
        "hilt",
        usage="hilt [-h] [--version] COMMAND ...",
        description="What your programs asked of language models.",
        epilog=f"commands:\n{commands}\n\n{MEANINGS}\n\n`hilt COMMAND --help` tells more of one.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"hilt {__version__}")
    parser.add_argument("command", metavar="COMMAND", help=argparse.SUPPRESS)
    return parser


def _meant(word: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, COMMANDS, n=1)
    return f" (did you mean {near[0]}?)" if near else f": say one of {', '.join(COMMANDS)}"


def _tell(error: Exception) -> None:
    from hilt_autolog.cli.render.terminal import say

    if isinstance(error, OSError) and error.strerror:
        place = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        say(f"{place}{error.strerror}")
    else:
        say(str(error) or type(error).__name__)


def _give_up_stdout() -> None:
    """Print what is ready, and let nothing be tried, and fail, once more when the interpreter ends."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
