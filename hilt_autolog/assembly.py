"""Puts the parts together: settings -> a recorder over a writer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .guard import faults
from .io.writer import Writer
from .process import Process, app_name
from .recording.recorder import Recorder
from .recording.sessions import adopt, into

if TYPE_CHECKING:
    from collections.abc import Callable

    from .recording.sessions import Appends
    from .settings import Settings


def assemble(
    settings: Settings, versions: Callable[[], dict[str, str]], session: Appends | None = None
) -> tuple[Recorder, Writer]:
    """Return the recorder and the writer of a recording.

    Args:
        settings: what it follows.
        versions: gives the versions of the SDKs that are watched, for the first line of the log.
        session: what is written to instead of the writer, which then opens no file.
    """
    process = Process(settings.argv)
    writer = Writer(
        settings.path,
        app=app_name(),
        opened=lambda: process.opened(versions()),
        closed=lambda: process.closed(writer.written, writer.drops, faults.places, faults.total),
        dropped=process.dropped,
        ledger=os.environ.get("HILT_LEDGER"),
    )

    def media() -> str:
        return os.path.join(os.path.dirname(os.path.abspath(writer.path or settings.path)), "media")

    write, write_line = (writer.write, writer.write_line) if session is None else into(session)
    recorder = Recorder(
        write,
        write_line,
        chunks=settings.chunks,
        content=settings.content,
        user=settings.user,
        tags=settings.tags,
        conversation=settings.conversation,
        media=media if settings.media == "store" else None,
    )
    if session is not None:
        adopt(session, recorder)
    return recorder, writer
