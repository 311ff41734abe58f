"""The clients within google-genai that interactions are made with: one in 1.x, another since."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from hilt_autolog.contracts.model import HttpResponse, Operation, Request, Response
from hilt_autolog.contracts.provider import Coverage, PatchTarget, StreamInfo
from hilt_autolog.contracts.sdk_objects import fields, sdk_version, text_or_none
from hilt_autolog.providers._stainless import StainlessProvider
from hilt_autolog.providers._transport import HOSTS

from .interactions import InteractionAccumulator, interaction_failure, interaction_messages, interaction_reply
from .sdk import Sdk, request_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hilt_autolog.contracts.provider import Provider

_BASE = "google.genai._gaos.basesdk"
_PATH = re.compile(r".*/interactions(?:/(?P<id>[^/:]+))?$")
_SAID = ("input", "system_instruction", "model", "agent", "stream", "previous_interaction_id")
CREATE = Operation(
    "interactions",
    interaction_messages,
    interaction_reply,
    InteractionAccumulator,
    _SAID,
    stores_responses=True,
)
GET = replace(CREATE, name="interactions.get", content_keys=(), kind="fetch")
_ERRORS = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    409: "ConflictError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
}
_FAILED, _THEIR_FAULT = 400, 500


class Interactions(Sdk):
    """The client within google-genai 2 and 3, whose requests are the HTTP library's own."""

    package = "google.genai"
    targets = (
        PatchTarget(_BASE, "BaseSDK", "do_request", "request"),
        PatchTarget(_BASE, "AsyncBaseSDK", "do_request_async", "async request"),
    )
    coverage = (Coverage(CREATE.name, targets, streams=True), Coverage(GET.name, targets, streams=True))

    def request(
        self,
        _client: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        clean: Callable[[Any], Any] | None = None,
    ) -> Request | None:
        """Read `sdk.do_request(hook_ctx, request, ...)`; the request is one of the HTTP library's."""
        request = kwargs["request"] if "request" in kwargs else args[1]
        url = request.url
        found = _PATH.match(url.path)
        operation = {"POST": CREATE, "GET": GET}.get(request.method)
        if found is None or operation is None or bool(found["id"]) is not (operation is GET):
            return None
        body = {} if operation is GET else fields(orjson.loads(request.content))
        provider = "vertex" if "/projects/" in url.path or "aiplatform" in url.host else "gemini"
        model = text_or_none(body.get("model")) or text_or_none(body.get("agent"))
        server = url.host if url.port is None else f"{url.host}:{url.port}"
        prompt = self.asked(operation, clean(body) if clean else body, provider, model, server)
        prompt.previous_response_id = found["id"] or text_or_none(body.get("previous_interaction_id"))
        prompt.service_tier = text_or_none(body.get("service_tier"))
        return prompt

    def http_response(self, kwargs: Mapping[str, Any]) -> HttpResponse | None:
        """Return the response that the call returns."""
        response = kwargs["response"]
        return HttpResponse(response, response.status_code, request_id=request_id(response.headers))

    def stream_info(self, _result: Any) -> StreamInfo | None:
        """Return nothing: a response that streams is watched while it is read."""
        return None

    def response(self, prompt: Request, _result: Any, http: HttpResponse | None) -> Response:
        """Read a response whose body is whole."""
        return Response() if http is None else self.response_from_body(prompt, http.response.content, http)

    def response_from_body(self, prompt: Request, content: bytes, http: HttpResponse) -> Response:
        """Read the body of a response; one that tells of a failure is raised by what called us."""
        try:
            body = fields(orjson.loads(content))
        except orjson.JSONDecodeError:
            body = {}
        status = http.status or 0
        if status < _FAILED:
            return prompt.operation.parse_response(body)
        name = "InternalServerError" if status >= _THEIR_FAULT else _ERRORS.get(status, "APIStatusError")
        failed = interaction_failure(fields(body.get("error")), name)
        failed.status = status
        return Response(error=failed)


class OlderInteractions(StainlessProvider):
    """The client within google-genai 1, which Stainless's generator has made."""

    def request(
        self,
        client: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        clean: Callable[[Any], Any] | None = None,
    ) -> Request | None:
        """Read `client.request(cast_to, options, ...)`."""
        prompt = super().request(client, args, kwargs, clean)
        if prompt is not None:
            options = kwargs["options"] if "options" in kwargs else args[1]
            before = fields(options.json_data).get("previous_interaction_id")
            prompt.previous_response_id = prompt.previous_response_id or text_or_none(before)
            prompt.model = prompt.model or text_or_none(fields(options.json_data).get("agent"))
            prompt.sdk = sdk_version("google.genai")
        return prompt


_VERSIONS = ("v1", "v1beta", "v1beta1", "v1alpha")
_ROUTES = {("post", f"/{version}/interactions"): CREATE for version in _VERSIONS}
_ROUTES |= {("get", f"/{version}/interactions/{{id}}"): GET for version in _VERSIONS}

INTERACTIONS: tuple[Provider, ...] = (
    Interactions(),
    OlderInteractions("google.genai._interactions", _ROUTES, "gemini", HOSTS),
)
