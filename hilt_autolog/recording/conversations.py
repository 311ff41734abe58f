"""Which conversation a request belongs to, and how much of it the log already holds.

Chat APIs repeat the whole history with every call. A running digest over the messages of each answered
request, its answer included, is remembered: a request that begins with the same messages continues that
conversation, and only what comes after is written (`event-format`, "History is written once").

An answer is remembered in two forms, because programs repeat it in two: whole, or as its text and tool
calls alone. The key also names who asked (a chat object, else the task or thread), so that conversations
of the same words at the same time are told apart; only if that fails does the newest of them win.
"""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from hilt_autolog.clock import random_hex
from hilt_autolog.contracts.model import is_plain_text
from hilt_autolog.format import session_id_of
from hilt_autolog.log.encoder import encode_line

from .caches import BoundedCache
from .context import current_conversation, current_position
from .tool_tracker import ToolCallTracker

if TYPE_CHECKING:
    from collections.abc import Hashable

    from hilt_autolog.contracts.model import Request, Response
    from hilt_autolog.contracts.types import Message, Part

_REPEATED = ("text", "tool_call")  # the parts that every client repeats


class HistoryPointer(NamedTuple):
    """The last event of a conversation as it stood, how many messages it holds, and who asked."""

    conversation: str
    event_id: str
    messages: int
    owner: int = 0
    choice: int = 0
    omits: tuple[str, ...] = ()

    def history(self) -> dict[str, Any]:
        """Return `extensions.history` for what comes after this head."""
        history: dict[str, Any] = {"messages": self.messages, "after": self.event_id}
        if self.choice:
            history["choice"] = self.choice
        if self.omits:
            history["omits"] = list(self.omits)
        return history


@dataclass(slots=True)
class ConversationPosition:
    """Where a request stands: its conversation, what came before, and the digest over all of it.

    As its events are written, `head` and `reply_to` move on to them, and `new` runs empty.
    """

    session_id: str
    name: str | None  # the plain id, when the program or the API gave one
    head: HistoryPointer | None
    reply_to: str | None
    new: list[Message]  # what no event holds yet
    digest: int
    total: int
    owner: int = 0  # who asks
    book: ConversationTracker | None = None  # what remembers it
    prompt_id: str | None = None  # the events of its prompt and of its answer, once they are written
    answer_id: str | None = None


class ConversationTracker:
    """Recognises conversations; one for each process.

    Args:
        name: the conversation of all calls of this process that say nothing else (HILT_SESSION).
    """

    def __init__(self, name: str | None = None) -> None:
        self._name = name
        self._heads: BoundedCache[Hashable, HistoryPointer] = (
            BoundedCache()
        )  # by digest, or (digest, owner) for words said twice
        self._answers: BoundedCache[str, HistoryPointer] = BoundedCache()  # by response id
        self._newest: BoundedCache[str, ConversationPosition] = (
            BoundedCache()
        )  # of conversations that have a name, by session id
        self.tools = ToolCallTracker()

    def named(self, conversation: str | None) -> str | None:
        """Return the conversation's name: what the program says, else what its framework or the API does."""
        return current_conversation.get() or self._name or conversation

    def place(self, prompt: Request) -> ConversationPosition:
        """Return where a request stands."""
        named = current_conversation.get() or self._name or prompt.conversation
        answer = self._answers.get(prompt.previous_response_id) if prompt.previous_response_id else None
        digest = 0 if named is None else hash(session_id_of(named))
        digests = []
        for message in prompt.messages:
            digest = _next(digest, message)
            digests.append(digest)
        owner = prompt.chat_object_id or _owner()
        has_history = answer is None and len(digests) > 1
        head = self._longest(digests, owner) if has_history else None
        known = head.messages if head is not None else 0
        came_before = head or answer
        if named is not None:
            session = session_id_of(named)
        elif came_before is not None:
            session = came_before.conversation
        else:
            session = prompt.fallback_session_id or f"conv_{random_hex(96)}"
        if came_before is not None and came_before.conversation != session:
            came_before = None
        reply_to = came_before.event_id if came_before is not None else None
        new = prompt.messages[known:]
        place = ConversationPosition(
            session, named, head, reply_to, new, digest, len(prompt.messages), owner, self
        )
        if named is not None:
            self._newest.put(session, place)
        return place

    def apart(self, prompt: Request) -> ConversationPosition:
        """Return the place of a request that continues nothing and is continued by nothing."""
        named = self.named(prompt.conversation)
        session = (
            session_id_of(named) if named is not None else prompt.fallback_session_id or new_session_id()
        )
        return ConversationPosition(session, named, None, None, prompt.messages, 0, len(prompt.messages))

    def standing(self) -> ConversationPosition:
        """Return where the program stands: at the latest call of its context, or of the conversation."""
        place = current_position.get()
        if place is not None and place.book is not self:  # it is in another log, or was our parent's
            place = None
        name = self.named(None)
        session = None if name is None else session_id_of(name)
        if place is not None and session in (None, place.session_id):
            return place
        place = None if session is None else self._newest.get(session)
        if place is None:
            place = self.spot(session or new_session_id(), name)
            if session is not None:
                self._newest.put(session, place)
        current_position.set(place)
        return place

    def spot(self, session_id: str, name: str | None, prompt_id: str | None = None) -> ConversationPosition:
        """Return a place in a conversation where no request stands; `prompt_id` is the event to reply to."""
        return ConversationPosition(session_id, name, None, None, [], 0, 0, book=self, prompt_id=prompt_id)

    def is_known(self, response_id: str | None) -> bool:
        """Return whether the log holds the response of this id."""
        return response_id is not None and self._answers.get(response_id) is not None

    def _longest(self, digests: list[int], owner: int) -> HistoryPointer | None:
        for digest in reversed(digests):
            head = self._heads.get(digest)
            if head is not None:
                return head if head.owner == owner else self._heads.get((digest, owner)) or head
        return None

    def answered(
        self,
        place: ConversationPosition,
        reply: Response,
        event_id: str,
        *,
        by_id: bool,
        is_plain_text: bool = False,
    ) -> None:
        """Remember the answer to a request, in every form in which the next request may repeat it.

        Args:
            place: where the request stands.
            reply: its answer.
            event_id: the event of the answer.
            by_id: whether the next request may also name the answer by its id.
            is_plain_text: whether it is one message of one text: it has one form then.
        """
        place.answer_id = event_id
        head = HistoryPointer(place.session_id, event_id, place.total + 1, place.owner)
        for choice, message in enumerate(reply.messages):
            for spoken, omits in ((message, ()),) if is_plain_text else _forms(message):
                digest = _next(place.digest, spoken)
                form = head._replace(choice=choice, omits=omits) if choice or omits else head
                rival = self._heads.put(digest, form)
                if rival is not None and rival.owner != place.owner:
                    self._heads.put((digest, rival.owner), rival)
        if by_id and reply.response_id is not None:
            self._answers.put(reply.response_id, head)


def new_session_id() -> str:
    """Return the id of a conversation that nothing names."""
    return f"conv_{random_hex(96)}"


def repeated(message: Message) -> Message:
    """Return a message without what only its completion knows."""
    message = message.copy()
    message.pop("finish_reason", None)
    return message


def _forms(message: Message) -> list[tuple[Message, tuple[str, ...]]]:
    kinds = {part["type"] for part in message["parts"]} - set(_REPEATED)
    noted = any("annotations" in part for part in message["parts"])
    if not kinds and not noted:
        return [(message, ())]
    omits = tuple(sorted(kinds | ({"annotations"} if noted else set())))
    return [(message, ()), (without(message, omits), omits)]


def without(message: Message, omits: tuple[str, ...] | list[str]) -> Message:
    """Return a message without the parts of these types, and without annotations if they are among them."""
    parts = [part for part in message["parts"] if part["type"] not in omits]
    if "annotations" in omits:
        parts = [_without_annotations(part) for part in parts]
    return {**message, "parts": parts}


def _without_annotations(part: Part) -> Part:
    part = part.copy()
    part.pop("annotations", None)
    return part


def _next(digest: int, message: Message) -> int:
    """Return the digest over a message and all that came before it.

    It lives in this process only, among some thousand others, and Python's hash of 64 bits, with a key of
    its own for each process, is a tenth of the price of one that could be written down.
    """
    if is_plain_text(message):
        return hash((digest, message["role"], message["parts"][0]["content"]))
    return hash(
        (digest, encode_line(repeated(message), orjson.OPT_SORT_KEYS))
    )  # SDKs have an order of their own


def _owner() -> int:
    """Return what tells two conversations with the same words apart: the running task, else the thread."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:  # noqa: SLF001  the public one raises
        task = asyncio.current_task()
        if task is not None:
            return id(task)
    return threading.get_ident()
