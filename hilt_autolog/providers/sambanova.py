"""The SambaNova SDK: OpenAI's protocols and Anthropic's; transcripts are streamed as chat chunks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hilt_autolog.providers._openai.chat_stream import ChatAccumulator

from ._stainless import StainlessProvider
from .anthropic import ROUTES as ANTHROPIC
from .openai import routes

if TYPE_CHECKING:
    from hilt_autolog.contracts.provider import Provider

_TRANSCRIPTS = routes("", "audio.transcriptions", "audio.translations")
_ROUTES = {
    **routes("", "chat.completions", "completions", "responses", "embeddings"),
    **{route: replace(operation, accumulator=ChatAccumulator) for route, operation in _TRANSCRIPTS.items()},
    ("post", "/messages"): ANTHROPIC["post", "/v1/messages"],
}

PROVIDER: Provider = StainlessProvider(package="sambanova", routes=_ROUTES, provider="sambanova")
