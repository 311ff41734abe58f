"""What Google's two SDKs share: operations on models, each named in the wire's own words."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.model import ErrorInfo, HttpResponse, Operation, Request, Response
from hilt_autolog.contracts.sdk_objects import fields, sdk_version, text_or_none
from hilt_autolog.providers._transport import transport_code

from .answers import AnswerAccumulator, answer
from .contents import at, content_messages, sequence
from .media import embedded, embedding, images, instances, predicted_embedding

if TYPE_CHECKING:
    from collections.abc import Mapping


_SPOKEN = ("contents", "systemInstruction", "model")
_EMBEDDED = ("requests", "content", "model")
_PREDICTED = ("instances",)
GENERATE = Operation("generateContent", content_messages, answer, AnswerAccumulator, _SPOKEN)
EMBED = Operation("embedContent", embedded, embedding, None, _EMBEDDED, is_embedding=True)
EMBED_BATCH = Operation("batchEmbedContents", embedded, embedding, None, _EMBEDDED, is_embedding=True)
PREDICT_VECTORS = Operation("predict", instances, predicted_embedding, None, _PREDICTED, is_embedding=True)
PREDICT_IMAGES = Operation("predict", instances, images, None, _PREDICTED)


class Sdk:
    """The part of a provider that knows nothing of its SDK's objects."""

    package = ""

    def http_response(self, _kwargs: Mapping[str, Any]) -> HttpResponse | None:
        """Return nothing: these SDKs keep their HTTP responses to themselves."""
        return None

    def response_from_body(self, _prompt: Request, _content: bytes, _http: HttpResponse) -> Response:
        """Return nothing: no program reads a body by itself."""
        return Response()

    def error_info(self, error: BaseException) -> ErrorInfo:
        """Read an exception."""
        return failure(error)

    def asked(
        self, operation: Operation, body: dict[str, Any], provider: str, model: str | None, server: str | None
    ) -> Request:
        """Return the facts of a request."""
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
    """Return the provider's name for the request; Google seldom gives one."""
    return next(filter(None, map(headers.get, ("x-request-id", "x-goog-request-id"))), None)


@lru_cache(maxsize=256)
def host(url: str) -> str | None:
    """Return the host, and the port if one is named, of an address with or without a scheme."""
    found = re.match(r"(?:\w+://)?(?:[^/@]*@)?([^/?#]+)", url)
    return found[1] if found else None


@lru_cache(maxsize=256)
def model_name(resource: str) -> str:
    """Return a model's plain name out of its resource's; of a tuned one or an endpoint, with its kind."""
    head, _, name = resource.rpartition("/")
    kind = head.rpartition("/")[2]
    return name if kind in ("", "models", "google") else f"{kind}/{name}"


def failure(error: BaseException) -> ErrorInfo:
    """Read an exception."""
    known = fields(error)
    details = fields(known.get("details"))
    status = _status(error, known)
    code = text_or_none(known.get("status")) or _grpc_code(error)
    return ErrorInfo(
        text=text_or_none(known.get("message")) or str(error) or type(error).__name__,
        type=type(error).__name__,
        code=code or transport_code(error, status),
        status=status,
        retry_after=_retry_after(fields(details.get("error")) or details, known),
    )


def _status(error: BaseException, known: Mapping[str, Any]) -> int | None:
    """Return the HTTP status; an error that came over gRPC, or inside of a stream, has a code of its own."""
    response = known.get("response") or known.get("_response")
    for holder, name in ((response, "status_code"), (response, "status"), (error, "code")):
        status = getattr(holder, name, None)
        if type(status) is int and (holder is response or known.get("code") == status):
            return status
    return None


def _grpc_code(error: BaseException) -> str | None:
    name = getattr(getattr(error, "grpc_status_code", None), "name", None)
    return text_or_none(name)


def _retry_after(details: Mapping[str, Any], known: Mapping[str, Any]) -> float | None:
    """Return the seconds that the provider asks to wait."""
    for one in (*sequence(details.get("details")), *sequence(known.get("_details"))):
        delay = at(fields(one), "retryDelay")
        if delay is None:
            delay = getattr(one, "retry_delay", None)  # of a proto
        seconds = getattr(delay, "seconds", None)
        if type(seconds) is int:
            return seconds + getattr(delay, "nanos", 0) / 1e9
        if isinstance(delay, str) and delay.endswith("s"):
            try:
                return float(delay[:-1])
            except ValueError:
                continue
    return None
