"""The Together SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._stainless import StainlessProvider
from .openai import routes

if TYPE_CHECKING:
    from hilt_autolog.contracts.provider import Provider

_ROUTES = routes(
    "/v1",
    "chat.completions",
    "completions",
    "embeddings",
    "images.generate",
    "audio.speech",
    "audio.transcriptions",
    "audio.translations",
)

PROVIDER: Provider = StainlessProvider(package="together", routes=_ROUTES, provider="together")
