"""What is printed, and where: texts made harmless, cut to the width, and coloured on a terminal only."""

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
# Joiners of emoji and of Persian words. Other invisible letters are spelled out: they reorder or hide text.
_KEPT = "\n\t\u200c\u200d"
_HARMLESS = ("Zs", "Cn", "Co")  # spaces, letters newer than this Python, letters of private fonts
_MARKS = ("Mn", "Me", "Cf")  # take no cell of their own


class Screen(NamedTuple):
    """What stdout can show.

    Attributes:
        width: Cells in a line; None where stdout is no terminal, and nothing is to be cut.
        has_colours: Whether styles are shown.
        ellipsis: What stands for text that was cut.
    """

    width: int | None
    has_colours: bool
    ellipsis: str = "…"

    def styled(self, text: str, *styles: str) -> str:
        """Return text in these styles (bold, dim or a colour), if any is shown."""
        if not (self.has_colours and styles and text):
            return text
        return f"\x1b[{';'.join(str(_STYLES[style]) for style in styles)}m{text}\x1b[0m"

    def cut(self, text: str, width: int | None) -> str:
        """Return a text of one line in at most `width` cells; the whole of it, if None."""
        if width is None or cells(text) <= width:
            return text
        room, kept = width - len(self.ellipsis), 0
        for letter in text:
            room -= cells(letter)
            if room < 0:
                break
            kept += 1
        return text[:kept].rstrip() + self.ellipsis if width >= len(self.ellipsis) else ""


def add_colours(parser: ArgumentParser) -> None:
    """Add the option `--color`."""
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="colours; auto: on a terminal, unless NO_COLOR is set",
    )


def stdout_screen(colours: str = "auto") -> Screen:
    """Return what stdout can show.

    Args:
        colours: "always", "never", or "auto": as NO_COLOR, FORCE_COLOR and TERM say, else on a terminal only.
    """
    is_there = is_terminal(sys.stdout)
    width = shutil.get_terminal_size().columns if is_there or os.environ.get("COLUMNS") else None
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    return Screen(
        width, _has_colours(colours, is_terminal=is_there), "…" if _can_show(encoding, "…") else "..."
    )


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether somebody watches this stream."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def _has_colours(colours: str, *, is_terminal: bool) -> bool:
    if colours != "auto":
        return colours == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if forced := os.environ.get("FORCE_COLOR"):
        return forced != "0"
    return is_terminal and os.environ.get("TERM") != "dumb"


def _can_show(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


class _Harmless:
    """A text stream over stdout that spells out what the terminal behind it would obey."""

    def write(self, text: str) -> int:
        return sys.stdout.write(visible(text))


def harmless_stdout() -> SupportsWrite[str]:
    """Return stdout for data that goes through unchanged, but for what a terminal would obey."""
    return _Harmless() if is_terminal(sys.stdout) else sys.stdout


def say(words: str) -> None:
    """Print a line on stderr, if there is one: whatever is not the data that was asked for."""
    if sys.stderr is not None:
        print(f"hilt: {spelled_out(words)}", file=sys.stderr, flush=True)


def visible(text: str) -> str:
    r"""Return text with what a terminal would obey, or could hide, spelled out: `\x1b`, `\u202e`.

    Lines stay lines, and `\r\n` ends one as `\n` does.
    """
    if text.isprintable():
        return text
    return "".join(map(_spelled, text.replace("\r\n", "\n")))


def _escaped(letter: str) -> str:
    return letter if _spelled(letter) == letter else json.dumps(letter)[1:-1]


def _spelled(letter: str) -> str:
    if letter.isprintable() or letter in _KEPT or category(letter) in _HARMLESS:
        return letter
    return letter.encode("unicode_escape").decode()


def json_text(value: object, indent: int | None = None) -> str:
    """Return a value as JSON, in many lines if there is an `indent`: harmless, and the same when parsed."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return text if text.isprintable() else "".join(map(_escaped, text))


def spelled_out(text: str) -> str:
    """Return text as one line that is harmless and hides nothing: its line ends and tabs are spelled out."""
    return text if text.isprintable() else visible(text).replace("\n", "\\n").replace("\t", "\\t")


def in_line(text: str) -> str:
    """Return text as one line that is harmless; spaces and line ends in a row are one space."""
    return visible(" ".join(text.split()))


def cells(text: str) -> int:
    """Return how many cells of a terminal a harmless text of one line takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if category(letter) in _MARKS else 2 if east_asian_width(letter) in "WF" else 1 for letter in text
    )


def padded(text: str, width: int, side: str = "<") -> str:
    """Return text filled with spaces to `width` cells, at its left if `side` is ">"."""
    gap = " " * (width - cells(text))
    return gap + text if side == ">" else text + gap


_NONE = ("", "cat")


def print_lines(lines: Iterable[str], *, pages: bool = True) -> None:
    """Print lines, by $PAGER (or less, which ends by itself where all fits on the screen) if `pages`.

    Without a terminal at both ends nothing is paged.
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
    except (BrokenPipeError, KeyboardInterrupt):  # the user has seen enough
        pass
    while True:
        with suppress(KeyboardInterrupt):  # it belongs to the pager
            pager.wait()
            return


def _pager() -> subprocess.Popen[str] | None:
    command = os.environ.get("PAGER", "less").strip()
    if command in _NONE or os.environ.get("TERM") == "dumb":
        return None
    environ = {"LESS": "FRX", "LESSCHARSET": "utf-8", **os.environ}
    try:
        return subprocess.Popen(  # noqa: S603  the user says which program
            shlex.split(command),
            stdin=subprocess.PIPE,
            env=environ,
            text=True,
            encoding="utf-8",
            errors="backslashreplace",
        )
    except (OSError, ValueError):  # there is none, or it is no command
        return None
