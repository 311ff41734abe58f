"""The SDKs of providers that speak OpenAI's protocol under paths of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .openai import ROUTES

if TYPE_CHECKING:
    from hilt_autolog.facts import Operation

_AT = {operation.name: route for route, operation in ROUTES.items()}
_WHOLE = ("images.generate", "audio.transcriptions")  # only OpenAI streams them, or in its own way


def routes(base: str, *names: str) -> dict[tuple[str, str], Operation]:
    """Return the routes of operations that are read as OpenAI's.

    Args:
        base: what stands before OpenAI's own path of each.
        names: the operations, as OpenAI's SDK names them.
    """
    found = {}
    for name in names:
        method, path = _AT[name]
        operation = ROUTES[method, path]
        found[method, base + path] = replace(operation, fold=None) if name in _WHOLE else operation
    return found
