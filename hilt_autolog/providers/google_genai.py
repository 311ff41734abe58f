"""google-genai: the Gemini API and Vertex AI.

Whatever the program calls (models, chats, automatic function calling, continuation), each request to a model
passes through the API client's `request`, or one of its three twins, once: as the path, and the body in the
wire's JSON, and comes back as a body of JSON. The functions of the models that read this body are watched
for their failing only.
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
from hilt_autolog.providers._google.answers import AnswerAccumulator
from hilt_autolog.providers._google.interactions_sdk import INTERACTIONS
from hilt_autolog.providers._google.live_sdk import Live
from hilt_autolog.providers._google.sdk import (
    EMBED,
    EMBED_BATCH,
    GENERATE,
    PREDICT_IMAGES,
    PREDICT_VECTORS,
    Sdk,
    host,
    model_name,
    request_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hilt_autolog.contracts.model import Delta
    from hilt_autolog.contracts.provider import Provider

_CLIENT = "google.genai._api_client"
_MODELS = "google.genai.models"
_READERS = ("_generate_content", "_embed_content", "_generate_images", "_edit_image", "_upscale_image")
_CHATS = "google.genai.chats"
_PATH = re.compile(r"(?P<resource>[^?]+):(?P<verb>\w+)(?:\?|$)")
_OK = 200  # the only status that this SDK takes for an answer


_REQUESTS = (
    PatchTarget(_CLIENT, "BaseApiClient", "request", "call"),
    PatchTarget(_CLIENT, "BaseApiClient", "async_request", "async call"),
)
_STREAMS = (
    PatchTarget(_CLIENT, "BaseApiClient", "request_streamed", "generator"),
    PatchTarget(_CLIENT, "BaseApiClient", "async_request_streamed", "async call"),
)


class Genai(Sdk):
    """The SDK as a provider."""

    package = "google.genai"
    targets = (
        *_REQUESTS,
        *_STREAMS,
        *(PatchTarget(_MODELS, "Models", name, "parser") for name in _READERS),
        *(PatchTarget(_MODELS, "AsyncModels", name, "async parser") for name in _READERS),
    )

    coverage = (
        Coverage("generateContent", (*_REQUESTS, *_STREAMS), streams=True),
        *(Coverage(name, _REQUESTS) for name in ("embedContent", "batchEmbedContents", "predict")),
    )

    def request(
        self,
        client: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        clean: Callable[[Any], Any] | None = None,
    ) -> Request | None:
        """Read `client.request(http_method, path, request_dict, http_options)`."""
        names = ("http_method", "path", "request_dict")
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        found = _PATH.match(given["path"])
        if found is None:
            return None
        body = given.get("request_dict")
        body = fields(clean(body) if clean is not None else body)
        operation = _operation(found["verb"], body)
        if operation is None:
            return None
        server = host(str(fields(getattr(client, "_http_options", None)).get("base_url") or ""))
        provider = "vertex" if getattr(client, "vertexai", None) else "gemini"
        prompt = self.asked(operation, body, provider, model_name(found["resource"]), server)
        prompt.chat_object_id = _chat()
        return prompt

    def stream_info(self, result: Any) -> StreamInfo | None:
        """Say of a generator of responses that it is a stream, which the SDK makes another of."""
        return StreamInfo() if hasattr(type(result), "__anext__") else None

    def response(self, prompt: Request, result: Any, _http: HttpResponse | None) -> Response:
        """Read a response whose body is whole."""
        reply = prompt.operation.parse_response(_body(result))
        reply.http = _head(result)
        return reply


class ResponseAccumulator(AnswerAccumulator):
    """Accumulates a stream of responses, each with one chunk as its body."""

    __slots__ = ()

    def add(self, chunk: Any) -> Sequence[Delta]:
        """Take a response."""
        if self._reply.http is None:
            self._reply.http = _head(chunk)
        return super().add(_body(chunk))


_DEEPEST = 16  # frames between a chat and its request; there are six or seven, with ours


def _chat() -> int | None:
    """Return the identity of the chat that asks: neither a request nor its contents name it."""
    frame = sys._getframe(2)  # noqa: SLF001  who calls us is a fact about the call
    for _ in range(_DEEPEST):
        if frame.f_globals.get("__name__") == _CHATS:
            chat = frame.f_locals.get("self")
            return None if chat is None else id(chat)
        if frame.f_back is None:
            break
        frame = frame.f_back
    return None


_GENERATE = replace(GENERATE, accumulator=ResponseAccumulator)
_OPERATIONS = {
    "generateContent": _GENERATE,
    "streamGenerateContent": _GENERATE,
    "embedContent": EMBED,
    "batchEmbedContents": EMBED_BATCH,
}


def _operation(verb: str, body: Mapping[str, Any]) -> Operation | None:
    if verb != "predict":
        return _OPERATIONS.get(verb)
    instances = body.get("instances")
    is_text = isinstance(instances, list) and any("content" in fields(one) for one in instances)
    return PREDICT_VECTORS if is_text else PREDICT_IMAGES


def _body(response: Any) -> dict[str, Any]:
    """Return the JSON of a response's body; of a broken one nothing: the SDK fails at it in its next line."""
    text = fields(response).get("body") or "{}"
    for loads in (orjson.loads, json.loads):  # the first is strict about lone surrogates and NaN
        try:
            return fields(loads(text))
        except (ValueError, TypeError):
            continue
    return {}


def _head(response: Any) -> HttpResponse:
    headers = fields(fields(response).get("headers"))
    return HttpResponse(ResponseHead(_OK, headers), _OK, request_id=text_or_none(request_id(headers)))


PROVIDER: Provider = Genai()
EXTRA_PROVIDERS = (*INTERACTIONS, Live(Genai()))
