"""The parts of messages as lines: text, reasoning, tool calls with their arguments, tool results."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING

from . import event_format
from .terminal import cell_width, escape_controls, single_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hilt_autolog.contracts.types import JsonMapping

    from .terminal import Screen


_MAX_LINES = 40  # of a text, unless `is_full`
_ARROW = "→ "  # before the name of a tool that is called
_DEFAULT_WIDTH = 100  # cells: JSON that is wider is indented, where lines are not wrapped


class PartRenderer:
    """Renders the parts of messages as lines.

    Args:
        screen: the capabilities of stdout.
        width: the cells of a line; None if lines are not wrapped.
        is_full: whether no text is shortened.
    """

    def __init__(self, screen: Screen, width: int | None, *, is_full: bool) -> None:
        self._screen = screen
        self._width = width
        self._is_full = is_full

    def plain_text(self, text: str, *styles: str, max_lines: int = _MAX_LINES) -> Iterator[str]:
        """Yield the lines of a text, at most `max_lines` of them unless texts are shown in full."""
        for line in wrap_text(text, self._width, max_lines=None if self._is_full else max_lines):
            yield self._screen.styled(line, *styles)

    def markdown(self, text: str) -> Iterator[str]:
        """Yield the lines of a text: rendered if it is Markdown, short enough, and colours are shown."""
        width = self._width if self._screen.has_colours else None
        if width is not None and (self._is_full or text.count("\n") < _MAX_LINES):
            lines = render_markdown(text, width)
            if lines is not None:
                yield from lines
                return
        yield from self.plain_text(text)

    def part(self, part: JsonMapping) -> Iterator[str]:
        """Yield the lines of a part of a message."""
        match part.get("type"):
            case "tool_call" | "server_tool_call":
                arguments = part.get("arguments", part.get("server_tool_call"))
                yield from self.tool_call(event_format.as_text(part.get("name")), arguments)
            case "tool_call_response" | "server_tool_call_response":
                response = part.get("response", part.get("server_tool_call_response"))
                yield from self.plain_text(self.format_json(response))
            case "reasoning":
                yield from self.plain_text(f"thinks: {event_format.as_text(part.get('content'))}", "dim")
            case "text":
                yield from self.markdown(event_format.as_text(part.get("content")))
            case _:
                yield from self.plain_text(event_format.part_text(part), "dim")

    def tool_call(self, name: str, arguments: object) -> Iterator[str]:
        """Yield the lines of a tool call: its arguments beside the name, or below if they need more lines."""
        text = self.format_json(arguments, used=cell_width(name) + 1)
        heading = self._screen.styled(_ARROW + single_line(name), "yellow")
        if "\n" not in text:
            yield f"{heading} {single_line(text)}".rstrip()
            return
        yield heading
        for line in self.plain_text(text):
            yield " " * len(_ARROW) + line

    def format_json(self, value: object, used: int = 0) -> str:
        """Return a value, or the JSON in a string, as JSON in one line if it fits, else indented.

        Args:
            value: any value; a string that holds no JSON object or list is returned unchanged.
            used: cells of the line that are taken already.
        """
        if value is None or value == "":
            return ""
        try:
            document = json.loads(value) if isinstance(value, str) else value
            if not isinstance(document, dict | list):
                return event_format.as_text(value)
            line = event_format.readable_json(document)
            if cell_width(line) + used + len(_ARROW) <= (self._width or _DEFAULT_WIDTH):
                return line
            return event_format.readable_json(document, indent=2)
        except (ValueError, RecursionError):
            return event_format.as_text(value)


# A text without a match is plain: rendering it as Markdown would join its lines.
_MARKDOWN = re.compile(r"^(?:#{1,6} |```|[-*+] |\d+\. |\|.+\|$|> )|\*\*\S", re.MULTILINE)


def render_markdown(text: str, width: int) -> list[str] | None:
    """Return the coloured lines of a Markdown text, none wider than `width` cells.

    Returns:
        None if the text is not Markdown, or rich is not installed.
    """
    if not _MARKDOWN.search(text):
        return None
    try:
        from rich.console import Console
        from rich.markdown import Markdown
    except ImportError:
        return None
    console = Console(width=width, force_terminal=True, color_system="standard", highlight=False)
    with console.capture() as capture:  # hyperlinks=False: a terminal hides the address of a hyperlink
        console.print(Markdown(escape_controls(text), hyperlinks=False, code_theme="ansi_dark"))
    return [line.rstrip() for line in capture.get().strip("\n").split("\n")]


_TAB = 4  # cells
_MIN_WIDTH = 20  # cells of a line, on however narrow a terminal
_MAX_LINE_LENGTH = 1000  # characters: a longer line counts as several, where lines are not wrapped


def wrap_text(text: str, width: int | None, *, max_lines: int | None = None) -> list[str]:
    """Return a text as lines, with controls escaped.

    Args:
        text: any text.
        width: the cells of a line; None leaves lines as they are.
        max_lines: how many lines; if there are more, one follows that names the length of the text. None
            returns all.
    """
    cells = None if width is None else max(width, _MIN_WIDTH)
    if max_lines is None:
        return list(_lines(text, cells))
    length = max_lines * (cells or _MAX_LINE_LENGTH)
    lines = list(islice(_lines(text[:length], cells), max_lines + 1))
    if len(lines) <= max_lines and len(text) <= length:
        return lines
    return [*lines[:max_lines], f"[shortened from {len(text):,} characters; --full shows them]"]


def _lines(text: str, width: int | None) -> Iterator[str]:
    for line in escape_controls(text.rstrip()).lstrip("\n").expandtabs(_TAB).split("\n"):
        if width is None or cell_width(line) <= width:
            yield line
        else:
            yield from _wrapped(line, width)


def _wrapped(line: str, width: int) -> Iterator[str]:
    indent = line[: len(line) - len(line.lstrip())]
    if len(indent) > width // 2:
        indent = ""
    current = indent
    for word in _words(line.lstrip(), width - len(indent)):
        if current.strip() and cell_width(current) + cell_width(word.rstrip()) > width:
            yield current.rstrip()
            current = indent
        current += word
    yield current.rstrip()


def _words(line: str, width: int) -> Iterator[str]:
    """Yield the words of a line with the spaces that follow; a word wider than `width` in pieces."""
    for word in re.findall(r"\S+\s*", line):
        piece, used = "", 0
        for character in word if cell_width(word) > width else ():
            if used + cell_width(character) > width:
                yield piece
                piece, used = "", 0
            piece += character
            used += cell_width(character)
        yield piece or word
