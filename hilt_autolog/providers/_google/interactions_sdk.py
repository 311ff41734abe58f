"""The clients in google-genai that call the interactions API: one in version 1, another since version 2."""

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

from .interactions import InteractionAccumulator, parse_input, parse_interaction, parse_interaction_error
from .sdk import GoogleProvider, request_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.provider import Provider
    from hilt_autolog.contracts.types import JsonMapping

_BASE_SDK = "google.genai._gaos.basesdk"
_PATH = re.compile(r".*/interactions(?:/(?P<id>[^/:]+))?$")
_CONTENT_KEYS = ("input", "system_instruction", "model", "agent", "stream", "previous_interaction_id")
CREATE = Operation(
    "interactions",
    parse_input,
    parse_interaction,
    InteractionAccumulator,
    _CONTENT_KEYS,
    stores_responses=True,
)
GET = replace(CREATE, name="interactions.get", content_keys=(), kind="fetch")
# google-genai 3.6 _interactions_errors.py: the exceptions by status
_ERRORS = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    409: "ConflictError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
}
_MIN_ERROR, _MIN_SERVER_ERROR = 400, 500


class Interactions(GoogleProvider):
    """The client of google-genai 2 and 3, whose requests and responses are the HTTP library's own.

    google-genai 3.6 _gaos/basesdk.py: `do_request` returns error responses too; its callers raise.
    """

    package = "google.genai"
    targets = (
        PatchTarget(_BASE_SDK, "BaseSDK", "do_request", "request"),
        PatchTarget(_BASE_SDK, "AsyncBaseSDK", "do_request_async", "async request"),
    )
    coverage = (Coverage(CREATE.name, targets, streams=True), Coverage(GET.name, targets, streams=True))

    def request(
        self,
        _client: object,
        args: tuple[Any, ...],
        kwargs: JsonMapping,
        to_json: Callable[[object], Any] | None = None,
    ) -> Request | None:
        """Parse `sdk.do_request(hook_ctx, request, ...)`, whose `request` is the HTTP library's."""
        http_request = kwargs["request"] if "request" in kwargs else args[1]
        url = http_request.url
        match = _PATH.match(url.path)
        operation = {"POST": CREATE, "GET": GET}.get(http_request.method)
        if match is None or operation is None or bool(match["id"]) is not (operation is GET):
            return None
        body = {} if operation is GET else fields(orjson.loads(http_request.content))
        provider = "vertex" if "/projects/" in url.path or "aiplatform" in url.host else "gemini"
        model = text_or_none(body.get("model")) or text_or_none(body.get("agent"))
        server = url.host if url.port is None else f"{url.host}:{url.port}"
        request = self.build_request(operation, to_json(body) if to_json else body, provider, model, server)
        request.previous_response_id = match["id"] or text_or_none(body.get("previous_interaction_id"))
        request.service_tier = text_or_none(body.get("service_tier"))
        return request

    def http_response(self, kwargs: JsonMapping) -> HttpResponse | None:
        """Return the HTTP response that the call returns."""
        response = kwargs["response"]
        return HttpResponse(response, response.status_code, request_id=request_id(response.headers))

    def stream_info(self, _result: object) -> StreamInfo | None:
        """Return None: the body of a streamed response is recorded while the SDK reads it."""
        return None

    def response(self, request: Request, _result: object, http: HttpResponse | None) -> Response:
        """Parse a response whose body has been read."""
        return Response() if http is None else self.response_from_body(request, http.response.content, http)

    def response_from_body(self, request: Request, content: bytes, http: HttpResponse) -> Response:
        """Parse the body of a response; of an error status, as the exception that the SDK will raise."""
        try:
            body = fields(orjson.loads(content))
        except orjson.JSONDecodeError:
            body = {}
        status = http.status or 0
        if status < _MIN_ERROR:
            return request.operation.parse_response(body)
        name = "InternalServerError" if status >= _MIN_SERVER_ERROR else _ERRORS.get(status, "APIStatusError")
        error_info = parse_interaction_error(fields(body.get("error")), name)
        error_info.status = status
        return Response(error=error_info)


class OlderInteractions(StainlessProvider):
    """The client of google-genai 1, which is generated by Stainless."""

    def request(
        self,
        client: Any,
        args: tuple[Any, ...],
        kwargs: JsonMapping,
        to_json: Callable[[object], Any] | None = None,
    ) -> Request | None:
        """Parse `client.request(cast_to, options, ...)`."""
        request = super().request(client, args, kwargs, to_json)
        if request is not None:
            options = kwargs["options"] if "options" in kwargs else args[1]
            body = fields(options.json_data)
            previous_id = text_or_none(body.get("previous_interaction_id"))
            request.previous_response_id = request.previous_response_id or previous_id
            request.model = request.model or text_or_none(body.get("agent"))
            request.sdk = sdk_version("google.genai")
        return request


_VERSIONS = ("v1", "v1beta", "v1beta1", "v1alpha")
_ROUTES = {("post", f"/{version}/interactions"): CREATE for version in _VERSIONS}
_ROUTES |= {("get", f"/{version}/interactions/{{id}}"): GET for version in _VERSIONS}

INTERACTIONS: tuple[Provider, ...] = (
    Interactions(),
    OlderInteractions("google.genai._interactions", _ROUTES, "gemini", HOSTS),
)
