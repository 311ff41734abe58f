"""The SambaNova SDK: OpenAI's protocol and Anthropic's; it streams transcripts as it does chats."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ._hosts import HOSTS
from ._openai_chat_stream import ChatFold
from ._openai_kin import routes
from ._stainless import Stainless
from .anthropic import ROUTES as ANTHROPIC

if TYPE_CHECKING:
    from hilt_autolog.provider import Provider

_HEARD = routes("", "audio.transcriptions", "audio.translations")
_ROUTES = {
    **routes("", "chat.completions", "completions", "responses", "embeddings"),
    **{route: replace(operation, fold=ChatFold) for route, operation in _HEARD.items()},
    ("post", "/messages"): ANTHROPIC["post", "/v1/messages"],
}

PROVIDER: Provider = Stainless("sambanova", _ROUTES, "sambanova", HOSTS)
