"""The Cerebras SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilt_autolog.providers._hosts import HOSTS
from hilt_autolog.providers._openai_kin import routes
from hilt_autolog.providers._stainless import Stainless

if TYPE_CHECKING:
    from hilt_autolog.provider import Provider

_ROUTES = routes("/v1", "chat.completions", "completions")

PROVIDER: Provider = Stainless("cerebras.cloud.sdk", _ROUTES, "cerebras", HOSTS)
