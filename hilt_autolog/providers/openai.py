"""The OpenAI SDK, and everything that is reached through it with another `base_url`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from hilt_autolog.contracts.model import Operation
from hilt_autolog.providers._openai.chat import chat_messages, chat_reply, text_reply
from hilt_autolog.providers._openai.chat_stream import ChatAccumulator
from hilt_autolog.providers._openai.media import (
    ImageAccumulator,
    TranscriptAccumulator,
    embedding_inputs,
    embedding_reply,
    files,
    image_reply,
    legacy_prompts,
    moderated,
    moderation_reply,
    speech,
    spoken_prompt,
    transcript_reply,
    transcript_text,
)
from hilt_autolog.providers._openai.realtime import RealtimeReader
from hilt_autolog.providers._openai.responses import ResponseAccumulator, response_messages, response_reply
from hilt_autolog.providers._openai.responses_turns import ResponsesReader
from hilt_autolog.providers._openai.websocket import Websockets

from ._stainless import StainlessProvider
from ._transport import HOSTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.provider import Provider
    from hilt_autolog.contracts.realtime import ConnectionProvider, ConnectionReader
    from hilt_autolog.providers._openai.turns import ConnectionInfo


_SPEECH_INPUT = ("input", "model", "stream")
_CHAT = Operation(
    "chat.completions", chat_messages, chat_reply, ChatAccumulator, ("messages", "model", "stream")
)
_RESPONSES = Operation(
    "responses",
    response_messages,
    response_reply,
    ResponseAccumulator,
    ("input", "instructions", "model", "stream", "previous_response_id", "conversation"),
    stores_responses=True,
)
_PROMPT = ("prompt", "model", "stream", "files")

ROUTES: dict[tuple[str, str], Operation] = {
    ("post", "/chat/completions"): _CHAT,
    ("post", "/responses"): _RESPONSES,
    ("get", "/responses/{id}"): Operation(
        "responses.retrieve",
        response_messages,
        response_reply,
        ResponseAccumulator,
        stores_responses=True,
        kind="fetch",
    ),
    ("post", "/responses/compact"): Operation(
        "responses.compact", response_messages, response_reply, None, _RESPONSES.content_keys
    ),
    ("post", "/completions"): Operation("completions", legacy_prompts, text_reply, ChatAccumulator, _PROMPT),
    ("post", "/embeddings"): Operation(
        "embeddings", embedding_inputs, embedding_reply, None, ("input", "model"), is_embedding=True
    ),
    ("post", "/images/generations"): Operation(
        "images.generate", spoken_prompt, image_reply, ImageAccumulator, _PROMPT
    ),
    ("post", "/images/edits"): Operation(
        "images.edit", spoken_prompt, image_reply, ImageAccumulator, _PROMPT, parse_files=files("image")
    ),
    ("post", "/images/variations"): Operation(
        "images.create_variation", spoken_prompt, image_reply, None, _PROMPT, parse_files=files("image")
    ),
    ("post", "/audio/transcriptions"): Operation(
        "audio.transcriptions",
        spoken_prompt,
        transcript_reply,
        TranscriptAccumulator,
        _PROMPT,
        parse_files=files("audio"),
        parse_binary=transcript_text,
    ),
    ("post", "/audio/translations"): Operation(
        "audio.translations",
        spoken_prompt,
        transcript_reply,
        None,
        _PROMPT,
        parse_files=files("audio"),
        parse_binary=transcript_text,
    ),
    ("post", "/audio/speech"): Operation(
        "audio.speech", spoken_prompt, transcript_reply, None, _SPEECH_INPUT, parse_binary=speech
    ),
    ("post", "/moderations"): Operation("moderations", moderated, moderation_reply, None, ("input", "model")),
}

_SDK = StainlessProvider("openai", ROUTES, "openai", HOSTS, clients=(("Azure", "azure"),))
_DIALOGUES: dict[str, Callable[[ConnectionInfo], ConnectionReader]] = {
    "Realtime": RealtimeReader,
    "Responses": partial(ResponsesReader, _RESPONSES),
}

PROVIDER: Provider = _SDK
EXTRA_PROVIDERS: tuple[ConnectionProvider, ...] = (Websockets(_SDK, _DIALOGUES),)


_AT = {operation.name: route for route, operation in ROUTES.items()}
_WHOLE = ("images.generate", "audio.transcriptions")  # only OpenAI streams them, or in its own way


def routes(base: str, *names: str) -> dict[tuple[str, str], Operation]:
    """Return the routes of operations that are read as OpenAI's.

    Args:
        base: what stands before OpenAI's own path of each.
        names: the operations, as OpenAI's SDK names them.
    """
    found = {}
    for name in names:
        method, path = _AT[name]
        operation = ROUTES[method, path]
        found[method, base + path] = replace(operation, accumulator=None) if name in _WHOLE else operation
    return found
