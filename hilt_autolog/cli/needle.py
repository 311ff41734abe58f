"""What is searched for: words or a regular expression, and the lines that cannot hold it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PLAIN = re.compile(r"[A-Za-z0-9 _.,:;!?@#$%&()*+=<>|~^{}\[\]'-]+")  # what JSON has no other spelling for
_ESCAPED = b"\\u00"  # but for writers that escape all they can
_SLASH = "/"


class Needle:
    """Words, or `/a regular expression/`.

    Args:
        text: What is searched for. Any spaces between words match any others, and ends of lines.
        is_regex: It is a regular expression, also without slashes.
        heeds_case: Large letters differ from small ones.

    Raises:
        ValueError: it is empty, or no regular expression.
    """

    def __init__(self, text: str, *, is_regex: bool = False, heeds_case: bool = False) -> None:
        if len(text) > len("//") and text[0] == text[-1] == _SLASH:
            text, is_regex = text[1:-1], True
        if not text.strip():
            raise ValueError("say what to search for")
        words = text.split()
        try:
            self._pattern = re.compile(
                text if is_regex else r"\s+".join(map(re.escape, words)), 0 if heeds_case else re.IGNORECASE
            )
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"no regular expression: {text}: {error}") from None
        plain = [piece for word in words for piece in _PLAIN.findall(word)] if not is_regex else []
        self._piece = max(plain, key=len, default="").encode()
        self._heeds_case = heeds_case

    def find(self, text: str) -> re.Match[str] | None:
        """Return where a text has it first; None, if nowhere."""
        return self._pattern.search(text)

    def may_be_in(self) -> Callable[[bytes], bool] | None:
        """Return a quick question whether a line of JSON may hold it; None, if only reading it tells."""
        piece = self._piece
        if not piece:
            return None
        if self._heeds_case:
            return lambda line: piece in line or _ESCAPED in line
        small = piece.lower()
        return lambda line: small in line.lower() or _ESCAPED in line
