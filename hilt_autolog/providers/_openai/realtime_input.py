"""What a Realtime conversation has been told since its last turn: items, and sound with its words."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from hilt_autolog.contracts.media import StreamedMedia
from hilt_autolog.contracts.model import text_part
from hilt_autolog.contracts.sdk_objects import text_or_none

from .realtime_items import item_message, sound_message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hilt_autolog.contracts.types import Message

_REMEMBERED = 256  # items whose transcript may come later, or that are named again


class Late(NamedTuple):
    """What was said in sound, known only when the turn that it belongs to had begun."""

    said: str
    turn: int | None


class Input:
    """Collects the messages of the next turn, each once: what a client adds, the server tells again."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._sound = StreamedMedia()
        self._unnamed: deque[Message] = deque(maxlen=_REMEMBERED)  # committed, and not yet told by the server
        self._untold: deque[tuple[Any, Any, Message]] = deque(maxlen=_REMEMBERED)  # added without an id
        self._items: dict[str, Message] = {}  # by id
        self._turns: dict[str, int] = {}  # item id -> the turn that it was a message of

    def add(self, turn: int) -> list[Message]:
        """Return the messages of a turn that begins."""
        messages, self._messages = self._messages, []
        for identity in self._items:
            self._turns.setdefault(identity, turn)
        return messages

    # --- what the client sends

    def instructed(self, words: Any) -> None:
        """Take instructions for the turns to come."""
        if text_or_none(words):
            self._messages.append({"role": "system", "parts": [text_part(words)]})

    def added(self, item: Mapping[str, Any], mime_type: str) -> None:
        """Take an item that the client adds."""
        read = item_message(item, mime_type)
        identity = text_or_none(item.get("id"))
        if identity is None:
            self._untold.append((item.get("type"), item.get("role"), read))
        else:
            self._remember(identity, read)
        self._messages.append(read)

    def heard(self, sound: Any) -> None:
        """Take some sound into the buffer."""
        self._sound.add(sound)

    def cleared(self) -> None:
        """Forget the buffer."""
        self._sound = StreamedMedia()

    def committed(self, mime_type: str) -> None:
        """Make the buffer a message."""
        self._unnamed.append(self._commit(mime_type))

    # --- what the server tells

    def named(self, identity: str, mime_type: str) -> None:
        """Take the id of a message made of the buffer: by the client, else now, by the server."""
        self._remember(identity, self._unnamed.popleft() if self._unnamed else self._commit(mime_type))

    def told(self, item: Mapping[str, Any], mime_type: str) -> None:
        """Take an item that the conversation has: the client's, the model's, or one from elsewhere."""
        identity, kind, role = text_or_none(item.get("id")), item.get("type"), item.get("role")
        if identity is not None and identity in self._items:
            return
        untold = next((one for one in self._untold if one[:2] == (kind, role)), None)
        if untold is not None:
            self._untold.remove(untold)
            self._remember(identity or "", untold[2])
        elif (kind == "message" and role in ("user", "system")) or kind == "function_call_output":
            read = item_message(item, mime_type)
            self._messages.append(read)
            self._remember(identity or "", read)

    def transcribed(self, identity: str | None, said: str) -> Late | None:
        """Take what was said in an item; return it if its turn has begun."""
        read = self._items.get(identity or "")
        if read is None or (identity or "") in self._turns:
            return Late(said, self._turns.get(identity or ""))
        if not any(part.get("content") == said for part in read["parts"]):
            read["parts"].insert(0, text_part(said))
        return None

    def _commit(self, mime_type: str) -> Message:
        read = sound_message(self._sound.part("audio", mime_type))
        self._sound = StreamedMedia()
        self._messages.append(read)
        return read

    def _remember(self, identity: str, read: Message) -> None:
        self._items[identity] = read
        if len(self._items) > _REMEMBERED:
            oldest = next(iter(self._items))
            del self._items[oldest]
            self._turns.pop(oldest, None)
