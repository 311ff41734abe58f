"""What the arguments of a session mean: which backend, which path, and whether they go together."""

from __future__ import annotations

import codecs
import os

MODES = ("a", "r", "w")
BACKENDS = ("local", "sheets")


def chosen(
    first: str | os.PathLike[str] | None, filepath: str | os.PathLike[str] | None, backend: str | None
) -> tuple[str, str | None]:
    """Return the backend that the arguments mean, and its path; a spreadsheet has none.

    Raises:
        ValueError: they contradict each other, or say nothing.
        TypeError: a path is no text.
    """
    word = first if isinstance(first, str) and first in BACKENDS else None
    if word and backend not in (None, word):
        raise ValueError(f"two backends: {word!r} and {backend!r}")
    name = word or backend or "local"
    if name not in BACKENDS:
        raise ValueError(f"unknown backend {name!r}; there are {', '.join(BACKENDS)}")
    paths = [os.fspath(path) for path in (None if word else first, filepath) if path is not None]
    if len(paths) > 1:
        raise ValueError(f"two paths: {paths[0]!r} and {paths[1]!r}")
    if name == "sheets":
        if paths:
            raise ValueError(f"a session over a spreadsheet has no path, such as {paths[0]!r}")
        return name, None
    if not paths or not paths[0]:
        raise ValueError("a session needs the path of a log")
    if not isinstance(paths[0], str):
        raise TypeError(f"the path of a log is text, not {type(paths[0]).__name__}")
    return name, paths[0]


def check_mode(mode: str) -> None:
    """Raise ValueError for a mode that there is not."""
    if mode not in MODES:
        raise ValueError(f"unknown mode {mode!r}; there are {', '.join(MODES)}")


def check_encoding(encoding: str) -> None:
    """Raise ValueError for an encoding that is not UTF-8 by one of its names."""
    try:
        is_utf8 = codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")
    except LookupError:
        is_utf8 = False
    if not is_utf8:
        raise ValueError(f"a HILT log is UTF-8, not {encoding}")
