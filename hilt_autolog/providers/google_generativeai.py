"""google-generativeai, Google's older SDK: over gRPC, or over REST.

Each request to a model, of models, chats, automatic function calling or embeddings, calls a method of the
generated service clients (google-ai-generativelanguage) once: with a protobuf message. The result is another
message, or an iterator of them, which the SDK wraps in an object of its own. Messages are only read.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.model import HttpResponse, Operation, Request, Response, ResponseHead
from hilt_autolog.contracts.provider import Coverage, PatchTarget, StreamInfo
from hilt_autolog.contracts.sdk_objects import fields, text_or_none
from hilt_autolog.providers._google.answers import GeminiAccumulator, parse_response
from hilt_autolog.providers._google.sdk import EMBED, EMBED_BATCH, GENERATE, GoogleProvider, model_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.model import Delta
    from hilt_autolog.contracts.provider import Provider
    from hilt_autolog.contracts.types import JsonMapping

_SERVICE = "google.ai.generativelanguage_v1beta.services.generative_service"
_METHODS = {  # of the service clients, by operation
    "generateContent": ("generate_content", "stream_generate_content"),
    "embedContent": ("embed_content",),
    "batchEmbedContents": ("batch_embed_contents",),
    "generateAnswer": ("generate_answer",),
}


def _targets(names: tuple[str, ...]) -> tuple[PatchTarget, ...]:
    client, async_client = f"{_SERVICE}.client", f"{_SERVICE}.async_client"
    return (
        *(PatchTarget(client, "GenerativeServiceClient", name, "call") for name in names),
        *(PatchTarget(async_client, "GenerativeServiceAsyncClient", name, "async call") for name in names),
    )


class Generativeai(GoogleProvider):
    """The provider for google-generativeai."""

    package = "google.generativeai"
    coverage = tuple(Coverage(name, _targets(names), len(names) > 1) for name, names in _METHODS.items())
    targets = tuple(target for operation in coverage for target in operation.targets)

    def request(
        self,
        client: object,
        args: tuple[object, ...],
        kwargs: JsonMapping,
        to_json: Callable[[object], Any] | None = None,
    ) -> Request | None:
        """Parse `client.<method>(request)`, or the fields of the request as keyword arguments."""
        message = args[0] if args else kwargs.get("request")
        body = fields(proto_to_json(message))
        body = body | {name: proto_to_json(kwargs[name]) for name in _REQUEST_FIELDS if name in kwargs}
        if to_json is not None:
            body = to_json(body)
        # google-ai-generativelanguage 0.6 async_client.py: the async client has a plain one in `_client`
        attributes = fields(client)
        transport = fields((fields(attributes.get("_client")) or attributes).get("_transport"))
        server = text_or_none(transport.get("_host"))
        return self.build_request(
            _operation(type(message).__name__, body, is_rest="_session" in transport),
            body,
            "gemini",
            text_or_none(model_name(str(body.get("model") or ""))),
            server.removesuffix(":443") if server else None,
        )

    def stream_info(self, result: object) -> StreamInfo | None:
        """Return a `StreamInfo` for an iterator: it is the stream, and the SDK wraps it in another object.

        google-generativeai 0.8 types/generation_types.py: `GenerateContentResponse.from_iterator`.
        """
        kind = type(result)
        return StreamInfo() if hasattr(kind, "__next__") or hasattr(kind, "__aiter__") else None

    def response(self, request: Request, result: object, _http: HttpResponse | None) -> Response:
        """Parse a complete response."""
        return request.operation.parse_response(fields(proto_to_json(result)))


class ProtoAccumulator(GeminiAccumulator):
    """Accumulates a stream of protobuf messages."""

    __slots__ = ()

    def add(self, chunk: object) -> Sequence[Delta]:
        """Add a message; return what is new in it."""
        return super().add(proto_to_json(chunk))


class RestAccumulator(ProtoAccumulator):
    """Accumulates a stream of protobuf messages that are received over REST."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__()
        self._response.http = _REST_RESPONSE


_REQUEST_FIELDS = ("model", "contents", "content", "requests")  # which can be keyword arguments
# google-ai-generativelanguage 0.6 transports/rest.py: the client raises if the status is not a success
_REST_RESPONSE = HttpResponse(ResponseHead(200, {}), 200)


def _parse_generated_answer(body: JsonMapping) -> Response:
    """Parse the response of `generateAnswer`: its `answer` is a candidate."""
    return parse_response({"candidates": [body["answer"]]} if body.get("answer") else {})


_GENERATE = replace(GENERATE, accumulator=ProtoAccumulator)
_ANSWER = replace(GENERATE, name="generateAnswer", parse_response=_parse_generated_answer)


def _operation(message_type: str, body: JsonMapping, *, is_rest: bool) -> Operation:
    if message_type == "GenerateAnswerRequest":
        operation = _ANSWER
    elif "requests" in body:
        operation = EMBED_BATCH
    else:
        operation = EMBED if "content" in body else _GENERATE
    return _REST_OPERATIONS[operation.name] if is_rest else operation


def _rest_operation(operation: Operation) -> Operation:
    """Return the operation with an HTTP status in its responses: gRPC has none."""

    def parse(body: JsonMapping) -> Response:
        response = operation.parse_response(body)
        response.http = _REST_RESPONSE
        return response

    return replace(
        operation,
        parse_response=parse,
        accumulator=RestAccumulator if operation.accumulator is not None else None,
    )


_REST_OPERATIONS = {
    operation.name: _rest_operation(operation) for operation in (_GENERATE, _ANSWER, EMBED, EMBED_BATCH)
}


def proto_to_json(value: Any) -> Any:
    """Return a protobuf message as the API's JSON; a list or a dict with each of its items converted."""
    if isinstance(value, dict):
        return {name: proto_to_json(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):  # repeated fields are sequences
        return [proto_to_json(item) for item in value]
    message = fields(value).get("_pb", value)  # proto-plus 1.28 message.py: `Message._pb`
    json_format = sys.modules.get("google.protobuf.json_format")
    if json_format is None or not hasattr(message, "DESCRIPTOR"):
        return value
    return _with_integers(json_format.MessageToDict(message))


def _with_integers(value: object) -> object:
    """Return JSON with whole floats as integers: a `google.protobuf.Struct` has floats only."""
    if isinstance(value, dict):
        return {name: _with_integers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_integers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


PROVIDER: Provider = Generativeai()
