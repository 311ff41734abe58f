"""What messages hold, as lines: texts, thoughts, calls of tools with their arguments, results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from . import glance
from .markdown import rendered
from .terminal import cells, in_line
from .wrapping import paragraphs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .terminal import Screen

_MOST = 40  # lines of a text, where it is not wanted in full
_ARROW = "→ "


class Parts:
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
                yield from self.call(glance.word(found.get("name")), arguments)
            case "tool_call_response" | "server_tool_call_response":
                yield from self.text(
                    self.pretty(found.get("response", found.get("server_tool_call_response")))
                )
            case "reasoning":
                yield from self.text(f"thinks: {glance.word(found.get('content'))}", "dim")
            case "text":
                yield from self.said(glance.word(found.get("content")))
            case _:
                yield from self.text(glance.part_text(found), "dim")

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
                return glance.word(value)
            line = glance.as_json(found)
            room = self._width or 100
            return line if cells(line) + beside + len(_ARROW) <= room else glance.as_json(found, indent=2)
        except (ValueError, RecursionError):
            return glance.word(value)


def messages_of(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the messages that an event lists; what is none of them is left out."""
    found = content.get("messages")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def parts_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts of a message; what is none of them is left out."""
    found = message.get("parts")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
