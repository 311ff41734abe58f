"""The Cerebras SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._stainless import StainlessProvider
from .openai import routes

if TYPE_CHECKING:
    from hilt_autolog.contracts.provider import Provider

_ROUTES = routes("/v1", "chat.completions", "completions")

PROVIDER: Provider = StainlessProvider(package="cerebras.cloud.sdk", routes=_ROUTES, provider="cerebras")
