"""What both of Google's SDKs share: the operations on models, with the endpoints' own names, and errors."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from hilt_autolog.contracts.model import ErrorInfo, HttpResponse, Operation, Request
from hilt_autolog.contracts.sdk_objects import fields, list_or_empty, sdk_version, text_or_none
from hilt_autolog.providers._endpoints import connection_error_code

from .answers import GeminiAccumulator, parse_response
from .contents import get_key, parse_contents
from .media import (
    parse_embedding,
    parse_embedding_inputs,
    parse_images,
    parse_instances,
    parse_predicted_embedding,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hilt_autolog.contracts.types import JsonMapping, JsonObject


_GENERATE_KEYS = ("contents", "systemInstruction", "model")
_EMBED_KEYS = ("requests", "content", "model")
_PREDICT_KEYS = ("instances",)
GENERATE = Operation("generateContent", parse_contents, parse_response, GeminiAccumulator, _GENERATE_KEYS)
EMBED = Operation(
    "embedContent", parse_embedding_inputs, parse_embedding, None, _EMBED_KEYS, is_embedding=True
)
EMBED_BATCH = Operation(
    "batchEmbedContents", parse_embedding_inputs, parse_embedding, None, _EMBED_KEYS, is_embedding=True
)
PREDICT_VECTORS = Operation(
    "predict", parse_instances, parse_predicted_embedding, None, _PREDICT_KEYS, is_embedding=True
)
PREDICT_IMAGES = Operation("predict", parse_instances, parse_images, None, _PREDICT_KEYS)


class GoogleProvider:
    """The part of a provider that reads none of its SDK's objects."""

    package = ""

    def http_response(self, _kwargs: JsonMapping) -> HttpResponse | None:
        """Return None: these SDKs do not expose their HTTP responses."""
        return None

    def error_info(self, error: BaseException) -> ErrorInfo:
        """Parse an exception."""
        return parse_error(error)

    def build_request(
        self, operation: Operation, body: JsonObject, provider: str, model: str | None, server: str | None
    ) -> Request:
        """Return a request.

        Args:
            operation: parses the body.
            body: the request's JSON, with camelCase keys.
            provider: gemini or vertex.
            model: the model's name.
            server: host and port.
        """
        return Request(
            operation=operation,
            provider=provider,
            model=model,
            messages=operation.parse_messages(body),
            parameters={
                name: value
                for name, value in body.items()
                if name not in operation.content_keys and not name.startswith("_") and value is not None
            },
            server=server,
            sdk=sdk_version(self.package),
            service_tier=text_or_none(body.get("serviceTier")),
        )


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the provider's id of the request, which Google seldom sends."""
    return next(filter(None, map(headers.get, ("x-request-id", "x-goog-request-id"))), None)


@lru_cache(maxsize=256)
def host(url: str) -> str | None:
    """Return the host of a URL, with or without a scheme, and its port if it has one."""
    match = re.match(r"(?:\w+://)?(?:[^/@]*@)?([^/?#]+)", url)
    return match[1] if match else None


@lru_cache(maxsize=256)
def model_name(resource: str) -> str:
    """Return the model's name in a resource path: `models/m` -> `m`, `tunedModels/m` -> `tunedModels/m`."""
    parent, _, name = resource.rpartition("/")
    collection = parent.rpartition("/")[2]
    return name if collection in ("", "models", "google") else f"{collection}/{name}"


# --- errors


def parse_error(error: BaseException) -> ErrorInfo:
    """Parse an exception of google-genai, of google-api-core (gRPC, REST) or of an HTTP library."""
    source = fields(error)
    details = fields(source.get("details"))
    status = _status(error, source)
    code = text_or_none(source.get("status")) or _grpc_code(error)
    return ErrorInfo(
        text=text_or_none(source.get("message")) or str(error) or type(error).__name__,
        type=type(error).__name__,
        code=code or connection_error_code(error, status),
        status=status,
        retry_after=_retry_after(fields(details.get("error")) or details, source),
    )


def _status(error: BaseException, source: JsonMapping) -> int | None:
    """Return the HTTP status; for an error over gRPC, or within a stream, the exception's own `code`."""
    response = source.get("response") or source.get("_response")
    for holder, name in ((response, "status_code"), (response, "status"), (error, "code")):
        status = getattr(holder, name, None)
        if type(status) is int and (holder is response or source.get("code") == status):
            return status
    return None


def _grpc_code(error: BaseException) -> str | None:
    name = getattr(getattr(error, "grpc_status_code", None), "name", None)
    return text_or_none(name)


def _retry_after(details: JsonMapping, source: JsonMapping) -> float | None:
    """Return the delay that the provider asks for, in seconds.

    It is in a `google.rpc.RetryInfo`: as JSON in the details of google-genai's errors (`"retryDelay": "7s"`),
    as a protobuf message in `_details` of google-api-core's.
    """
    for detail in (*list_or_empty(details.get("details")), *list_or_empty(source.get("_details"))):
        delay = get_key(fields(detail), "retryDelay")
        if delay is None:
            delay = getattr(detail, "retry_delay", None)  # of a protobuf message
        seconds = getattr(delay, "seconds", None)
        if type(seconds) is int:
            return seconds + getattr(delay, "nanos", 0) / 1e9
        if isinstance(delay, str) and delay.endswith("s"):
            try:
                return float(delay[:-1])
            except ValueError:
                continue
    return None
