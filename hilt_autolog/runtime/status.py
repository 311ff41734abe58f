"""The status of this process's recording, for the program and for `hilt doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hilt_autolog.internal_errors import internal_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hilt_autolog.recording.recorder import EventSink
    from hilt_autolog.settings import Settings
    from hilt_autolog.sinks.uploader import UploadProgress

    from .factory import RecordingParts


class Status(NamedTuple):
    """The status of this process's recording."""

    enabled: bool
    settings: Settings | None
    path: str | None  # the log in use, or last used; of a session, its path
    written: int
    drops: dict[str, int]  # reason -> number of events lost
    trouble: str | None  # the last error in writing the log, as text
    faults: dict[str, str]  # location in our own code -> type of the error
    sheets: UploadProgress | None  # progress of the copy in a spreadsheet
    watching: dict[str, dict[str, bool | None]]  # SDK -> target -> whether it exists; None: not imported yet


def current_status(
    settings: Settings | None,
    parts: RecordingParts | None,
    session: EventSink | None,
    watching: Mapping[str, Mapping[str, bool | None]],
) -> Status:
    """Return the status of a recording.

    Args:
        settings: the settings in force; None: recording is disabled.
        parts: the recorder, the writer and the mirror; None before the first SDK is imported.
        session: the program's session, if events are written to one.
        watching: see `Status`.
    """
    writer = parts.writer if parts else None
    path = getattr(session, "filepath", None) or (writer.path if writer else None)
    return Status(
        enabled=settings is not None,
        settings=settings,
        path=None if path is None else str(path),
        written=writer.written if writer else 0,
        drops=dict(writer.drops) if writer else {},
        trouble=writer.trouble if writer else None,
        faults=dict(internal_errors.places),
        sheets=parts.mirror_progress() if parts else None,
        watching={sdk: dict(targets) for sdk, targets in watching.items()},
    )
