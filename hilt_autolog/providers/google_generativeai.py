"""google-generativeai, the older SDK: over gRPC, or over REST.

Whatever the program calls (models, chats, automatic function calling, embeddings), each request passes
through a method of the generated service clients, once: as a proto message, and an answer comes back as one,
or as an iterator of them, which the SDK puts into an object of its own. Protos are only read.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.model import HttpResponse, Operation, Request, Response, ResponseHead
from hilt_autolog.contracts.provider import Coverage, PatchTarget, StreamInfo
from hilt_autolog.contracts.sdk_objects import fields, text_or_none
from hilt_autolog.providers._google.answers import AnswerAccumulator, answer
from hilt_autolog.providers._google.sdk import EMBED, EMBED_BATCH, GENERATE, Sdk, model_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hilt_autolog.contracts.model import Delta
    from hilt_autolog.contracts.provider import Provider

_SERVICE = "google.ai.generativelanguage_v1beta.services.generative_service"
_METHODS = {  # by the operation that each stands for
    "generateContent": ("generate_content", "stream_generate_content"),
    "embedContent": ("embed_content",),
    "batchEmbedContents": ("batch_embed_contents",),
    "generateAnswer": ("generate_answer",),
}


def _probes(names: tuple[str, ...]) -> tuple[PatchTarget, ...]:
    plain = [PatchTarget(f"{_SERVICE}.client", "GenerativeServiceClient", name, "call") for name in names]
    place, owner = f"{_SERVICE}.async_client", "GenerativeServiceAsyncClient"
    return (*plain, *(PatchTarget(place, owner, name, "async call") for name in names))


class Generativeai(Sdk):
    """The SDK as a provider."""

    package = "google.generativeai"
    coverage = tuple(Coverage(name, _probes(methods), len(methods) > 1) for name, methods in _METHODS.items())
    targets = tuple(probe for covered in coverage for probe in covered.targets)

    def request(
        self,
        client: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        clean: Callable[[Any], Any] | None = None,
    ) -> Request | None:
        """Read `client.<method>(request)`, or the fields of the request given one by one."""
        request = args[0] if args else kwargs.get("request")
        body = fields(plain(request)) | {name: plain(kwargs[name]) for name in _FIELDS if name in kwargs}
        if clean is not None:
            body = clean(body)
        known = fields(client)
        transport = fields((fields(known.get("_client")) or known).get("_transport"))
        server = text_or_none(transport.get("_host"))
        return self.asked(
            _operation(type(request).__name__, body, is_rest="_session" in transport),
            body,
            "gemini",
            text_or_none(model_name(str(body.get("model") or ""))),
            server.removesuffix(":443") if server else None,
        )

    def stream_info(self, result: Any) -> StreamInfo | None:
        """Say of an iterator that it is a stream, which the SDK puts into an object of its own."""
        kind = type(result)
        return StreamInfo() if hasattr(kind, "__next__") or hasattr(kind, "__aiter__") else None

    def response(self, prompt: Request, result: Any, _http: HttpResponse | None) -> Response:
        """Read an answer that has come whole."""
        return prompt.operation.parse_response(fields(plain(result)))


class MessageAccumulator(AnswerAccumulator):
    """Accumulates a stream of messages."""

    __slots__ = ()

    def add(self, chunk: Any) -> Sequence[Delta]:
        """Take a message."""
        return super().add(plain(chunk))


class RestAccumulator(MessageAccumulator):
    """Accumulates a stream of messages that come over REST."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__()
        self._reply.http = _REST


_FIELDS = ("model", "contents", "content", "requests")  # of a request, which may be given one by one
_REST = HttpResponse(ResponseHead(200, {}), 200)  # the generated clients take nothing else for an answer
_GENERATE = replace(GENERATE, accumulator=MessageAccumulator)
_ANSWER = replace(GENERATE, name="generateAnswer", parse_response=lambda body: answer(_as_generated(body)))


def _as_generated(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"candidates": [body["answer"]]} if body.get("answer") else {}


def _operation(kind: str, body: Mapping[str, Any], *, is_rest: bool) -> Operation:
    if kind == "GenerateAnswerRequest":
        operation = _ANSWER
    elif "requests" in body:
        operation = EMBED_BATCH
    else:
        operation = EMBED if "content" in body else _GENERATE
    return _OVER_REST[operation.name] if is_rest else operation


def _over_rest(operation: Operation) -> Operation:
    def response(body: Mapping[str, Any]) -> Response:
        read = operation.parse_response(body)
        read.http = _REST
        return read

    return replace(
        operation,
        parse_response=response,
        accumulator=RestAccumulator if operation.accumulator is not None else None,
    )


_OVER_REST = {one.name: _over_rest(one) for one in (_GENERATE, _ANSWER, EMBED, EMBED_BATCH)}


def plain(value: Any) -> Any:
    """Return a message as the wire spells it in JSON; of a list or a dict, each of its items."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):  # a repeated field among them
        return [plain(one) for one in value]
    message = fields(value).get("_pb", value)  # proto-plus puts the message into an object of its own
    json_format = sys.modules.get("google.protobuf.json_format")
    if json_format is None or not hasattr(message, "DESCRIPTOR"):
        return value
    return _whole(json_format.MessageToDict(message))


def _whole(value: Any) -> Any:
    """Return JSON with whole numbers as such: a proto of free form makes floats of all."""
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


PROVIDER: Provider = Generativeai()
