"""The common parts of Anthropic's responses: headers, errors, model names and usage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offline.answers import tokens
from offline.wire import new_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offline.wire import Request

Payload = dict[str, Any]
BASE = r"(?:/anthropic)?/v1"  # Anthropic's paths, and those of Microsoft's Foundry
VERTEX = r"/v1/projects/[^/]+/locations/[^/]+/publishers/anthropic/models/(?P<model>[^/:]+)"
MESSAGE_TOKENS = 3  # of each message in addition to its text
FULL_NAMES = {"claude-haiku-4-5": "claude-haiku-4-5-20251001"}
ERRORS = {  # status: type, message
    400: ("invalid_request_error", "This request cannot be understood"),
    401: ("authentication_error", "This API key is not known"),
    403: ("permission_error", "This workspace may not use the model"),
    404: ("not_found_error", "There is no such model or path"),
    429: ("rate_limit_error", "Too many requests; try again in 1 s"),
    500: ("api_error", "Something broke while the request was handled"),
    529: ("overloaded_error", "Too busy at the moment"),
}


def headers() -> dict[str, str]:
    """Return the headers of every response."""
    return {
        "request-id": new_id("req_"),
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-tokens-limit": "2000000",
        "anthropic-ratelimit-tokens-remaining": "1999000",
    }


def error(status: int, request: Request) -> Payload:
    """Return the body of an HTTP error, or of an error in a stream."""
    kind, message = ERRORS.get(status, ERRORS[500 if status >= 500 else 400])  # noqa: PLR2004  HTTP's own classes
    about = request.body.get("offline_error") or request.body.get("model") or request.path
    return {"type": "error", "error": {"type": kind, "message": f"{message}: {about}"}, "request_id": None}


def full_name(model: str) -> str:
    """Return the full name of a model."""
    return FULL_NAMES.get(model, model)


def text_of(content: Any) -> str:
    """Return the text of a message's content: a text, or typed blocks."""
    if isinstance(content, str):
        return content
    return " ".join(block["text"] for block in content or () if block.get("text"))


def input_tokens(body: Payload) -> int:
    """Return how many input tokens a request has."""
    return _count([body.get("system") or (), *(message["content"] for message in body["messages"])])


def usage(body: Payload, output_tokens: int, thinking_tokens: int) -> Payload:
    """Return the usage; with `cache_control` in the request, all up to the last answer was cached."""
    ends = [n + 1 for n, message in enumerate(body["messages"]) if message["role"] == "assistant"]
    before = body | {"messages": body["messages"][: max(ends, default=0)]}
    cached = input_tokens(before) if ends and "cache_control" in str(body) else 0
    return {
        "input_tokens": input_tokens(body) - cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output_tokens,
        "output_tokens_details": {"thinking_tokens": thinking_tokens},
        "service_tier": "standard",
    }


def _count(contents: Iterable[Any]) -> int:
    return sum(MESSAGE_TOKENS + tokens(text_of(content)) for content in contents if content)
