"""Build the parts of a recording from its settings: a recorder, a log writer, and a mirror in a sheet."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, cast

from hilt_autolog.internal_errors import internal_errors
from hilt_autolog.log.file_names import app_name
from hilt_autolog.log.writer import Writer
from hilt_autolog.recording.conversations import ConversationPosition
from hilt_autolog.recording.recorder import Recorder, share_recorder, writers_into

from .lifecycle_events import LifecycleEvents

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.types import EventDict, JsonMapping, JsonObject
    from hilt_autolog.recording.recorder import EventSink, Write
    from hilt_autolog.settings import Settings
    from hilt_autolog.sinks.mirror import SheetMirror
    from hilt_autolog.sinks.uploader import UploadProgress


class RecordingParts(NamedTuple):
    """The parts of a recording; `mirror` copies the writer's log to a spreadsheet as it grows."""

    recorder: Recorder
    writer: Writer
    mirror: SheetMirror | None

    def mirror_progress(self) -> UploadProgress | None:
        """Return the progress of the copy in a spreadsheet; None if there is no copy."""
        return self.mirror.progress() if self.mirror else None

    def close(self, *, wait: bool) -> None:
        """Close the log; `wait` up to five seconds for the mirror, or let it finish in the background."""
        self.writer.close()
        if self.mirror is not None:
            self.mirror.close(wait=wait)


def build_recording(
    settings: Settings, folder: str, versions: Callable[[], dict[str, str]], session: EventSink | None = None
) -> RecordingParts:
    """Return the parts of a recording.

    Args:
        settings: the settings of the recording.
        folder: the directory to which a relative path of the log belongs.
        versions: returns the versions of the instrumented SDKs, for the first line of the log.
        session: receives the events instead of the writer, which then opens no file and has no mirror.
    """
    internal_errors.is_strict = settings.strict
    lifecycle = LifecycleEvents(settings.argv)

    def process(event: EventDict) -> JsonObject | None:
        """Pass a lifecycle event through the recorder's processors; the writer itself writes it."""
        position = ConversationPosition(event["session_id"], None, {})
        return cast("JsonObject | None", recorder.process(event, position))

    writer = Writer(
        settings.path,
        app=app_name(),
        first_event=lambda: process(lifecycle.opened(versions())),
        last_event=lambda: process(
            lifecycle.closed(writer.written, writer.drops, internal_errors.places, internal_errors.total)
        ),
        dropped_event=lambda drops: process(lifecycle.dropped(drops)),
        run_logs=os.environ.get("HILT_RUN_LOGS"),
        directory=folder,
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


def _mirrored(writer: Writer, mirror: SheetMirror) -> Write:
    """Return a `writer.write` that also makes the mirror follow the log, which the first event opens."""

    def write(event: JsonMapping, *, is_json: bool = False, skip_stat: bool = False) -> bool:
        written = writer.write(event, is_json=is_json, skip_stat=skip_stat)
        if written:
            mirror.follow(writer.path)
        return written

    return write
