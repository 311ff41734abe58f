"""How a command ends: the exit codes, all of them, and the exception that ends it early."""

from __future__ import annotations

OK = 0
FINDINGS = 1  # lines that are not valid, nothing that matches, a problem that keeps calls out of the log
USAGE = 2  # the command line is not understood
UNREADABLE = 3  # a file cannot be read or written, or a package that is needed is not installed
INTERRUPTED = 130  # as a shell reports SIGINT
BROKEN_PIPE = 141  # as a shell reports SIGPIPE: the reader has gone, as in `hilt ... | head -1`

MEANINGS = """\
exit codes:
  0 done, 1 findings or no match, 2 usage, 3 cannot be read or written, 130 interrupted"""


class CommandError(Exception):
    """The command cannot go on.

    Args:
        words: What is wrong, in a line for stderr.
        code: The exit code.
    """

    def __init__(self, words: str, code: int = UNREADABLE) -> None:
        super().__init__(words)
        self.code = code
