"""Terminal output: text escaped, truncated to the width, coloured on a terminal only, and paged."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, TextIO
from unicodedata import category, east_asian_width

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterable

    from _typeshed import SupportsWrite


_STYLES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36}
# U+200C and U+200D join emoji and Persian words. Other invisible characters are escaped: they reorder or hide
# text.
_UNESCAPED = "\n\t\u200c\u200d"
_SAFE_CATEGORIES = ("Zs", "Cn", "Co")  # spaces, characters newer than this Python, private use
_ZERO_WIDTH = ("Mn", "Me", "Cf")  # categories of characters that take no cell


class Screen(NamedTuple):
    """The capabilities of stdout.

    Attributes:
        width: cells in a line; None if stdout is no terminal and nothing is to be truncated.
        has_colours: whether styles are shown.
        ellipsis: the mark of truncated text.
    """

    width: int | None
    has_colours: bool
    ellipsis: str = "…"

    def styled(self, text: str, *styles: str) -> str:
        """Return text in these styles (bold, dim or a colour), unchanged without colours."""
        if not (self.has_colours and styles and text):
            return text
        return f"\x1b[{';'.join(str(_STYLES[style]) for style in styles)}m{text}\x1b[0m"

    def truncate(self, text: str, width: int | None) -> str:
        """Return the text of one line in at most `width` cells; unchanged if `width` is None."""
        if width is None or cell_width(text) <= width:
            return text
        space, end = width - len(self.ellipsis), 0
        for character in text:
            space -= cell_width(character)
            if space < 0:
                break
            end += 1
        return text[:end].rstrip() + self.ellipsis if width >= len(self.ellipsis) else ""


def add_color_option(parser: ArgumentParser) -> None:
    """Add the option `--color`."""
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="colours; auto: on a terminal, unless NO_COLOR is set",
    )


def stdout_screen(colours: str = "auto") -> Screen:
    """Return the capabilities of stdout.

    Args:
        colours: "always", "never", or "auto": by NO_COLOR, FORCE_COLOR and TERM, else on a terminal only.
    """
    is_tty = is_terminal(sys.stdout)
    width = shutil.get_terminal_size().columns if is_tty or os.environ.get("COLUMNS") else None
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    return Screen(width, _has_colours(colours, is_tty=is_tty), "…" if _can_encode("…", encoding) else "...")


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream is an open terminal."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def _has_colours(colours: str, *, is_tty: bool) -> bool:
    if colours != "auto":
        return colours == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if forced := os.environ.get("FORCE_COLOR"):
        return forced != "0"
    return is_tty and os.environ.get("TERM") != "dumb"


def _can_encode(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


class _EscapedStdout:
    """A text stream that writes to stdout and escapes what a terminal would obey."""

    def write(self, text: str) -> int:
        return sys.stdout.write(escape_controls(text))


def escaped_stdout() -> SupportsWrite[str]:
    """Return stdout for data: escaped on a terminal, unchanged elsewhere."""
    return _EscapedStdout() if is_terminal(sys.stdout) else sys.stdout


def print_stderr(message: str) -> None:
    """Print a line `hilt: ...` on stderr, if there is one. Stdout is for the data alone."""
    if sys.stderr is not None:
        print(f"hilt: {escape_line(message)}", file=sys.stderr, flush=True)


def escape_controls(text: str) -> str:
    r"""Return text with the characters escaped that a terminal obeys or that hide text: `\x1b`, `\u202e`.

    Line ends stay; `\r\n` becomes `\n`.
    """
    if text.isprintable():
        return text
    return "".join(map(_escape, text.replace("\r\n", "\n")))


def _escape(character: str) -> str:
    if character.isprintable() or character in _UNESCAPED or category(character) in _SAFE_CATEGORIES:
        return character
    return character.encode("unicode_escape").decode()


def _json_escape(character: str) -> str:
    return character if _escape(character) == character else json.dumps(character)[1:-1]


def json_text(value: object, indent: int | None = None) -> str:
    """Return a value as JSON, in several lines with an `indent`: safe on a terminal, the same when parsed."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return text if text.isprintable() else "".join(map(_json_escape, text))


def escape_line(text: str) -> str:
    """Return text as one line, with controls, line ends and tabs escaped."""
    return text if text.isprintable() else escape_controls(text).replace("\n", "\\n").replace("\t", "\\t")


def single_line(text: str) -> str:
    """Return text as one line, with controls escaped and each run of whitespace as one space."""
    return escape_controls(" ".join(text.split()))


def cell_width(text: str) -> int:
    """Return how many cells of a terminal an escaped text of one line takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if category(character) in _ZERO_WIDTH else 2 if east_asian_width(character) in "WF" else 1
        for character in text
    )


def pad(text: str, width: int, align: str = "<") -> str:
    """Return text padded with spaces to `width` cells; aligned to the right if `align` is ">"."""
    gap = " " * (width - cell_width(text))
    return gap + text if align == ">" else text + gap


_NO_PAGER = ("", "cat")


def print_lines(lines: Iterable[str], *, pages: bool = True) -> None:
    """Print lines, through $PAGER if `pages` and if both stdin and stdout are terminals.

    The default pager is less, which ends by itself if all fits on the screen.
    """
    pager = _pager() if pages and is_terminal(sys.stdin) and is_terminal(sys.stdout) else None
    if pager is None:
        for line in lines:
            print(line)
        return
    out = pager.stdin
    if out is None:
        return
    try:
        with out:
            for line in lines:
                out.write(f"{line}\n")
    except (BrokenPipeError, KeyboardInterrupt):  # the user has quit the pager
        pass
    while True:
        with suppress(KeyboardInterrupt):  # Ctrl-C is for the pager, which may go on
            pager.wait()
            return


def _pager() -> subprocess.Popen[str] | None:
    command = os.environ.get("PAGER", "less").strip()
    if command in _NO_PAGER or os.environ.get("TERM") == "dumb":
        return None
    environ = {"LESS": "FRX", "LESSCHARSET": "utf-8", **os.environ}
    try:
        return subprocess.Popen(  # noqa: S603  the user's own $PAGER
            shlex.split(command),
            stdin=subprocess.PIPE,
            env=environ,
            text=True,
            encoding="utf-8",
            errors="backslashreplace",
        )
    except (OSError, ValueError):  # not installed, or not a command line
        return None
