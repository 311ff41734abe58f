"""The exit codes of `hilt`, and the exception that ends a command early with one of them."""

from __future__ import annotations

OK = 0
FINDINGS = 1  # invalid lines, no match, a problem that keeps calls out of the log
USAGE = 2  # the command line is invalid
UNREADABLE = 3  # a file cannot be read or written, or a required package is not installed
INTERRUPTED = 130  # as a shell reports SIGINT
BROKEN_PIPE = 141  # as a shell reports SIGPIPE: the reader has exited, as in `hilt ... | head -1`

EXIT_CODES_HELP = """\
exit codes:
  0 done, 1 findings or no match, 2 usage, 3 cannot be read or written, 130 interrupted"""


class CommandError(Exception):
    """The command cannot continue.

    Args:
        message: what is wrong, in one line for stderr.
        code: the exit code.
    """

    def __init__(self, message: str, code: int = UNREADABLE) -> None:
        super().__init__(message)
        self.code = code
