"""hilt: the command line. A command is one module of this package, loaded when it is asked for."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

from hilt_autolog import __version__

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

COMMANDS = {
    "doctor": "say what is recorded here, where to, and why not if it is not",
    "sheets": "finish the copies in Google Sheets that are left",
}
"""Each command's module, and its line in the help.

The module offers `add_arguments(parser)`, and `run(chosen)` which returns the exit code.
"""

_BROKEN_PIPE = 141  # as a shell reports SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `hilt ...`.

    Args:
        argv: the words after `hilt`; those of this process, if None.

    Returns:
        The exit code of the command.

    Raises:
        SystemExit: with 2 where the command line is not understood, with 0 after `--help` and `--version`.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a path may hold what the terminal cannot show
    chosen = _parser(words).parse_args(words)
    try:
        code: int = chosen.run(chosen)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has gone, as in `hilt ... | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    return code


def _parser(words: list[str]) -> argparse.ArgumentParser:
    """Return a parser that knows every command's name, and the options of the one that is asked for."""
    import argparse
    from importlib import import_module

    parser = argparse.ArgumentParser("hilt", description="What your programs asked of language models.")
    parser.add_argument("--version", action="version", version=f"hilt {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    asked_for = next((word for word in words if not word.startswith("-")), None)
    for name, meaning in COMMANDS.items():
        command = commands.add_parser(name, help=meaning, description=f"{meaning[0].upper()}{meaning[1:]}.")
        if name == asked_for:
            module = import_module(f"{__name__}.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser
