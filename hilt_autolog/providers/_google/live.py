"""Gemini's Live sessions: a conversation over a websocket, in turns that the user or a tool result starts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import orjson

from hilt_autolog.contracts.media import StreamedMedia
from hilt_autolog.contracts.model import Operation, Request, new_message, text_part
from hilt_autolog.contracts.provider import Coverage, PatchTarget
from hilt_autolog.contracts.realtime import SessionNotice, Turn
from hilt_autolog.contracts.sdk_objects import fields, jsonable, list_or_empty, sdk_version, text_or_none

from .answers import GeminiAccumulator, parse_response, parse_tokens
from .contents import get_key, parse_contents
from .sdk import host

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hilt_autolog.contracts.model import Delta, Response
    from hilt_autolog.contracts.provider import Provider
    from hilt_autolog.contracts.realtime import ConnectionEvent, ConnectionReader
    from hilt_autolog.contracts.types import JsonMapping, JsonObject, Message, Part


# --- the SDK's methods

_LIVE = "google.genai.live"
_SEND_METHODS = ("send_client_content", "send_realtime_input", "send_tool_response")
_NORMAL_CLOSURE = 1000  # RFC 6455, section 7.4.1


class Live:
    """The sessions of `client.aio.live.connect`."""

    package = "google.genai"
    targets = (
        # google-genai 3.6 live.py: `connect` sends the setup itself, and creates the session after that
        PatchTarget(_LIVE, "AsyncSession", "__init__", "send"),
        *(PatchTarget(_LIVE, "AsyncSession", name, "async send") for name in _SEND_METHODS),
        PatchTarget(_LIVE, "AsyncSession", "_receive", "async receive"),
        PatchTarget(_LIVE, "AsyncSession", "close", "async close"),
    )

    coverage = (Coverage("live", targets, streams=True),)

    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    def connection(self, instance: Any) -> Any:
        """Return the session."""
        return instance

    def connection_reader(self, connection: Any) -> ConnectionReader:
        """Return a reader for a session; before its `__init__` has run, `connect` has its client."""
        client = fields(connection).get("_api_client") or fields(_connect_locals().get("self")).get(
            "_api_client"
        )
        server = host(str(fields(getattr(client, "_http_options", None)).get("base_url") or ""))
        return LiveReader("vertex" if getattr(client, "vertexai", None) else "gemini", server)

    def outgoing_items(
        self,
        _instance: object,
        _args: tuple[object, ...],
        kwargs: JsonMapping,
        _to_json: Callable[[object], Any],
    ) -> list[JsonObject]:
        """Return the arguments of a send method; of `__init__`, the setup that `connect` has sent."""
        if "websocket" not in kwargs:
            return [dict(kwargs)]
        try:
            return [{"setup": fields(orjson.loads(_connect_locals().get("request") or "{}")).get("setup")}]
        except ValueError:
            return []

    def incoming_item(self, result: Any) -> Any:
        """Return a message of the server's."""
        return result

    def close_reason(self, error: BaseException) -> str | None:
        """Return how an exception has ended the session.

        google-genai 3.6 live.py: `AsyncSession._receive` raises an `APIError` with the websocket's close code
        as its `code`.
        """
        code = fields(error).get("code")
        if not isinstance(code, int) or not hasattr(error, "details"):
            return None
        return "closed" if code == _NORMAL_CLOSURE else "error"


def _connect_locals() -> JsonObject:
    """Return the local variables of `connect`, which is creating a session: it passes little of them on."""
    frame: Any = sys._getframe(1)  # noqa: SLF001  the only way to know the caller
    while frame is not None:
        if frame.f_globals.get("__name__") == _LIVE and frame.f_code.co_name == "connect":
            return dict(frame.f_locals)
        frame = frame.f_back
    return {}


# --- the turns of a session

_MEDIA_ARGUMENTS = ("audio", "media", "video")  # of `send_realtime_input`


class LiveReader:
    """Groups the messages of a session into turns.

    Items to send are `{name of a send method's parameter: its value}`, and `{"setup": ...}` at the start;
    received items are the SDK's `LiveServerMessage`s.
    """

    is_conversation = True

    def __init__(self, provider: str, server: str | None) -> None:
        self._provider = provider
        self._server = server
        self._model: str | None = None
        self._messages: list[Message] = []  # of the next turn
        self._media: dict[str | None, StreamedMedia] = {}  # of the next turn, by MIME type
        self._count = 0
        self._is_open = False  # whether the newest turn is
        self._is_interrupted = False

    def on_send(self, item: JsonMapping) -> ConnectionEvent | None:
        """Read an item that is sent; contents that complete a turn, and tool results, start one."""
        if "setup" in item:
            return self._set_up(fields(item["setup"]))
        if "function_responses" in item:
            responses = item["function_responses"]
            responses = responses if isinstance(responses, list | tuple) else [responses]
            parts = [{"functionResponse": fields(response)} for response in responses]
            self._messages += parse_contents({"contents": [{"role": "user", "parts": parts}]})
            return self._start_turn()
        if "turns" in item or "turn_complete" in item:
            self._messages += parse_contents({"contents": item.get("turns")})
            return self._start_turn() if item.get("turn_complete", True) else None
        self._add_realtime_input(item)
        return None

    def on_receive(self, item: object) -> ConnectionEvent | None:
        """Read a message of the server's; one with content starts a turn if none is open."""
        source = fields(item)
        content = fields(get_key(source, "serverContent"))
        if text := text_or_none(fields(get_key(content, "inputTranscription")).get("text")):
            return self._add_transcript(text)
        self._is_interrupted = self._is_interrupted or bool(content.get("interrupted"))
        calls = get_key(source, "toolCall")
        request = None
        if not self._is_open:
            if calls is None and not _has_output(content):
                return None
            request = self._start_turn().request
        ended = None
        if calls is not None or get_key(content, "turnComplete"):
            ended = "cancelled" if self._is_interrupted else "closed"
            self._is_open = self._is_interrupted = False
        return Turn(self._count, request, item, ended)

    def on_send_failure(self, _key: int) -> None:
        """Discard the newest turn, whose request could not be sent."""
        self._is_open = False

    def on_close(self) -> SessionNotice:
        """Discard the open turn; return a notice that the session has ended."""
        self._is_open = self._is_interrupted = False
        return SessionNotice("connection closed", self._request([]))

    def _set_up(self, setup: JsonMapping) -> SessionNotice:
        self._model = (text_or_none(setup.get("model")) or "").rpartition("/")[2] or None
        self._messages += parse_contents({"systemInstruction": get_key(setup, "systemInstruction")})
        parameters = {name: value for name, value in setup.items() if name != "model" and value is not None}
        return SessionNotice("session opened", self._request([]), {"request": parameters})

    def _add_realtime_input(self, item: JsonMapping) -> None:
        if text := text_or_none(item.get("text")):
            self._messages.append(new_message("user", [text_part(text)]))
        for name in _MEDIA_ARGUMENTS:
            blob = fields(item.get(name))
            if "data" in blob:
                mime_type = text_or_none(get_key(blob, "mimeType"))
                self._media.setdefault(mime_type, StreamedMedia()).add(blob["data"])

    def _add_transcript(self, text: str) -> SessionNotice | None:
        """Add a piece of the user's speech: to the next turn, or late, as a notice about the open one."""
        message = new_message("user", [text_part(text)])
        if self._is_open:
            return SessionNotice(
                "input transcribed", self._request([]), messages=[message], turn_key=self._count
            )
        if self._messages and self._messages[-1].keys() >= {"is_transcript"}:
            self._messages[-1]["parts"][0]["content"] += text
        else:
            message["is_transcript"] = True
            self._messages.append(message)
        return None

    def _start_turn(self) -> Turn:
        messages, self._messages = self._messages, []
        media = _media_parts(self._media)
        self._media = {}
        for message in messages:
            message.pop("is_transcript", None)
        if media:
            messages.append(new_message("user", media))
        self._count += 1
        self._is_open, self._is_interrupted = True, False
        return Turn(self._count, self._request(messages))

    def _request(self, messages: list[Message]) -> Request:
        return Request(
            LIVE, self._provider, self._model, messages, {}, self._server, sdk_version("google.genai")
        )


def _has_output(content: JsonMapping) -> bool:
    return bool(list_or_empty(fields(get_key(content, "modelTurn")).get("parts"))) or bool(
        fields(get_key(content, "outputTranscription")).get("text")
    )


def _media_parts(media: dict[str | None, StreamedMedia]) -> list[Part]:
    return [
        stream.part((mime_type or "audio").partition("/")[0], mime_type)
        for mime_type, stream in media.items()
    ]


# --- the response of a turn


class LiveAccumulator(GeminiAccumulator):
    """Accumulates the messages of one turn, each as a chunk of a response; audio is hashed and counted."""

    __slots__ = ("_audio", "_is_interrupted", "_live_usage")

    def __init__(self) -> None:
        super().__init__()
        self._is_interrupted = False
        self._live_usage: JsonObject = {}
        self._audio: dict[str | None, StreamedMedia] = {}  # by MIME type

    def add(self, chunk: object) -> Sequence[Delta]:
        """Add a message of the server's; return what is new in it."""
        source = fields(chunk)
        content = fields(get_key(source, "serverContent"))
        if usage := fields(get_key(source, "usageMetadata")):
            self._live_usage = jsonable(usage)
        items = list_or_empty(fields(get_key(content, "modelTurn")).get("parts"))
        parts = [item for item in items if not self._add_audio(item)]
        if text := text_or_none(fields(get_key(content, "outputTranscription")).get("text")):
            parts.append({"text": text})
        calls = list_or_empty(get_key(fields(get_key(source, "toolCall")), "functionCalls"))
        parts += [{"functionCall": fields(call)} for call in calls]
        grounding = get_key(content, "groundingMetadata")
        candidate = {"content": {"parts": parts}, "groundingMetadata": jsonable(grounding)}
        deltas = super().add({"candidates": [candidate]})
        self._is_interrupted = self._is_interrupted or bool(content.get("interrupted"))
        self.finished = bool(calls or get_key(content, "turnComplete")) and not self._is_interrupted
        return deltas

    def response(self) -> Response:
        """Return the response so far."""
        response = super().response()
        if self._live_usage:
            # google-genai 3.6 types.py: `UsageMetadata` of Live, where other responses have `candidates...`
            completion = {
                "candidatesTokenCount": get_key(self._live_usage, "responseTokenCount"),
                "candidatesTokensDetails": get_key(self._live_usage, "responseTokensDetails"),
            }
            response.usage = self._live_usage
            response.tokens = parse_tokens({**self._live_usage, **completion})
        audio = _media_parts(self._audio)
        if audio and response.messages:
            message = response.messages[0]
            response.messages = [{**message, "parts": [*message["parts"], *audio]}]
        elif audio:
            response.messages = [new_message("assistant", audio)]
        return response

    def _add_audio(self, part: object) -> bool:
        """Add a part if it is audio; return whether it is."""
        blob = fields(get_key(fields(part), "inlineData"))
        mime_type = text_or_none(get_key(blob, "mimeType"))
        if mime_type is None or not mime_type.startswith("audio/"):
            return False
        self._audio.setdefault(mime_type, StreamedMedia()).add(blob.get("data"))
        return True


LIVE = Operation("BidiGenerateContent", parse_contents, parse_response, LiveAccumulator)
