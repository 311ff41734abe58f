"""What the calls of one process share: the settings of the log, its conversations, the calls still open."""

from __future__ import annotations

import contextlib
import weakref
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from hilt_autolog.contracts.media import Describer

from .caches import Memory
from .chunks import Chunks, MergedChunks, WrittenChunks
from .conversations import Conversations
from .processors import withhold

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.model import Fold

    from .chunks import Write, WriteLine
    from .events import Event


_MOST_AWAITED = 1024


class Open(Protocol):
    """A call that has not ended: `call.Call`."""

    def cut(self, how: str) -> None:
        """End it where it stands."""

    def disown(self) -> None:
        """Forget it."""


class Recorder:
    """What turns the calls of one process into events.

    Args:
        write: takes an event, and hands it to the disk.
        write_line: takes a line that is an event already.
        chunks: "each", "merged" or "off".
        content: "full", "hash" or "none".
        user: the id of the human in prompts.
        tags: labels for the events of every call.
        conversation: the conversation of the calls that nothing else names.
        media: gives the folder for contents of media; None stores none.
    """

    def __init__(  # noqa: PLR0913  the settings, each by its name
        self,
        write: Write,
        write_line: WriteLine,
        *,
        chunks: str = "each",
        content: str = "full",
        user: str = "user",
        tags: tuple[str, ...] = (),
        conversation: str | None = None,
        media: Callable[[], str] | None = None,
    ) -> None:
        self._write = write
        self._content = content
        self.write: Write = write if content == "full" else self._withheld
        self.write_line = write_line
        self.chunks = chunks if content == "full" else "off"
        self.user = user
        self.tags = list(tags)
        self._conversation = conversation
        self.conversations = Conversations(conversation)
        self.describer = Describer(media)
        self.open: dict[int, Open] = {}  # calls that have not ended
        self.runs: dict[str, Any] = {}  # id -> the run of a framework that has not ended
        self.awaited: dict[str, Any] = {}  # response id -> the call that will be answered later
        self.connections: dict[int, Any] = {}  # id of a connection that lasts -> (it, what we know of it)
        # batch and id within it -> the call, or that it has ended
        self.batched: Memory[tuple[str, str], Any] = Memory()

    def _withheld(self, event: Event, *, is_json: bool = False, hasty: bool = False) -> None:
        left = withhold(event, self._content)
        if left is not None:
            self._write(left, is_json=is_json, hasty=hasty)

    def chunks_of(self, fold: Fold, session_id: str, model: str, reply_to: str | None) -> Chunks:
        """Return what reads and writes the chunks of a stream."""
        if self.chunks == "off":
            return Chunks(fold)
        kind = MergedChunks if self.chunks == "merged" else WrittenChunks
        return kind(fold, self.write, self.write_line, session_id, model, reply_to)

    def wait_for(self, response_id: str | None, call: Open) -> None:
        """Remember a call whose answer is to be fetched later, if it can be; the oldest are given up."""
        if response_id is None:
            return
        self.awaited[response_id] = call
        if len(self.awaited) > _MOST_AWAITED:
            self.awaited.pop(next(iter(self.awaited))).cut("dropped")

    def end_all(self, how: str = "exit") -> None:
        """End what is still open: the process, or the recording, is over."""
        connections, self.connections = self.connections, {}
        for _, connection in connections.values():
            connection.leave(how)
        for call in list(self.open.values()):
            call.cut(how)

    def forget(self) -> None:
        """Leave the calls and conversations of the parent process to it: a forked child begins anew."""
        for call in self.open.values():
            call.disown()
        self.open, self.awaited, self.runs, self.batched = {}, {}, {}, Memory()
        self.connections = {}
        self.conversations = Conversations(self._conversation)


class Appends(Protocol):
    """What is written to: `io.session.Session`, or anything else that takes events."""

    def append(self, event: Event, /) -> object:
        """Write an event."""


_recorders: weakref.WeakKeyDictionary[Any, Recorder] = weakref.WeakKeyDictionary()


def recorder_of(session: Appends) -> Recorder:
    """Return what turns calls into events of a session: always the same, so that it knows its conversations.

    Raises:
        TypeError: nothing can be appended to `session`.
    """
    if not callable(getattr(session, "append", None)):
        raise TypeError(f"events are appended to a Session, not to {type(session).__name__}")
    try:
        known = _recorders.get(session)
        if known is None:
            known = _recorders.setdefault(session, Recorder(*into(session)))
    except TypeError:  # it is no key: it has an equality of its own, as lists have, or cannot be held weakly
        return Recorder(*into(session))
    return known


def into(session: Appends) -> tuple[Write, WriteLine]:
    """Return what writes events, and lines that are events already, to a session; it is not kept alive."""
    try:
        return _into(weakref.ref(session))
    except TypeError:  # it cannot be held weakly
        return _into(lambda: session)


def adopt(session: Appends, recorder: Recorder) -> None:
    """Let the helpers that are given this session write by this recorder, too."""
    with contextlib.suppress(TypeError):  # as above
        _recorders[session] = recorder


def _into(session: Callable[[], Appends | None]) -> tuple[Write, WriteLine]:
    def write(event: Event, *, is_json: bool = False, hasty: bool = False) -> object:  # noqa: ARG001
        kept = session()
        return None if kept is None else kept.append(event)

    def write_line(data: bytes, *, hasty: bool = False) -> object:
        return write(orjson.loads(data), hasty=hasty)

    return write, write_line
