"""Puts the parts together: settings -> a recorder over a writer, and a mirror of the log if wanted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from hilt_autolog.internal_errors import internal_errors
from hilt_autolog.log.file_names import app_name
from hilt_autolog.log.writer import Writer
from hilt_autolog.recording.conversations import ConversationPosition
from hilt_autolog.recording.recorder import Recorder, share_recorder, writers_into

from .lifecycle_events import LifecycleEvents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hilt_autolog.contracts.types import Event, JsonObject
    from hilt_autolog.recording.recorder import EventSink
    from hilt_autolog.settings import Settings
    from hilt_autolog.sinks.mirror import SheetMirror
    from hilt_autolog.sinks.uploader import Progress


class RecordingParts(NamedTuple):
    """What a recording is made of; `mirror` keeps a sheet up with the log of the writer."""

    recorder: Recorder
    writer: Writer
    mirror: SheetMirror | None

    def copied(self) -> Progress | None:
        """Return how the copy in a sheet stands; None if none is wanted."""
        return self.mirror.progress() if self.mirror else None

    def close(self, *, wait: bool) -> None:
        """Close the log; `wait` for the sheet, up to five seconds, or let it come to its end alone."""
        self.writer.close()
        if self.mirror is not None:
            self.mirror.close(wait=wait)


def build_recording(
    settings: Settings, folder: str, versions: Callable[[], dict[str, str]], session: EventSink | None = None
) -> RecordingParts:
    """Return the parts of a recording.

    Args:
        settings: what it follows.
        folder: where a relative path of the log begins.
        versions: gives the versions of the SDKs that are watched, for the first line of the log.
        session: what is written to instead of the writer, which opens no file then, and has no copy.
    """
    process = LifecycleEvents(settings.argv)

    def processed(event: Event) -> JsonObject:
        """Return an event of this process as the pipeline would write it; the writer itself writes it."""
        position = ConversationPosition(event["session_id"], None, {})
        return cast("JsonObject", recorder.process(event, position) or event)

    writer = Writer(
        settings.path,
        app=app_name(),
        first_event=lambda: processed(process.opened(versions())),
        last_event=lambda: processed(
            process.closed(writer.written, writer.drops, internal_errors.places, internal_errors.total)
        ),
        dropped_event=lambda drops: processed(process.dropped(drops)),
        run_logs=os.environ.get("HILT_RUN_LOGS"),
        folder=folder,
    )

    def media() -> str:
        return os.path.join(os.path.dirname(os.path.abspath(writer.path or settings.path)), "media")

    mirror = _mirror(settings.sheets) if settings.sheets and session is None else None
    write, write_line = (writer.write, writer.write_line) if session is None else writers_into(session)
    recorder = Recorder(
        write if mirror is None else _mirrored(writer, mirror),
        write_line,
        chunks=settings.chunks,
        content=settings.content,
        user=settings.user,
        tags=settings.tags,
        conversation=settings.conversation,
        media=media if settings.media == "store" else None,
    )
    if session is not None:
        share_recorder(session, recorder)
    return RecordingParts(recorder, writer, mirror)


def _mirror(sheet_id: str) -> SheetMirror:
    from hilt_autolog.sinks.mirror import SheetMirror
    from hilt_autolog.sinks.target import account_key, sheet_target

    return SheetMirror(sheet_target(sheet_id, chunks=False), account_key)


def _mirrored(writer: Writer, mirror: SheetMirror) -> Callable[..., Any]:
    """Return `writer.write`, which also shows the mirror which log it is: the first event opens it."""

    def write(event: Mapping[str, Any], *, is_json: bool = False, skip_stat: bool = False) -> bool:
        written = writer.write(event, is_json=is_json, skip_stat=skip_stat)
        if written:
            mirror.follow(writer.path)
        return written

    return write
