"""The common parts of OpenAI's API: headers, errors, model names, and the text of messages."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from offline.answers import tokens
from offline.wire import new_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offline.wire import Request

BASE = r"(?:/openai)?(?:/v1)?(?:/deployments/(?P<model>[^/]+))?"  # OpenAI's paths, and Azure's
MESSAGE_TOKENS = 3  # of each message in addition to its text
FULL_NAMES = {  # of the aliases in requests, as in responses
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-4.1": "gpt-4.1-2025-04-14",
    "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
    "o4-mini": "o4-mini-2025-04-16",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
}
ERRORS = {  # status: type, code, message
    400: ("invalid_request_error", "invalid_value", "This request cannot be understood"),
    401: ("invalid_request_error", "invalid_api_key", "This API key is not known"),
    403: ("invalid_request_error", "forbidden", "This project may not use the model"),
    404: ("invalid_request_error", "model_not_found", "There is no such model or path"),
    429: ("requests", "rate_limit_exceeded", "Too many requests; try again in 1 s"),
    500: ("server_error", None, "Something broke while the request was handled"),
    503: ("server_error", "overloaded", "Too busy at the moment"),
}


def headers() -> dict[str, str]:
    """Return the headers of every response."""
    return {
        "x-request-id": new_id("req_"),
        "openai-version": "2020-10-01",
        "openai-processing-ms": "7",
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-remaining-requests": "9999",
        "x-ratelimit-reset-requests": "6ms",
        "x-ratelimit-limit-tokens": "2000000",
        "x-ratelimit-remaining-tokens": "1999000",
        "x-ratelimit-reset-tokens": "30ms",
    }


def error(status: int, request: Request) -> dict[str, Any]:
    """Return the body of an HTTP error."""
    kind, code, message = ERRORS.get(status, ERRORS[500 if status >= 500 else 400])  # noqa: PLR2004  HTTP's own classes
    about = request.body.get("offline_error") or request.body.get("model") or request.path
    return {"error": {"message": f"{message}: {about}", "type": kind, "param": None, "code": code}}


def full_name(model: str) -> str:
    """Return the full name of a model."""
    return FULL_NAMES.get(model, model)


def now() -> int:
    """Return the present time in seconds, as in `created`."""
    return int(time.time())


def text_of(content: Any) -> str:
    """Return the text of a message's content: a text, or typed parts."""
    if isinstance(content, str):
        return content
    return " ".join(part.get("text") or part.get("refusal") or "" for part in content or ())


def input_tokens(texts: Iterable[str]) -> int:
    """Return how many input tokens messages with these texts have."""
    return sum(MESSAGE_TOKENS + tokens(text) for text in texts)
