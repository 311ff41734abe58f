"""The Groq SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._hosts import HOSTS
from ._openai_kin import routes
from ._stainless import Stainless

if TYPE_CHECKING:
    from hilt_autolog.provider import Provider

_ROUTES = routes(
    "/openai/v1",
    "chat.completions",
    "embeddings",
    "audio.speech",
    "audio.transcriptions",
    "audio.translations",
)

PROVIDER: Provider = Stainless("groq", _ROUTES, "groq", HOSTS)
