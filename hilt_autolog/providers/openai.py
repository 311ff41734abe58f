"""The OpenAI SDK, and all providers that are reached through it with another `base_url`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from hilt_autolog.contracts.model import Operation
from hilt_autolog.providers._openai.chat import chat_messages, chat_response, text_response
from hilt_autolog.providers._openai.chat_stream import ChatAccumulator
from hilt_autolog.providers._openai.media import (
    ImageAccumulator,
    TranscriptAccumulator,
    completion_messages,
    embedding_messages,
    embedding_response,
    file_parser,
    image_response,
    media_messages,
    moderation_messages,
    moderation_response,
    speech_response,
    transcript_from_text,
    transcript_response,
)
from hilt_autolog.providers._openai.realtime import RealtimeReader
from hilt_autolog.providers._openai.responses import ResponseAccumulator, parse_response, response_messages
from hilt_autolog.providers._openai.responses_turns import ResponsesReader
from hilt_autolog.providers._openai.websocket import Websockets

from ._stainless import StainlessProvider

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.provider import Provider
    from hilt_autolog.contracts.realtime import ConnectionProvider, ConnectionReader
    from hilt_autolog.providers._openai.websocket import ConnectionInfo


_CHAT = Operation(
    "chat.completions", chat_messages, chat_response, ChatAccumulator, ("messages", "model", "stream")
)
_RESPONSES = Operation(
    "responses",
    response_messages,
    parse_response,
    ResponseAccumulator,
    ("input", "instructions", "model", "stream", "previous_response_id", "conversation"),
    stores_responses=True,
)
_MEDIA_KEYS = ("prompt", "model", "stream", "files")
_SPEECH_KEYS = ("input", "model", "stream")

ROUTES: dict[tuple[str, str], Operation] = {
    ("post", "/chat/completions"): _CHAT,
    ("post", "/responses"): _RESPONSES,
    ("get", "/responses/{id}"): Operation(
        "responses.retrieve",
        response_messages,
        parse_response,
        ResponseAccumulator,
        stores_responses=True,
        kind="fetch",
    ),
    ("post", "/responses/compact"): Operation(
        "responses.compact", response_messages, parse_response, None, _RESPONSES.content_keys
    ),
    ("post", "/completions"): Operation(
        "completions", completion_messages, text_response, ChatAccumulator, _MEDIA_KEYS
    ),
    ("post", "/embeddings"): Operation(
        "embeddings", embedding_messages, embedding_response, None, ("input", "model"), is_embedding=True
    ),
    ("post", "/images/generations"): Operation(
        "images.generate", media_messages, image_response, ImageAccumulator, _MEDIA_KEYS
    ),
    ("post", "/images/edits"): Operation(
        "images.edit",
        media_messages,
        image_response,
        ImageAccumulator,
        _MEDIA_KEYS,
        parse_files=file_parser("image"),
    ),
    ("post", "/images/variations"): Operation(
        "images.create_variation",
        media_messages,
        image_response,
        None,
        _MEDIA_KEYS,
        parse_files=file_parser("image"),
    ),
    ("post", "/audio/transcriptions"): Operation(
        "audio.transcriptions",
        media_messages,
        transcript_response,
        TranscriptAccumulator,
        _MEDIA_KEYS,
        parse_files=file_parser("audio"),
        parse_binary=transcript_from_text,
    ),
    ("post", "/audio/translations"): Operation(
        "audio.translations",
        media_messages,
        transcript_response,
        None,
        _MEDIA_KEYS,
        parse_files=file_parser("audio"),
        parse_binary=transcript_from_text,
    ),
    ("post", "/audio/speech"): Operation(
        "audio.speech", media_messages, transcript_response, None, _SPEECH_KEYS, parse_binary=speech_response
    ),
    ("post", "/moderations"): Operation(
        "moderations", moderation_messages, moderation_response, None, ("input", "model")
    ),
}

_SDK = StainlessProvider(package="openai", routes=ROUTES, provider="openai", clients=(("Azure", "azure"),))
_CONNECTION_READERS: dict[str, Callable[[ConnectionInfo], ConnectionReader]] = {
    "Realtime": RealtimeReader,
    "Responses": partial(ResponsesReader, _RESPONSES),
}

PROVIDER: Provider = _SDK
EXTRA_PROVIDERS: tuple[ConnectionProvider, ...] = (Websockets(_SDK, _CONNECTION_READERS),)


_ROUTE_OF = {operation.name: route for route, operation in ROUTES.items()}
# Compatible providers do not stream these, or with events of their own.
_NOT_STREAMED = ("images.generate", "audio.transcriptions")


def routes(prefix: str, *operations: str) -> dict[tuple[str, str], Operation]:
    """Return routes of OpenAI's operations at another path, for the SDK of a compatible provider.

    Args:
        prefix: what precedes OpenAI's path.
        operations: names of the operations, as in `Operation.name`.

    Raises:
        KeyError: there is no such operation.
    """
    table = {}
    for name in operations:
        method, path = _ROUTE_OF[name]
        operation = ROUTES[method, path]
        if name in _NOT_STREAMED:
            operation = replace(operation, accumulator=None)
        table[method, prefix + path] = operation
    return table
