"""The Groq SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._stainless import StainlessProvider
from .openai import routes

if TYPE_CHECKING:
    from hilt_autolog.contracts.provider import Provider

_ROUTES = routes(
    "/openai/v1",
    "chat.completions",
    "embeddings",
    "audio.speech",
    "audio.transcriptions",
    "audio.translations",
)

PROVIDER: Provider = StainlessProvider(package="groq", routes=_ROUTES, provider="groq")
