"""What the calls of one log share: its settings, its conversations, what is open, and the way to the log."""

from __future__ import annotations

import contextlib
import weakref
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from hilt_autolog.contracts.media import MediaRedactor

from .caches import BoundedCache
from .chunks import Chunks, MergedChunks, WrittenChunks
from .conversations import ConversationTracker
from .processors import pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.model import StreamAccumulator
    from hilt_autolog.contracts.types import EventDict

    from .conversations import ConversationPosition
    from .lifecycle import Activity
    from .processors import Processor

_MOST_PENDING = 1024


class Write(Protocol):
    """Write an event."""

    def __call__(self, event: EventDict, *, is_json: bool = False, skip_stat: bool = False) -> object:
        """Write it; `is_json` spares a check of its values (`log.encoder`), `skip_stat` one of the file."""


class WriteLine(Protocol):
    """Write an event that is a line already."""

    def __call__(self, data: bytes, *, skip_stat: bool = False) -> object:
        """Write it; `skip_stat` spares a check of the file (`log.append_file`)."""


class Recorder:
    """Write the events of one log.

    Args:
        write: writes an event.
        write_line: writes an event that is a line already.
        chunks: "each", "merged" or "off".
        content: "full", "hash" or "none".
        user: the id of the human actor of prompts.
        tags: the tags of every event.
        conversation: the conversation of the calls that nothing else names.
        media: returns the directory for the content of media; None stores none.
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
        self.write_line = write_line
        self._pipeline: dict[str, tuple[Processor, ...]] = pipeline(content)
        self._chunks = chunks if content == "full" else "off"
        self.user = user
        self._new_tracker: Callable[[], ConversationTracker] = lambda: ConversationTracker(
            conversation, list(tags)
        )
        self.conversations = self._new_tracker()
        self.media_redactor = MediaRedactor(media)
        self.open: dict[int, Activity] = {}  # by identity: calls and runs that have not ended
        self.runs: dict[str, Any] = {}  # by id: a framework's runs that have not ended
        self.pending: dict[str, Any] = {}  # by response id: calls that will be answered later
        self.connections: dict[int, Any] = {}  # by identity: (weak reference, `connections.Connection`)
        # By batch and id within it: the call, or the mark that it has ended.
        self.batched: BoundedCache[tuple[str, str], Any] = BoundedCache()

    def emit(
        self,
        event: EventDict,
        position: ConversationPosition,
        *,
        is_json: bool = False,
        skip_stat: bool = False,
    ) -> str:
        """Process an event and write it. Every event of calls, runs, connections and programs passes here.

        Args:
            event: the event; processors may change it.
            position: where it is recorded.
            is_json: whether all of its values are known to be what JSON can represent.
            skip_stat: whether the log file need not be checked before this event.

        Returns:
            The event's id, also if nothing of it may be written.
        """
        event_id = event["event_id"]
        for process in self._pipeline[event["action"]]:
            processed = process(event, position)
            if processed is None:
                return event_id
            event = processed
        self._write(event, is_json=is_json, skip_stat=skip_stat)
        return event_id

    def process(self, event: EventDict, position: ConversationPosition) -> EventDict | None:
        """Return an event as `emit` would write it."""
        processed: EventDict | None = event
        for process in self._pipeline[event["action"]]:
            processed = None if processed is None else process(processed, position)
        return processed

    def chunks_of(
        self,
        accumulator: StreamAccumulator,
        position: ConversationPosition,
        actor_id: str,
        reply_to: str | None,
    ) -> Chunks:
        """Return what reads and writes the chunks of a stream.

        Args:
            accumulator: reads the chunks.
            position: that of the call.
            actor_id: the model, as the actor of the events.
            reply_to: the event of the prompt.
        """
        if self._chunks == "off":
            return Chunks(accumulator)
        kind = MergedChunks if self._chunks == "merged" else WrittenChunks
        return kind(accumulator, self, position, actor_id, reply_to)

    def wait_for(self, response_id: str | None, call: Activity) -> None:
        """Remember a call whose answer may be fetched later; of too many, the oldest is aborted."""
        if response_id is None:
            return
        self.pending[response_id] = call
        if len(self.pending) > _MOST_PENDING:
            self.pending.pop(next(iter(self.pending))).abort("dropped")

    def end_all(self, reason: str = "exit") -> None:
        """Abort what is open: the process, or the recording, ends."""
        connections, self.connections = self.connections, {}
        for _, connection in connections.values():
            connection.leave(reason)
        for activity in list(self.open.values()):
            activity.abort(reason)

    def forget(self) -> None:
        """Start anew in a forked child: its parent's calls and conversations are the parent's."""
        for activity in self.open.values():
            activity.discard()
        self.open, self.pending, self.runs, self.batched = {}, {}, {}, BoundedCache()
        self.connections = {}
        self.conversations = self._new_tracker()


class EventSink(Protocol):
    """Takes events: `io.session.Session`, or an object of the program's own."""

    def append(self, event: Any, /) -> object:
        """Write an event."""


_recorders: weakref.WeakKeyDictionary[Any, Recorder] = weakref.WeakKeyDictionary()


def recorder_of(session: EventSink) -> Recorder:
    """Return the recorder over a session: always the same, so that it knows the session's conversations.

    Raises:
        TypeError: `session` has no `append`.
    """
    if not callable(getattr(session, "append", None)):
        raise TypeError(f"events are appended to a Session, not to {type(session).__name__}")
    try:
        recorder = _recorders.get(session)
        if recorder is None:
            recorder = _recorders.setdefault(session, Recorder(*writers_into(session)))
    except TypeError:  # not hashable, because it defines equality as lists do, or not weakly referable
        return Recorder(*writers_into(session))
    return recorder


def writers_into(session: EventSink) -> tuple[Write, WriteLine]:
    """Return the functions that write events, and lines, to a session; they do not keep it alive."""
    try:
        return _writers_into(weakref.ref(session))
    except TypeError:  # not weakly referable
        return _writers_into(lambda: session)


def share_recorder(session: EventSink, recorder: Recorder) -> None:
    """Let helpers that get this session write by this recorder, too."""
    with contextlib.suppress(TypeError):  # as in `recorder_of`
        _recorders[session] = recorder


def _writers_into(reference: Callable[[], EventSink | None]) -> tuple[Write, WriteLine]:
    def write(event: EventDict, *, is_json: bool = False, skip_stat: bool = False) -> object:  # noqa: ARG001  an EventSink has these arguments
        session = reference()
        return None if session is None else session.append(event)

    def write_line(data: bytes, *, skip_stat: bool = False) -> object:
        return write(orjson.loads(data), skip_stat=skip_stat)

    return write, write_line
