"""The SDKs of providers that speak OpenAI's protocol under paths of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .openai import ROUTES

if TYPE_CHECKING:
    from hilt_autolog.facts import Operation

_AT = {operation.name: route for route, operation in ROUTES.items()}


def routes(base: str, *names: str) -> dict[tuple[str, str], Operation]:
    """Return the routes of operations that are read as OpenAI's.

    Args:
        base: what stands before OpenAI's own path of each.
        names: the operations, as OpenAI's SDK names them.
    """
    known = {name: _AT[name] for name in names}
    return {(method, base + path): ROUTES[method, path] for method, path in known.values()}
