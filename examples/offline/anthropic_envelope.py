"""What Anthropic's answers share: headers, errors, model names and usage."""

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
MESSAGE_TOKENS = 3  # that each message costs beyond its words
EXACT_NAMES = {"claude-haiku-4-5": "claude-haiku-4-5-20251001"}
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
    """Return the headers of every answer."""
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


def exact(model: str) -> str:
    """Return the name of the model that answers."""
    return EXACT_NAMES.get(model, model)


def text_of(content: Any) -> str:
    """Return the words of a message's content: a text, or typed blocks."""
    if isinstance(content, str):
        return content
    return " ".join(block["text"] for block in content or () if block.get("text"))


def read_tokens(body: Payload) -> int:
    """Return how many tokens a request costs to read."""
    return _cost([body.get("system") or (), *(message["content"] for message in body["messages"])])


def usage(body: Payload, written: int, thought: int) -> Payload:
    """Return the usage; where a request marks what to cache, all up to the model's last words was cached."""
    spoken = [n + 1 for n, message in enumerate(body["messages"]) if message["role"] == "assistant"]
    before = body | {"messages": body["messages"][: max(spoken, default=0)]}
    cached = read_tokens(before) if spoken and "cache_control" in str(body) else 0
    return {
        "input_tokens": read_tokens(body) - cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"thinking_tokens": thought},
        "service_tier": "standard",
    }


def _cost(contents: Iterable[Any]) -> int:
    return sum(MESSAGE_TOKENS + tokens(text_of(content)) for content in contents if content)
