"""The Perplexity SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._stainless import StainlessProvider
from .openai import routes

if TYPE_CHECKING:
    from hilt_autolog.contracts.provider import Provider

_ROUTES = routes("", "chat.completions") | routes("/v1", "responses", "responses.retrieve", "embeddings")

PROVIDER: Provider = StainlessProvider(package="perplexity", routes=_ROUTES, provider="perplexity")
