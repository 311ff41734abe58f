"""What the calls of one log share: settings, conversations, open activities, and how events are written."""

from __future__ import annotations

import contextlib
import weakref
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from hilt_autolog.contracts.media import MediaRedactor

from .caches import BoundedCache
from .chunks import ChunkReader, ChunkWriter, MergingChunkWriter
from .conversations import ConversationTracker
from .processors import pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.model import StreamAccumulator
    from hilt_autolog.contracts.types import EventDict

    from .activity import Activity
    from .conversations import ConversationPosition
    from .processors import Processor

_MOST_PENDING = 1024


class Write(Protocol):
    """Write an event."""

    def __call__(self, event: EventDict, *, is_json: bool = False, skip_stat: bool = False) -> object:
        """Write it; `is_json` skips a check of its values (`log.encoder`), `skip_stat` one of the file."""


class WriteLine(Protocol):
    """Write an event that is encoded as a line."""

    def __call__(self, data: bytes, *, skip_stat: bool = False) -> object:
        """Write it; `skip_stat` skips a check of the file (`log.append_file`)."""


class Recorder:
    """Write the events of one log.

    Args:
        write: writes an event.
        write_line: writes an event that is encoded as a line.
        chunks: "each", "merged" or "off".
        content: "full", "hash" or "none".
        user: the id of the human actor in prompts.
        tags: the tags of every event.
        conversation: the conversation of all calls for which nothing else names one.
        media: returns the directory in which the content of media is stored; None: it is not stored.
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
        # `log.writer.Writer.write_line`, or that of a session (`writers_into`). An attribute, not a method:
        # that saves a function call for each chunk (`tests/benchmarks/calls.py`, "a chunk").
        self.write_line = write_line
        self._pipeline: dict[str, tuple[Processor, ...]] = pipeline(content)
        self._chunks = chunks if content == "full" else "off"
        self.user = user
        self._new_tracker: Callable[[], ConversationTracker] = lambda: ConversationTracker(
            conversation, list(tags)
        )
        self.conversations = self._new_tracker()
        self.media_redactor = MediaRedactor(media)
        self.open_activities: dict[int, Activity] = {}  # by identity: calls and runs that have not ended
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
        """Process an event and write it. All events are written by this method, except most chunks.

        Args:
            event: the event; processors may change it.
            position: where it is recorded.
            is_json: whether all of its values are known to be of JSON's own types.
            skip_stat: whether the log file need not be checked before this event.

        Returns:
            The event's id, even if a processor withheld the event.
        """
        event_id = event["event_id"]
        # The loop of `process`, to save a function call for each event (`tests/benchmarks/frames.py`).
        for process in self._pipeline[event["action"]]:
            processed = process(event, position)
            if processed is None:
                return event_id
            event = processed
        self._write(event, is_json=is_json, skip_stat=skip_stat)
        return event_id

    def process(self, event: EventDict, position: ConversationPosition) -> EventDict | None:
        """Return an event as `emit` would write it; None if `emit` would write nothing."""
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
    ) -> ChunkReader:
        """Return the reader of a stream's chunks, which also writes them if the settings say so.

        Args:
            accumulator: reads the chunks.
            position: that of the call.
            actor_id: the model, as the actor of the events.
            reply_to: the event of the prompt.
        """
        if self._chunks == "off":
            return ChunkReader(accumulator)
        kind = MergingChunkWriter if self._chunks == "merged" else ChunkWriter
        return kind(accumulator, self, position, actor_id, reply_to)

    def keep_pending(self, response_id: str | None, call: Activity) -> None:
        """Keep a call whose answer may be fetched later; abort the oldest if there are too many."""
        if response_id is None:
            return
        self.pending[response_id] = call
        if len(self.pending) > _MOST_PENDING:
            self.pending.pop(next(iter(self.pending))).abort("dropped")

    def end_all(self, reason: str = "exit") -> None:
        """Abort everything that is open, because the process or the recording ends."""
        connections, self.connections = self.connections, {}
        for _, connection in connections.values():
            connection.stop(reason)
        for activity in list(self.open_activities.values()):
            activity.abort(reason)

    def reset_after_fork(self) -> None:
        """Start over in a forked child: discard the parent's calls, runs, connections and conversations."""
        for activity in self.open_activities.values():
            activity.discard()
        self.open_activities, self.pending, self.runs, self.batched = {}, {}, {}, BoundedCache()
        self.connections = {}
        self.conversations = self._new_tracker()


class EventSink(Protocol):
    """An object that events are appended to: `session.session.Session`, or one of the program's own."""

    def append(self, event: Any, /) -> object:
        """Write an event."""


_recorders: weakref.WeakKeyDictionary[Any, Recorder] = weakref.WeakKeyDictionary()


def recorder_of(session: EventSink) -> Recorder:
    """Return the recorder of a session: always the same one, because it has the session's conversations.

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
    """Make `recorder_of` return this recorder for this session."""
    with contextlib.suppress(TypeError):  # as in `recorder_of`
        _recorders[session] = recorder


def _writers_into(reference: Callable[[], EventSink | None]) -> tuple[Write, WriteLine]:
    def write(event: EventDict, *, is_json: bool = False, skip_stat: bool = False) -> object:  # noqa: ARG001  an EventSink has these arguments
        session = reference()
        return None if session is None else session.append(event)

    def write_line(data: bytes, *, skip_stat: bool = False) -> object:
        return write(orjson.loads(data), skip_stat=skip_stat)

    return write, write_line
