"""hilt docs: print a topic of the reference."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.resources import files
from typing import TYPE_CHECKING

from hilt_autolog.cli.exit_codes import OK, USAGE, CommandError
from hilt_autolog.cli.render.part_renderer import render_markdown
from hilt_autolog.cli.render.terminal import escape_controls, pad, print_lines, single_line, stdout_screen

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from importlib.resources.abc import Traversable

    from hilt_autolog.cli.render.terminal import Screen

FOLDER: Traversable = files("hilt_autolog") / "docs"
_SUFFIX = ".md"
_MAX_WIDTH = 100  # cells: longer lines are hard to read


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("topic", nargs="?", metavar="TOPIC", help="what to show; without it, list the topics")
    parser.add_argument("--plain", action="store_true", help="print the Markdown unrendered")
    parser.add_argument("--no-pager", action="store_true", help="print all at once, also on a terminal")


def run(args: Namespace) -> int:
    """Print a topic, or the list of topics.

    Raises:
        CommandError: there is no such topic (exit code 2), or the reference is not installed (3).
    """
    names = topics()
    if not names:
        raise CommandError(f"the reference is not installed: no *{_SUFFIX} in {FOLDER}")
    if args.topic is None:
        _print_topics(names)
        return OK
    text = _read(_resolve(args.topic, names))
    screen = stdout_screen(args.color)
    lines = None if args.plain else _rendered(text, screen)
    print_lines(
        escape_controls(text).rstrip().split("\n") if lines is None else lines, pages=not args.no_pager
    )
    return OK


def topics() -> list[str]:
    """Return the names of all topics in alphabetical order."""
    if not FOLDER.is_dir():
        return []
    return sorted(file.name.removesuffix(_SUFFIX) for file in FOLDER.iterdir() if file.name.endswith(_SUFFIX))


def _print_topics(names: list[str]) -> None:
    width = max(map(len, names))
    for name in names:
        print(f"{pad(name, width)}  {_summary(_read(name))}".rstrip())
    print("\n`hilt docs TOPIC` shows one.")


def _resolve(topic: str, names: list[str]) -> str:
    name = topic.lower().replace("_", "-").removesuffix(_SUFFIX)
    if name in names:
        return name
    near = [other for other in names if name and name in other] or get_close_matches(name, names)
    hint = f" (did you mean {' or '.join(near)}?)" if near else f": choose one of {', '.join(names)}"
    raise CommandError(f"there is no topic {topic!r}{hint}", USAGE)


def _read(name: str) -> str:
    return (FOLDER / f"{name}{_SUFFIX}").read_text(encoding="utf-8")


def _summary(text: str) -> str:
    """Return the sentence below the title of a Markdown text; the title if there is none."""
    title, *lines = [*filter(None, text.splitlines()), ""]
    summary = lines[0] if lines and not lines[0].startswith("#") else ""
    return single_line(summary or title.lstrip("#"))


def _rendered(text: str, screen: Screen) -> list[str] | None:
    """Return the coloured lines of a text; None without colours, or if rich is not installed."""
    if not screen.has_colours:
        return None
    return render_markdown(text, min(screen.width or _MAX_WIDTH, _MAX_WIDTH))
