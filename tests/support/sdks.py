"""The SDKs that the conformance tests run through: what is to be known of each, declared once."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, NamedTuple

import anthropic
import offline_provider
import openai

if TYPE_CHECKING:
    from types import ModuleType


class Sdk(NamedTuple):
    """An SDK, and the offline provider's part that answers it."""

    package: ModuleType
    wire: offline_provider.Wire
    clients: dict[str, type]
    streams: tuple[type, type]
    base: str  # what an address ends in
    path: str  # what every path begins with
    asked: str  # the model that is asked for
    exact: str  # and the one that answers
    errors: dict[str, tuple[str, str, str]]  # model that is asked for: exception, text, code
    limits: dict[str, str]  # in the headers of every answer

    @property
    def name(self) -> str:
        """The name under which it is imported."""
        return self.package.__name__

    @property
    def label(self) -> str:
        """What the log calls it."""
        return f"{self.name} {self.package.__version__}"

    @property
    def http(self) -> Any:
        """The HTTP library that this version goes by."""
        newer = hasattr(self.package._base_client, "httpx2")
        return importlib.import_module("httpx2" if newer else "httpx")


OPENAI = Sdk(
    openai,
    offline_provider.OPENAI,
    {"sync": openai.OpenAI, "async": openai.AsyncOpenAI},
    (openai.Stream, openai.AsyncStream),
    base="/v1",
    path="",
    asked="gpt-4o",
    exact="gpt-4o-2024-08-06",
    errors={
        "fail-400": ("BadRequestError", "This request cannot be understood", "invalid_value"),
        "fail-401": ("AuthenticationError", "This API key is not known", "invalid_api_key"),
        "fail-404": ("NotFoundError", "There is no such model or path", "model_not_found"),
        "fail-429": ("RateLimitError", "Too many requests; try again in 1 s", "rate_limit_exceeded"),
        "fail-500": ("InternalServerError", "Something broke while the request was handled", "api_error"),
    },
    limits={
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-remaining-requests": "9999",
        "x-ratelimit-reset-requests": "6ms",
        "x-ratelimit-limit-tokens": "2000000",
        "x-ratelimit-remaining-tokens": "1999000",
        "x-ratelimit-reset-tokens": "30ms",
    },
)
ANTHROPIC = Sdk(
    anthropic,
    offline_provider.ANTHROPIC,
    {"sync": anthropic.Anthropic, "async": anthropic.AsyncAnthropic},
    (anthropic.Stream, anthropic.AsyncStream),
    base="",
    path="/v1",
    asked="claude-haiku-4-5",
    exact="claude-haiku-4-5-20251001",
    errors={
        "fail-400": ("BadRequestError", "This request cannot be understood", "invalid_request_error"),
        "fail-401": ("AuthenticationError", "This API key is not known", "authentication_error"),
        "fail-404": ("NotFoundError", "There is no such model or path", "not_found_error"),
        "fail-429": ("RateLimitError", "Too many requests; try again in 1 s", "rate_limit_error"),
        "fail-500": ("InternalServerError", "Something broke while the request was handled", "api_error"),
    },
    limits={
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-tokens-limit": "2000000",
        "anthropic-ratelimit-tokens-remaining": "1999000",
    },
)
SDKS = {sdk.name: sdk for sdk in (OPENAI, ANTHROPIC)}


def sdk_of(client):
    """The SDK that a client belongs to."""
    return next(sdk for sdk in SDKS.values() if isinstance(client, tuple(sdk.clients.values())))
