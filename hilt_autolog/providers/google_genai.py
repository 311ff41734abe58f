"""google-genai: the Gemini API and Vertex AI.

Each request to a model, of models, chats, automatic function calling or continuations, calls the API client's
`request`, or its streamed or async variants, once: with a path and a body in the API's JSON. The response is
returned as a body of JSON. The functions of the models that parse this body are wrapped for their exceptions
alone.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from hilt_autolog.contracts.model import HttpResponse, Operation, Request, Response, ResponseHead
from hilt_autolog.contracts.provider import Coverage, PatchTarget, StreamInfo
from hilt_autolog.contracts.sdk_objects import fields, text_or_none
from hilt_autolog.providers._google.answers import GeminiAccumulator
from hilt_autolog.providers._google.interactions_sdk import INTERACTIONS
from hilt_autolog.providers._google.live import Live
from hilt_autolog.providers._google.sdk import (
    EMBED,
    EMBED_BATCH,
    GENERATE,
    PREDICT_IMAGES,
    PREDICT_VECTORS,
    GoogleProvider,
    host,
    model_name,
    request_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hilt_autolog.contracts.model import Delta
    from hilt_autolog.contracts.provider import Provider
    from hilt_autolog.contracts.types import JsonMapping, JsonObject

_CLIENT = "google.genai._api_client"
_MODELS = "google.genai.models"
_PARSERS = (
    "_generate_content",
    "_embed_content",
    "_generate_images",
    "_edit_image",
    "_upscale_image",
)
_CHATS = "google.genai.chats"
_PATH = re.compile(r"(?P<resource>[^?]+):(?P<method>\w+)(?:\?|$)")
_OK = 200  # google-genai 3.6 errors.py: `raise_for_response` raises on any other status


_REQUESTS = (
    PatchTarget(_CLIENT, "BaseApiClient", "request", "call"),
    PatchTarget(_CLIENT, "BaseApiClient", "async_request", "async call"),
)
_STREAMS = (
    # google-genai 3.6 _api_client.py: a generator function, and a coroutine that returns an async generator
    PatchTarget(_CLIENT, "BaseApiClient", "request_streamed", "generator"),
    PatchTarget(_CLIENT, "BaseApiClient", "async_request_streamed", "async call"),
)


class Genai(GoogleProvider):
    """The provider for google-genai."""

    package = "google.genai"
    targets = (
        *_REQUESTS,
        *_STREAMS,
        *(PatchTarget(_MODELS, "Models", name, "parser") for name in _PARSERS),
        *(PatchTarget(_MODELS, "AsyncModels", name, "async parser") for name in _PARSERS),
    )

    coverage = (
        Coverage("generateContent", (*_REQUESTS, *_STREAMS), streams=True),
        *(Coverage(name, _REQUESTS) for name in ("embedContent", "batchEmbedContents", "predict")),
    )

    def request(
        self,
        client: Any,
        args: tuple[Any, ...],
        kwargs: JsonMapping,
        to_json: Callable[[object], Any] | None = None,
    ) -> Request | None:
        """Parse `client.request(http_method, path, request_dict, http_options)`."""
        names = ("http_method", "path", "request_dict")
        arguments = {**dict(zip(names, args, strict=False)), **kwargs}
        match = _PATH.match(arguments["path"])
        if match is None:
            return None
        body = arguments.get("request_dict")
        body = fields(to_json(body) if to_json is not None else body)
        operation = _operation(match["method"], body)
        if operation is None:
            return None
        server = host(str(fields(getattr(client, "_http_options", None)).get("base_url") or ""))
        provider = "vertex" if getattr(client, "vertexai", None) else "gemini"
        request = self.build_request(operation, body, provider, model_name(match["resource"]), server)
        request.chat_object_id = _chat_object_id()
        return request

    def stream_info(self, result: object) -> StreamInfo | None:
        """Return a `StreamInfo` for a generator: it is the stream, and the SDK wraps it in another."""
        return StreamInfo() if hasattr(type(result), "__anext__") else None

    def response(self, request: Request, result: object, _http: HttpResponse | None) -> Response:
        """Parse a complete response."""
        response = request.operation.parse_response(_body(result))
        response.http = _http_response(result)
        return response


class HttpResponseAccumulator(GeminiAccumulator):
    """Accumulates a stream of the SDK's HTTP responses, each with one chunk as its body."""

    __slots__ = ()

    def add(self, chunk: object) -> Sequence[Delta]:
        """Add a response; return what is new in it."""
        if self._response.http is None:
            self._response.http = _http_response(chunk)
        return super().add(_body(chunk))


_MAX_FRAMES = 16  # to look through for a chat: six or seven are between it and `request`, with ours


def _chat_object_id() -> int | None:
    """Return the `id()` of the chat object that makes the call, from the stack: no argument names it.

    google-genai 3.6 chats.py: a `Chat` passes its history to `Models.generate_content`, nothing else.
    """
    frame = sys._getframe(2)  # noqa: SLF001  the only way to know the caller
    for _ in range(_MAX_FRAMES):
        if frame.f_globals.get("__name__") == _CHATS:
            chat = frame.f_locals.get("self")
            return None if chat is None else id(chat)
        if frame.f_back is None:
            break
        frame = frame.f_back
    return None


_GENERATE = replace(GENERATE, accumulator=HttpResponseAccumulator)
_OPERATIONS = {
    "generateContent": _GENERATE,
    "streamGenerateContent": _GENERATE,
    "embedContent": EMBED,
    "batchEmbedContents": EMBED_BATCH,
}


def _operation(method: str, body: JsonMapping) -> Operation | None:
    if method != "predict":
        return _OPERATIONS.get(method)
    instances = body.get("instances")
    is_text = isinstance(instances, list) and any("content" in fields(instance) for instance in instances)
    return PREDICT_VECTORS if is_text else PREDICT_IMAGES


def _body(response: object) -> JsonObject:
    """Return the JSON of a response's body; {} if it is invalid: the SDK raises on it right after this."""
    text = fields(response).get("body") or "{}"
    for loads in (orjson.loads, json.loads):  # orjson rejects lone surrogates and NaN, which the SDK accepts
        try:
            return fields(loads(text))
        except (ValueError, TypeError):
            continue
    return {}


def _http_response(response: object) -> HttpResponse:
    headers = fields(fields(response).get("headers"))
    return HttpResponse(ResponseHead(_OK, headers), _OK, request_id=text_or_none(request_id(headers)))


PROVIDER: Provider = Genai()
EXTRA_PROVIDERS = (*INTERACTIONS, Live(Genai()))
