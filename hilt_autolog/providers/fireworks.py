"""The Fireworks SDK: OpenAI's protocols and Anthropic's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._stainless import StainlessProvider
from .anthropic import ROUTES as ANTHROPIC
from .openai import routes

if TYPE_CHECKING:
    from hilt_autolog.contracts.provider import Provider

_ROUTES = routes("/v1", "chat.completions", "completions") | {
    ("post", "/v1/messages"): ANTHROPIC["post", "/v1/messages"]
}

PROVIDER: Provider = StainlessProvider(package="fireworks", routes=_ROUTES, provider="fireworks")
