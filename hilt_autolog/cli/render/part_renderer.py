"""What messages hold, as lines: texts, thoughts, calls of tools with their arguments, results."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from . import event_format
from .terminal import cells, in_line, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .terminal import Screen


_MOST = 40  # lines of a text, where it is not wanted in full
_ARROW = "→ "


class PartRenderer:
    """Makes lines out of the parts of messages.

    Args:
        screen: What they are printed on.
        width: The cells that a line has; None, if lines are not wrapped.
        is_full: Whether no text is shortened.
    """

    def __init__(self, screen: Screen, width: int | None, *, is_full: bool) -> None:
        self._screen = screen
        self._width = width
        self._most = None if is_full else _MOST

    def text(self, text: str, *styles: str, most: int | None = _MOST) -> Iterator[str]:
        """Yield the lines of a text, which is at most so many lines long if it is not wanted in full."""
        limit = None if self._most is None else most
        for line in paragraphs(text, self._width, most=limit):
            yield self._screen.styled(line, *styles)

    def said(self, text: str) -> Iterator[str]:
        """Yield the lines of what was said: as Markdown, where that can be shown and nothing is shortened."""
        room = self._width if self._screen.has_colours else None
        if room is not None and (self._most is None or text.count("\n") < self._most):
            shown = rendered(text, room)
            if shown is not None:
                yield from shown
                return
        yield from self.text(text)

    def part(self, found: dict[str, Any]) -> Iterator[str]:
        """Yield the lines of a part of a message."""
        match found.get("type"):
            case "tool_call" | "server_tool_call":
                arguments = found.get("arguments", found.get("server_tool_call"))
                yield from self.call(event_format.word(found.get("name")), arguments)
            case "tool_call_response" | "server_tool_call_response":
                yield from self.text(
                    self.pretty(found.get("response", found.get("server_tool_call_response")))
                )
            case "reasoning":
                yield from self.text(f"thinks: {event_format.word(found.get('content'))}", "dim")
            case "text":
                yield from self.said(event_format.word(found.get("content")))
            case _:
                yield from self.text(event_format.part_text(found), "dim")

    def call(self, name: str, arguments: object) -> Iterator[str]:
        """Yield the lines of a call of a tool: beside the name, or below it if they are many."""
        shown = self.pretty(arguments, beside=cells(name) + 1)
        head = self._screen.styled(_ARROW + in_line(name), "yellow")
        if "\n" not in shown:
            yield f"{head} {in_line(shown)}".rstrip()
            return
        yield head
        for line in self.text(shown):
            yield " " * len(_ARROW) + line

    def pretty(self, value: object, beside: int = 0) -> str:
        """Return a value, or what stands in a text as JSON: in one line if there is room, else in many."""
        if value is None or value == "":
            return ""
        try:
            found = json.loads(value) if isinstance(value, str) else value
            if not isinstance(found, dict | list):
                return event_format.word(value)
            line = event_format.as_json(found)
            room = self._width or 100
            return (
                line if cells(line) + beside + len(_ARROW) <= room else event_format.as_json(found, indent=2)
            )
        except (ValueError, RecursionError):
            return event_format.word(value)


def messages_of(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the messages that an event lists; what is none of them is left out."""
    found = content.get("messages")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def parts_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts of a message; what is none of them is left out."""
    found = message.get("parts")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


# A text that has none of these is no Markdown: its line ends would be lost for nothing.
_SIGNS = re.compile(r"^(?:#{1,6} |```|[-*+] |\d+\. |\|.+\|$|> )|\*\*\S", re.MULTILINE)


def rendered(text: str, width: int) -> list[str] | None:
    """Return the coloured lines of a text, none wider than `width` cells.

    Returns:
        None, if the text is no Markdown, or rich is not installed.
    """
    if not _SIGNS.search(text):
        return None
    try:
        from rich.console import Console
        from rich.markdown import Markdown
    except ImportError:
        return None
    console = Console(width=width, force_terminal=True, color_system="standard", highlight=False)
    with console.capture() as capture:  # an address behind a word would be one that nobody sees
        console.print(Markdown(visible(text), hyperlinks=False, code_theme="ansi_dark"))
    return [line.rstrip() for line in capture.get().strip("\n").split("\n")]


_TAB = 4
_NARROWEST = 20  # cells that are left beside an indent
_LONGEST = 1000  # letters in a line, where lines are counted and not wrapped


def paragraphs(text: str, width: int | None, *, most: int | None = None) -> list[str]:
    """Return a text as harmless lines.

    Args:
        text: Anything.
        width: Lines have at most so many cells; they are left as they are, if None.
        most: How many lines; a last one tells that there are more. All of them, if None.
    """
    room = None if width is None else max(width, _NARROWEST)
    if most is None:
        return list(_lines(text, room))
    shown = most * (room or _LONGEST)
    found = list(islice(_lines(text[:shown], room), most + 1))
    if len(found) <= most and len(text) <= shown:
        return found
    return [*found[:most], f"[shortened from {len(text):,} letters; --full shows them]"]


def _lines(text: str, room: int | None) -> Iterator[str]:
    for line in visible(text.rstrip()).lstrip("\n").expandtabs(_TAB).split("\n"):
        if room is None or cells(line) <= room:
            yield line
        else:
            yield from _wrapped(line, room)


def _wrapped(line: str, width: int) -> Iterator[str]:
    indent = line[: len(line) - len(line.lstrip())]
    if len(indent) > width // 2:
        indent = ""
    current = indent
    for word in _pieces(line.lstrip(), width - len(indent)):
        if current.strip() and cells(current) + cells(word.rstrip()) > width:
            yield current.rstrip()
            current = indent
        current += word
    yield current.rstrip()


def _pieces(line: str, width: int) -> Iterator[str]:
    """Yield the words of a line with the spaces that follow, a word too long for any line in pieces."""
    for word in re.findall(r"\S+\s*", line):
        piece, taken = "", 0
        for letter in word if cells(word) > width else ():
            if taken + cells(letter) > width:
                yield piece
                piece, taken = "", 0
            piece += letter
            taken += cells(letter)
        yield piece or word
