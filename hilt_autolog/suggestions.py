"""The hint in the message of an error about a word that is not one of the valid ones."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def did_you_mean(words: Iterable[str], valid: Iterable[str]) -> str:
    """Return " (did you mean ...?)" with the valid word that is closest to each word; "" if none is close."""
    valid = tuple(valid)
    similar = [match for word in words for match in get_close_matches(word, valid, n=1)]
    return f" (did you mean {', '.join(similar)}?)" if similar else ""
