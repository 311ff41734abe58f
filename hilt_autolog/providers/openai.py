"""The OpenAI SDK, and everything that is reached through it with another `base_url`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hilt_autolog.facts import Operation

from ._hosts import HOSTS
from ._openai_chat import chat_messages, chat_reply, text_reply
from ._openai_chat_stream import ChatFold
from ._openai_media import (
    ImageFold,
    TranscriptFold,
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
from ._openai_realtime import RealtimeDialogue
from ._openai_responses import response_messages, response_reply
from ._openai_responses_stream import ResponseFold
from ._openai_responses_turns import ResponsesDialogue
from ._openai_websocket import Websockets
from ._stainless import Stainless

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.dialogue import Dialogue, Line
    from hilt_autolog.provider import Provider

    from ._openai_turns import Scene

_SPEECH_INPUT = ("input", "model", "stream")
_CHAT = Operation("chat.completions", chat_messages, chat_reply, ChatFold, ("messages", "model", "stream"))
_RESPONSES = Operation(
    "responses",
    response_messages,
    response_reply,
    ResponseFold,
    ("input", "instructions", "model", "stream", "previous_response_id", "conversation"),
    by_id=True,
)
_PROMPT = ("prompt", "model", "stream", "files")

ROUTES: dict[tuple[str, str], Operation] = {
    ("post", "/chat/completions"): _CHAT,
    ("post", "/responses"): _RESPONSES,
    ("get", "/responses/{id}"): Operation(
        "responses.retrieve", response_messages, response_reply, ResponseFold, by_id=True, kind="collects"
    ),
    ("post", "/responses/compact"): Operation(
        "responses.compact", response_messages, response_reply, None, _RESPONSES.content
    ),
    ("post", "/completions"): Operation("completions", legacy_prompts, text_reply, ChatFold, _PROMPT),
    ("post", "/embeddings"): Operation(
        "embeddings", embedding_inputs, embedding_reply, None, ("input", "model"), is_embedding=True
    ),
    ("post", "/images/generations"): Operation(
        "images.generate", spoken_prompt, image_reply, ImageFold, _PROMPT
    ),
    ("post", "/images/edits"): Operation(
        "images.edit", spoken_prompt, image_reply, ImageFold, _PROMPT, files=files("image")
    ),
    ("post", "/images/variations"): Operation(
        "images.create_variation", spoken_prompt, image_reply, None, _PROMPT, files=files("image")
    ),
    ("post", "/audio/transcriptions"): Operation(
        "audio.transcriptions",
        spoken_prompt,
        transcript_reply,
        TranscriptFold,
        _PROMPT,
        files=files("audio"),
        binary=transcript_text,
    ),
    ("post", "/audio/translations"): Operation(
        "audio.translations",
        spoken_prompt,
        transcript_reply,
        None,
        _PROMPT,
        files=files("audio"),
        binary=transcript_text,
    ),
    ("post", "/audio/speech"): Operation(
        "audio.speech", spoken_prompt, transcript_reply, None, _SPEECH_INPUT, binary=speech
    ),
    ("post", "/moderations"): Operation("moderations", moderated, moderation_reply, None, ("input", "model")),
}

_SDK = Stainless("openai", ROUTES, "openai", HOSTS, clients=(("Azure", "azure"),))
_DIALOGUES: dict[str, Callable[[Scene], Dialogue]] = {
    "Realtime": RealtimeDialogue,
    "Responses": partial(ResponsesDialogue, _RESPONSES),
}

PROVIDER: Provider = _SDK
BESIDES: tuple[Line, ...] = (Websockets(_SDK, _DIALOGUES),)
