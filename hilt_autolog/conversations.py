"""Which conversation a request belongs to, and how much of it the log already holds.

Chat APIs repeat the whole history with every call. A running digest over the messages of each answered
request, its answer included, is remembered: a request that begins with the same messages continues that
conversation, and only what comes after is written (`event-format`, "History is written once").

An answer is remembered in two forms, because programs repeat it in two: whole, or as its text and tool
calls alone. The key also names who asked (the task or thread), so that two conversations that say the
same words at the same time are told apart; only if that fails does the newest one with these words win.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import uuid
from collections.abc import Hashable, Iterator
from contextvars import ContextVar
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from .clock import token
from .facts import Message, Prompt, Reply
from .io.encoder import line

_NAMESPACE = uuid.UUID("a8f7e6d5-c4b3-4a21-9f0e-1d2c3b4a5e6f")  # the rule of hilt-python
_REMEMBERED = 8192  # heads, answers and tool calls each; the oldest are forgotten first
_REPEATED = ("text", "tool_call")  # the parts that every client repeats

chosen: ContextVar[str | None] = ContextVar("hilt_conversation", default=None)


class Head(NamedTuple):
    """The last event of a conversation as it stood, and how many messages it holds."""

    conversation: str
    event_id: str
    messages: int
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


class Place(NamedTuple):
    """Where a request stands: its conversation, what came before, and the digest over all of it."""

    session_id: str
    name: str | None  # the plain id, when the program or the API gave one
    head: Head | None
    reply_to: str | None
    new: list[Message]
    digest: bytes
    total: int


class Memory(dict[Any, Any]):
    """A dict that forgets its oldest entries; each operation is one that threads may share."""

    def __setitem__(self, key: Hashable, value: Any) -> None:
        if len(self) >= _REMEMBERED:
            with contextlib.suppress(KeyError, RuntimeError, StopIteration):  # another thread was faster
                del self[next(iter(self))]
        super().__setitem__(key, value)


class Conversations:
    """Recognises conversations; one for each process.

    Args:
        name: the conversation of all calls of this process that say nothing else (HILT_SESSION).
    """

    def __init__(self, name: str | None = None) -> None:
        self._name = name
        self._heads = Memory()
        self._answers = Memory()  # response id -> Head
        self._calls = Memory()  # (session id, tool call id) -> (event id, tool) or None when its result is known

    def place(self, prompt: Prompt) -> Place:
        """Return where a request stands."""
        named = chosen.get() or self._name or prompt.conversation
        answer: Head | None = self._answers.get(prompt.previous) if prompt.previous else None
        seed = b"" if named is None else session_id_of(named).encode()
        digests = list(_digests(seed, prompt.messages))
        head = None if answer is not None else self._longest(digests)
        known = head.messages if head is not None else 0
        if named is not None:
            session = session_id_of(named)
        else:
            session = (head or answer or _NOBODY).conversation or new_session_id()
        came_before = head or (answer if answer is not None and answer.conversation == session else None)
        return Place(
            session_id=session,
            name=named,
            head=head,
            reply_to=came_before.event_id if came_before is not None else None,
            new=prompt.messages[known:],
            digest=digests[-1] if digests else seed,
            total=len(prompt.messages),
        )

    def apart(self, prompt: Prompt) -> Place:
        """Return the place of a request that continues nothing and is continued by nothing."""
        named = chosen.get() or self._name or prompt.conversation
        session = session_id_of(named) if named is not None else new_session_id()
        return Place(session, named, None, None, prompt.messages, b"", len(prompt.messages))

    def is_known(self, response_id: str | None) -> bool:
        """Return whether the log holds the response of this id."""
        return response_id in self._answers

    def _longest(self, digests: list[bytes]) -> Head | None:
        owner = _owner()
        for digest in reversed(digests):
            head: Head | None = self._heads.get((digest, owner)) or self._heads.get(digest)
            if head is not None:
                return head
        return None

    def answered(self, place: Place, reply: Reply, event_id: str) -> None:
        """Remember the answer to a request, in every form in which the next request may repeat it."""
        owner = _owner()
        for choice, message in enumerate(reply.messages):
            for spoken, omits in _forms(message):
                head = Head(place.session_id, event_id, place.total + 1, choice, omits)
                digest = _next(place.digest, spoken)
                self._heads[(digest, owner)] = head
                self._heads[digest] = head
        if reply.response_id is not None:
            self._answers[reply.response_id] = Head(place.session_id, event_id, 0)

    def asked(self, session_id: str, tool_call_id: str, event_id: str, tool: str | None) -> None:
        """Remember that an answer asked for a tool."""
        self._calls[(session_id, tool_call_id)] = (event_id, tool)

    def resulted(self, session_id: str, tool_call_id: str) -> tuple[str | None, str | None] | None:
        """Take note of a tool's result: (event of its call, tool), or None if it was known already."""
        key = (session_id, tool_call_id)
        known: tuple[str | None, str | None] | None = self._calls.get(key, (None, None))
        self._calls[key] = None
        return known


_NOBODY = Head("", "", 0)


def new_session_id() -> str:
    """Return the id of a conversation that nothing names."""
    return f"conv_{token(96)}"


@lru_cache(maxsize=1024)
def session_id_of(name: str) -> str:
    """Return the session id for a name: hilt-python gives the same; an id of its form stays as it is."""
    return name if name.startswith("conv_") else f"conv_{uuid.uuid5(_NAMESPACE, name).hex[:12]}"


def repeated(message: Message) -> Message:
    """Return a message without what only its completion knows."""
    return {key: value for key, value in message.items() if key != "finish_reason"}


def _forms(message: Message) -> list[tuple[Message, tuple[str, ...]]]:
    whole = repeated(message)
    if len(whole["parts"]) == 1 and whole["parts"][0].keys() == _PLAIN_PART:
        return [(whole, ())]
    kinds = {part["type"] for part in whole["parts"]} - set(_REPEATED)
    noted = any("annotations" in part for part in whole["parts"])
    if not kinds and not noted:
        return [(whole, ())]
    omits = tuple(sorted(kinds | ({"annotations"} if noted else set())))
    return [(whole, ()), (without(whole, omits), omits)]


def without(message: Message, omits: tuple[str, ...] | list[str]) -> Message:
    """Return a message without the parts of these types, and without annotations if they are among them."""
    parts = [part for part in message["parts"] if part["type"] not in omits]
    if "annotations" in omits:
        parts = [{key: value for key, value in part.items() if key != "annotations"} for part in parts]
    return {**message, "parts": parts}


def _digests(seed: bytes, messages: list[Message]) -> Iterator[bytes]:
    digest = seed
    for message in messages:
        digest = _next(digest, message)
        yield digest


def _next(digest: bytes, message: Message) -> bytes:
    parts = message["parts"]
    if len(message) == len(_PLAIN) and len(parts) == 1 and parts[0].keys() == _PLAIN_PART:
        # Most messages; a first byte that JSON cannot begin with keeps them apart from the others.
        data = b"\0%s\0%s" % (message["role"].encode(), parts[0]["content"].encode("utf-8", "surrogatepass"))
    else:
        data = line(message)
    return blake2b(digest + data, digest_size=16).digest()


_PLAIN = ("role", "parts")
_PLAIN_PART = {"type", "content"}


def _owner() -> int:
    """Return what tells two conversations with the same words apart: the running task, else the thread."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:  # noqa: SLF001  the public one raises
        task = asyncio.current_task()
        if task is not None:
            return id(task)
    return threading.get_ident()


@contextlib.contextmanager
def conversation(name: str) -> Iterator[str]:
    """Put the calls made inside of `with conversation(name):` into one conversation.

    Args:
        name: the program's own id ("ticket-42", a user's session); kept in `extensions.conversation`.

    Yields:
        The session id of its events.
    """
    token = chosen.set(name)
    try:
        yield session_id_of(name)
    finally:
        # A generator may be closed in another context than the one that it began in.
        with contextlib.suppress(ValueError):
            chosen.reset(token)
