"""google-generativeai against this machine: over REST to the offline provider, over gRPC to a server here."""

from __future__ import annotations

import json
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from offline.wire import Request
from offline_provider import GEMINI

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it says that it is deprecated
    import google.ai.generativelanguage as wire
    import google.generativeai as genai
    from google.generativeai.client import _client_manager

SDK = f"google.generativeai {genai.__version__}"
# method: its request and its answer, the name of the model among the fields of the request
METHODS: dict[str, tuple[Any, Any, str]] = {
    "GenerateContent": (wire.GenerateContentRequest, wire.GenerateContentResponse, "generateContent"),
    "StreamGenerateContent": (
        wire.GenerateContentRequest,
        wire.GenerateContentResponse,
        "streamGenerateContent",
    ),
    "EmbedContent": (wire.EmbedContentRequest, wire.EmbedContentResponse, "embedContent"),
    "BatchEmbedContents": (
        wire.BatchEmbedContentsRequest,
        wire.BatchEmbedContentsResponse,
        "batchEmbedContents",
    ),
}
STATUSES = {429: grpc.StatusCode.RESOURCE_EXHAUSTED, 503: grpc.StatusCode.UNAVAILABLE}


class Service(grpc.GenericRpcHandler):
    """Answers over gRPC what the offline provider answers over HTTP."""

    def service(self, details):
        name = details.method.rpartition("/")[2]
        request, _, _ = METHODS[name]
        streams = name.startswith("Stream")
        make = grpc.unary_stream_rpc_method_handler if streams else grpc.unary_unary_rpc_method_handler
        answer = self.streamed if streams else self.whole
        kind = METHODS[name][1]
        return make(
            lambda message, context: answer(name, message, context),
            request_deserializer=request.deserialize,
            response_serializer=kind.serialize,
        )

    def whole(self, name, message, context):
        body = self.answered(name, message, context).body
        return METHODS[name][1].from_json(body, ignore_unknown_fields=True)

    def streamed(self, name, message, context):
        pieces = json.loads(b"".join(self.answered(name, message, context).frames))
        for number, piece in enumerate(pieces):
            if "fail-error" in message.model and number == len(pieces) // 2:
                context.abort(grpc.StatusCode.INTERNAL, "Something broke")
            yield METHODS[name][1].from_json(json.dumps(piece), ignore_unknown_fields=True)

    def answered(self, name, message, context):
        model = message.model.rpartition("/")[2]
        for status, code in STATUSES.items():
            if model == f"fail-{status}":
                context.abort(code, "Too much")
        read = type(message).to_json(
            message, use_integers_for_enums=False, always_print_fields_with_no_presence=False
        )
        body = json.loads(read) | {"model": model}
        route = next(
            function for _, pattern, function in GEMINI.routes if pattern.endswith(f":{METHODS[name][2]}")
        )
        return route(Request("POST", "/", {}, {}, body, {}))


@contextmanager
def served():
    """A gRPC server on this machine: gives its address."""
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((Service(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None)


@contextmanager
def over_rest(url):
    """Let the SDK speak REST with the server at this address."""
    genai.configure(api_key="x", transport="rest", client_options={"api_endpoint": url})
    yield
    default_client().transport.close()


@contextmanager
def over_grpc(address):
    """Let the SDK speak gRPC with the server at this address."""
    from google.ai.generativelanguage_v1beta.services.generative_service import transports

    genai.configure(api_key="x")
    channel = grpc.insecure_channel(address)
    transport = transports.GenerativeServiceGrpcTransport(channel=channel)
    _client_manager.clients["generative"] = wire.GenerativeServiceClient(transport=transport)
    yield
    channel.close()


def default_client():
    """The client that the SDK uses."""
    return _client_manager.get_default_client("generative")


def take_async_client(address):
    """Let the SDK speak asynchronous gRPC; within the event loop that will be used. Returns the channel."""
    from google.ai.generativelanguage_v1beta.services.generative_service import transports

    channel = grpc.aio.insecure_channel(address)
    transport = transports.GenerativeServiceGrpcAsyncIOTransport(channel=channel)
    _client_manager.clients["generative_async"] = wire.GenerativeServiceAsyncClient(transport=transport)
    return channel
