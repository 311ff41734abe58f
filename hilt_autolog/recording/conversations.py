"""Find the conversation of a request, and how many of its messages the log already has.

Chat APIs repeat the whole history with every call. A running digest over the messages of each answered
request, its answer included, is kept: a request that starts with the same messages continues that
conversation, and only the messages after them are written (`event-format`, "History is written once").

An answer is kept in two forms, because programs repeat it in two: whole, or only its text and tool calls.
The owner (a chat object, else the task or thread) distinguishes conversations that have the same words at the
same time; if none of them has the request's owner, the newest is continued.
"""

from __future__ import annotations

import sys
import threading
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import orjson

from hilt_autolog.clock import random_hex
from hilt_autolog.contracts.model import is_plain_text
from hilt_autolog.format import session_id_of
from hilt_autolog.log.encoder import encode_line

from .caches import BoundedCache
from .context import context_extensions, current_conversation
from .tool_tracker import ToolCallTracker

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from hilt_autolog.contracts.model import Request, Response
    from hilt_autolog.contracts.types import EventDict, Extensions, History, Message, Part

_REPEATED = ("text", "tool_call")  # the types of part that every client repeats

# The position of the latest call in this task or thread.
current_position: ContextVar[ConversationPosition | None] = ContextVar("hilt_position", default=None)


class HistoryPointer(NamedTuple):
    """The last event of a conversation at some moment, and the messages up to and including it."""

    session_id: str
    event_id: str
    message_count: int
    owner: int = 0
    choice: int = 0  # which choice of the answer
    omits: tuple[str, ...] = ()  # types of part of the answer that the request leaves out

    def as_extension(self) -> History:
        """Return `extensions.history` for the event that comes next."""
        history: History = {"messages": self.message_count, "after": self.event_id}
        if self.choice:
            history["choice"] = self.choice
        if self.omits:
            history["omits"] = list(self.omits)
        return history


@dataclass(slots=True)
class ConversationPosition:
    """A point in a conversation at which events are recorded: the history, and fields of all these events.

    As the events of a request are written, `history` and `reply_to` move to the latest of them, and
    `new_messages` becomes empty.
    """

    session_id: str
    name: str | None  # the conversation's plain id, if the program, a framework or the API gave one
    context: Extensions  # of every event recorded here
    history: HistoryPointer | None = None
    reply_to: str | None = None
    new_messages: list[Message] | tuple[Message, ...] = ()  # those that no event has yet
    digest: int = 0  # of all messages of the request
    message_count: int = 0  # of the whole request
    owner: int = 0
    tracker: object = None  # the ConversationTracker that made it; compared by identity only
    adapt: Callable[[EventDict], EventDict] | None = None  # changes each event, before the processors
    prompt_id: str | None = None  # the event ids of the prompt and of its answer, once they are written
    answer_id: str | None = None


class ConversationTracker:
    """Recognise conversations; one for each log.

    Args:
        name: the conversation of all calls for which nothing else names one (the setting HILT_SESSION).
        tags: the tags of every event.
    """

    def __init__(self, name: str | None = None, tags: list[str] | None = None) -> None:
        self._name = name
        self._tags = tags or []
        # By digest; also by digest and owner if two conversations have the same digest.
        self._pointers: BoundedCache[Hashable, HistoryPointer] = BoundedCache()
        self._by_response_id: BoundedCache[str, HistoryPointer] = BoundedCache()
        self._newest: BoundedCache[str, ConversationPosition] = BoundedCache()  # named ones, by session id
        self.tools = ToolCallTracker()

    def name_for(self, suggestion: str | None) -> str | None:
        """Return the name of the current conversation: the program's, else the setting, else the suggestion.

        Args:
            suggestion: the name that a framework or the API gives.
        """
        return current_conversation.get() or self._name or suggestion

    def locate(self, request: Request, *, is_plain: bool = False) -> ConversationPosition:
        """Return the position of a request, which continues a conversation or begins one.

        Args:
            request: the request.
            is_plain: whether it is known to be one message with one text and nothing else.
        """
        name = current_conversation.get() or self._name or request.conversation
        answer = (
            self._by_response_id.get(request.previous_response_id) if request.previous_response_id else None
        )
        digest = 0 if name is None else hash(session_id_of(name))
        digests = []
        for message in request.messages:
            digest = _next_digest(digest, message, is_plain=is_plain or is_plain_text(message))
            digests.append(digest)
        owner = request.chat_object_id or _current_owner()
        history = self._longest_history(digests, owner) if answer is None and len(digests) > 1 else None
        covered = history.message_count if history is not None else 0
        previous = history or answer
        if name is not None:
            session_id = session_id_of(name)
        elif previous is not None:
            session_id = previous.session_id
        else:
            session_id = request.fallback_session_id or f"conv_{random_hex(96)}"
        if previous is not None and previous.session_id != session_id:
            previous = None
        position = ConversationPosition(
            session_id,
            name,
            context_extensions(name, self._tags),
            history,
            None if previous is None else previous.event_id,
            request.messages[covered:],
            digest,
            len(request.messages),
            owner,
            self,
        )
        if name is not None:
            self._newest.put(session_id, position)
        return position

    def standalone(self, request: Request) -> ConversationPosition:
        """Return the position of a request that is not part of a history."""
        name = self.name_for(request.conversation)
        session_id = (
            session_id_of(name) if name is not None else request.fallback_session_id or new_session_id()
        )
        context = context_extensions(name, self._tags)
        count = len(request.messages)
        return ConversationPosition(
            session_id, name, context, new_messages=request.messages, message_count=count
        )

    def current(self) -> ConversationPosition:
        """Return the position of the latest call in this context, or in the conversation that it names."""
        position = current_position.get()
        if position is not None and position.tracker is not self:  # of another log, or of the parent process
            position = None
        name = self.name_for(None)
        session_id = None if name is None else session_id_of(name)
        if position is not None and session_id in (None, position.session_id):
            return position
        position = None if session_id is None else self._newest.get(session_id)
        if position is None:
            position = self.position_at(session_id or new_session_id(), name)
            if session_id is not None:
                self._newest.put(session_id, position)
        current_position.set(position)
        return position

    def position_at(
        self, session_id: str, name: str | None, prompt_id: str | None = None
    ) -> ConversationPosition:
        """Return a position that is not of a request; `prompt_id` is the event to reply to."""
        context = context_extensions(name, self._tags)
        return ConversationPosition(session_id, name, context, tracker=self, prompt_id=prompt_id)

    def position_of_run(self, suggestion: str | None, session_id: str) -> ConversationPosition:
        """Return the position of a framework's run.

        Args:
            suggestion: the name of the conversation that the framework gives.
            session_id: the run's session if nothing names a conversation.
        """
        name = current_conversation.get() or self._name or suggestion
        if name is not None:
            session_id = session_id_of(name)
        return ConversationPosition(session_id, name, context_extensions(name, self._tags))

    def with_current_context(self, position: ConversationPosition) -> ConversationPosition:
        """Return a copy of a position with the current tags and the current user."""
        return replace(position, context=context_extensions(position.name, self._tags), adapt=None)

    def has_response(self, response_id: str | None) -> bool:
        """Return whether the log has the response with this id."""
        return response_id is not None and self._by_response_id.get(response_id) is not None

    def _longest_history(self, digests: list[int], owner: int) -> HistoryPointer | None:
        for digest in reversed(digests):
            pointer = self._pointers.get(digest)
            if pointer is not None:
                return pointer if pointer.owner == owner else self._pointers.get((digest, owner)) or pointer
        return None

    def record_response(
        self,
        position: ConversationPosition,
        response: Response,
        event_id: str,
        *,
        by_id: bool,
        is_plain: bool = False,
    ) -> None:
        """Remember the answer to a request, in every form in which the next request may repeat it.

        Args:
            position: that of the request.
            response: its answer.
            event_id: the event of the answer.
            by_id: whether the next request may also name the answer by its id.
            is_plain: whether it is one message with one text: then it has one form.
        """
        position.answer_id = event_id
        pointer = HistoryPointer(position.session_id, event_id, position.message_count + 1, position.owner)
        for choice, message in enumerate(response.messages):
            for form, omits in ((message, ()),) if is_plain else _forms(message):
                digest = _next_digest(position.digest, form, is_plain=is_plain or is_plain_text(form))
                value = pointer._replace(choice=choice, omits=omits) if choice or omits else pointer
                rival = self._pointers.put(digest, value)
                if rival is not None and rival.owner != position.owner:
                    self._pointers.put((digest, rival.owner), rival)
        if by_id and response.response_id is not None:
            self._by_response_id.put(response.response_id, pointer)


def new_session_id() -> str:
    """Return the session id of a conversation that has no name."""
    return f"conv_{random_hex(96)}"


def without_finish_reason(message: Message) -> Message:
    """Return a message without `finish_reason`, which only completions have."""
    message = message.copy()
    message.pop("finish_reason", None)
    return message


def without_parts(message: Message, omits: tuple[str, ...] | list[str]) -> Message:
    """Return a message without the parts of these types, and without annotations if they are among them."""
    parts = [part for part in message["parts"] if part["type"] not in omits]
    if "annotations" in omits:
        parts = [_without_annotations(part) for part in parts]
    return {**message, "parts": parts}


def _without_annotations(part: Part) -> Part:
    part = part.copy()
    part.pop("annotations", None)
    return part


def _forms(message: Message) -> list[tuple[Message, tuple[str, ...]]]:
    omits = {part["type"] for part in message["parts"]} - set(_REPEATED)
    if any("annotations" in part for part in message["parts"]):
        omits.add("annotations")
    if not omits:
        return [(message, ())]
    names = tuple(sorted(omits))
    return [(message, ()), (without_parts(message, names), names)]


def _next_digest(digest: int, message: Message, *, is_plain: bool) -> int:
    """Return the digest of a message and all messages before it.

    Digests never leave the process, which keeps a few thousand: Python's 64-bit hash, keyed for each process,
    is enough, and costs a tenth of a cryptographic one (`tests/benchmarks/calls.py`).
    """
    if is_plain:
        return hash((digest, message["role"], message["parts"][0]["content"]))
    # Sorted, because SDKs order the keys differently.
    return hash((digest, encode_line(without_finish_reason(message), orjson.OPT_SORT_KEYS)))


def _current_owner() -> int:
    """Return the id of the task, else of the thread: it distinguishes conversations with the same words."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:  # noqa: SLF001  the public one raises
        task = asyncio.current_task()
        if task is not None:
            return id(task)
    return threading.get_ident()
