"""The common parts of Gemini's API: headers, errors, token counts, and the text of contents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offline.answers import tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offline.wire import Request

# The Gemini API's paths, and Vertex AI's with a key or within a project.
MODELS = r"/v1(?:beta1?)?(?:/projects/[^/]+/locations/[^/]+)?(?:/publishers/google)?/models/(?P<model>[^/:]+)"
CONTENT_TOKENS = 2  # of each content in addition to its text
ERRORS = {  # HTTP status: the status by name, message
    400: ("INVALID_ARGUMENT", "This request cannot be understood"),
    401: ("UNAUTHENTICATED", "This API key is not known"),
    403: ("PERMISSION_DENIED", "This project may not use the model"),
    404: ("NOT_FOUND", "There is no such model or path"),
    429: ("RESOURCE_EXHAUSTED", "Too many requests; try again in 1 s"),
    500: ("INTERNAL", "Something broke while the request was handled"),
    503: ("UNAVAILABLE", "Too busy at the moment"),
    504: ("DEADLINE_EXCEEDED", "It took too long"),
}


def headers() -> dict[str, str]:
    """Return the headers of every response."""
    return {"server-timing": "gfet4t7; dur=7", "vary": "Origin"}


def error(status: int, request: Request) -> dict[str, Any]:
    """Return the body of an HTTP error."""
    name, message = ERRORS.get(status, ERRORS[500 if status >= 500 else 400])  # noqa: PLR2004  HTTP's own classes
    about = request.body.get("offline_error") or request.body.get("model") or request.path
    details = []
    if status == 429:  # noqa: PLR2004  as above
        details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"}]
    body: dict[str, Any] = {"code": status, "message": f"{message}: {about}", "status": name}
    return {"error": body | ({"details": details} if details else {})}


def get_key(payload: Any, name: str) -> Any:
    """Return the value of a camelCase key, or of the same key in snake_case: the API accepts both."""
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return payload[name] if name in payload else payload.get(snake)


def text_of(content: Any) -> str:
    """Return the text of a content, without thoughts."""
    parts = (content or {}).get("parts") or ()
    return " ".join(part["text"] for part in parts if part.get("text") and not part.get("thought"))


def input_tokens(texts: Iterable[str]) -> int:
    """Return how many input tokens contents with these texts have."""
    return sum(CONTENT_TOKENS + tokens(text) for text in texts)
