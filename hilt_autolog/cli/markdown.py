"""Markdown as a terminal shows it best: by rich, where it is installed."""

from __future__ import annotations

import re

from .terminal import visible

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
