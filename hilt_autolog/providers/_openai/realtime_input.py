"""Input of a Realtime conversation since its last turn: items, and buffered audio with its transcript."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from hilt_autolog.contracts.media import StreamedMedia
from hilt_autolog.contracts.model import new_message, text_part
from hilt_autolog.contracts.sdk_objects import text_or_none

from .realtime_items import item_message

if TYPE_CHECKING:
    from hilt_autolog.contracts.types import JsonMapping, Message

_MAX_ITEMS = 256  # items to remember, for a transcript or a repetition that comes later


class LateTranscript(NamedTuple):
    """The transcript of audio that has arrived after the start of the audio's turn."""

    text: str
    turn_key: int | None


class _UnnamedItem(NamedTuple):
    """An item that the client has added without an id; the server reports it with the same type and role."""

    kind: object
    role: object
    message: Message


class RealtimeInput:
    """Collects the messages of the next turn, each once: the server repeats the items that a client adds."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._audio = StreamedMedia()
        self._committed: deque[Message] = deque(maxlen=_MAX_ITEMS)  # by the client; ids are still to come
        self._unnamed: deque[_UnnamedItem] = deque(maxlen=_MAX_ITEMS)
        self._messages_by_item: dict[str, Message] = {}  # by item id
        self._turns_by_item: dict[str, int] = {}  # item id -> key of the turn that the item was input of

    def take_messages(self, turn_key: int) -> list[Message]:
        """Return the messages of a turn that starts, and begin to collect those of the next."""
        messages, self._messages = self._messages, []
        for item_id in self._messages_by_item:
            self._turns_by_item.setdefault(item_id, turn_key)
        return messages

    # --- events of the client

    def add_instructions(self, instructions: object) -> None:
        """Add instructions for the turns to come."""
        if text := text_or_none(instructions):
            self._messages.append(new_message("system", [text_part(text)]))

    def add_item(self, item: JsonMapping, mime_type: str) -> None:
        """Add an item that the client sends; its audio is of `mime_type`."""
        message = item_message(item, mime_type)
        item_id = text_or_none(item.get("id"))
        if item_id is None:
            self._unnamed.append(_UnnamedItem(item.get("type"), item.get("role"), message))
        else:
            self._remember(item_id, message)
        self._messages.append(message)

    def add_audio(self, audio: object) -> None:
        """Append audio, in base64, to the buffer."""
        self._audio.add(audio)

    def clear_audio(self) -> None:
        """Empty the buffer."""
        self._audio = StreamedMedia()

    def commit_audio(self, mime_type: str) -> None:
        """Make a message of the buffer, on the client's request."""
        self._committed.append(self._commit(mime_type))

    # --- events of the server

    def on_committed(self, item_id: str, mime_type: str) -> None:
        """Record the id of the message that the buffer has become.

        If the client has not requested it, the server has committed the buffer itself, at a pause in speech.
        """
        message = self._committed.popleft() if self._committed else self._commit(mime_type)
        self._remember(item_id, message)

    def on_item(self, item: JsonMapping, mime_type: str) -> None:
        """Add an item of the conversation, unless it is one that the client has added, or the model's."""
        item_id, kind, role = text_or_none(item.get("id")), item.get("type"), item.get("role")
        if item_id is not None and item_id in self._messages_by_item:
            return
        unnamed = next((entry for entry in self._unnamed if (entry.kind, entry.role) == (kind, role)), None)
        if unnamed is not None:
            self._unnamed.remove(unnamed)
            self._remember(item_id or "", unnamed.message)
        elif (kind == "message" and role in ("user", "system")) or kind == "function_call_output":
            message = item_message(item, mime_type)
            self._messages.append(message)
            self._remember(item_id or "", message)

    def add_transcript(self, item_id: str | None, text: str) -> LateTranscript | None:
        """Add the transcript of an item to its message; return it if the item's turn has already started."""
        message = self._messages_by_item.get(item_id or "")
        if message is None or (item_id or "") in self._turns_by_item:
            return LateTranscript(text, self._turns_by_item.get(item_id or ""))
        if not any(part.get("content") == text for part in message["parts"]):
            message["parts"].insert(0, text_part(text))
        return None

    def _commit(self, mime_type: str) -> Message:
        message = new_message("user", [self._audio.part("audio", mime_type)])
        self._audio = StreamedMedia()
        self._messages.append(message)
        return message

    def _remember(self, item_id: str, message: Message) -> None:
        self._messages_by_item[item_id] = message
        if len(self._messages_by_item) > _MAX_ITEMS:
            oldest = next(iter(self._messages_by_item))
            del self._messages_by_item[oldest]
            self._turns_by_item.pop(oldest, None)
