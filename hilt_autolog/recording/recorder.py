"""What the calls of one process share: the settings of the log, its conversations, the calls still open."""

from __future__ import annotations

import contextlib
import weakref
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from hilt_autolog.contracts.media import MediaRedactor

from .caches import BoundedCache
from .chunks import Chunks, MergedChunks, WrittenChunks
from .conversations import ConversationTracker
from .processors import withhold

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.model import StreamAccumulator

    from .chunks import Write, WriteLine
    from .events import Event


_MOST_AWAITED = 1024


class OpenCall(Protocol):
    """A call that has not ended: `call.Call`."""

    def abort(self, how: str) -> None:
        """End it where it stands."""

    def discard(self) -> None:
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
        self.conversations = ConversationTracker(conversation)
        self.media_redactor = MediaRedactor(media)
        self.open: dict[int, OpenCall] = {}  # calls that have not ended
        self.runs: dict[str, Any] = {}  # id -> the run of a framework that has not ended
        self.awaited: dict[str, Any] = {}  # response id -> the call that will be answered later
        self.connections: dict[int, Any] = {}  # id of a connection that lasts -> (it, what we know of it)
        # batch and id within it -> the call, or that it has ended
        self.batched: BoundedCache[tuple[str, str], Any] = BoundedCache()

    def _withheld(self, event: Event, *, is_json: bool = False, skip_stat: bool = False) -> None:
        left = withhold(event, self._content)
        if left is not None:
            self._write(left, is_json=is_json, skip_stat=skip_stat)

    def chunks_of(self, fold: StreamAccumulator, session_id: str, model: str, reply_to: str | None) -> Chunks:
        """Return what reads and writes the chunks of a stream."""
        if self.chunks == "off":
            return Chunks(fold)
        kind = MergedChunks if self.chunks == "merged" else WrittenChunks
        return kind(fold, self.write, self.write_line, session_id, model, reply_to)

    def wait_for(self, response_id: str | None, call: OpenCall) -> None:
        """Remember a call whose answer is to be fetched later, if it can be; the oldest are given up."""
        if response_id is None:
            return
        self.awaited[response_id] = call
        if len(self.awaited) > _MOST_AWAITED:
            self.awaited.pop(next(iter(self.awaited))).abort("dropped")

    def end_all(self, how: str = "exit") -> None:
        """End what is still open: the process, or the recording, is over."""
        connections, self.connections = self.connections, {}
        for _, connection in connections.values():
            connection.leave(how)
        for call in list(self.open.values()):
            call.abort(how)

    def forget(self) -> None:
        """Leave the calls and conversations of the parent process to it: a forked child begins anew."""
        for call in self.open.values():
            call.discard()
        self.open, self.awaited, self.runs, self.batched = {}, {}, {}, BoundedCache()
        self.connections = {}
        self.conversations = ConversationTracker(self._conversation)


class EventSink(Protocol):
    """What is written to: `io.session.Session`, or anything else that takes events."""

    def append(self, event: Event, /) -> object:
        """Write an event."""


_recorders: weakref.WeakKeyDictionary[Any, Recorder] = weakref.WeakKeyDictionary()


def recorder_of(session: EventSink) -> Recorder:
    """Return what turns calls into events of a session: always the same, so that it knows its conversations.

    Raises:
        TypeError: nothing can be appended to `session`.
    """
    if not callable(getattr(session, "append", None)):
        raise TypeError(f"events are appended to a Session, not to {type(session).__name__}")
    try:
        known = _recorders.get(session)
        if known is None:
            known = _recorders.setdefault(session, Recorder(*writers_into(session)))
    except TypeError:  # it is no key: it has an equality of its own, as lists have, or cannot be held weakly
        return Recorder(*writers_into(session))
    return known


def writers_into(session: EventSink) -> tuple[Write, WriteLine]:
    """Return what writes events, and lines that are events already, to a session; it is not kept alive."""
    try:
        return _into(weakref.ref(session))
    except TypeError:  # it cannot be held weakly
        return _into(lambda: session)


def share_recorder(session: EventSink, recorder: Recorder) -> None:
    """Let the helpers that are given this session write by this recorder, too."""
    with contextlib.suppress(TypeError):  # as above
        _recorders[session] = recorder


def _into(session: Callable[[], EventSink | None]) -> tuple[Write, WriteLine]:
    def write(event: Event, *, is_json: bool = False, skip_stat: bool = False) -> object:  # noqa: ARG001
        kept = session()
        return None if kept is None else kept.append(event)

    def write_line(data: bytes, *, skip_stat: bool = False) -> object:
        return write(orjson.loads(data), skip_stat=skip_stat)

    return write, write_line
