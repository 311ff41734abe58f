"""The Perplexity SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._hosts import HOSTS
from ._openai_kin import routes
from ._stainless import Stainless

if TYPE_CHECKING:
    from hilt_autolog.provider import Provider

_ROUTES = routes("", "chat.completions") | routes("/v1", "responses", "responses.retrieve", "embeddings")

PROVIDER: Provider = Stainless("perplexity", _ROUTES, "perplexity", HOSTS)
