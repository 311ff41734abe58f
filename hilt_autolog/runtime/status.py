"""How the recording of a process stands, for its program and for `hilt doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hilt_autolog.internal_errors import internal_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hilt_autolog.recording.recorder import EventSink
    from hilt_autolog.settings import Settings
    from hilt_autolog.sinks.uploader import Progress

    from .factory import RecordingParts


class Status(NamedTuple):
    """How the recording of this process stands."""

    enabled: bool
    settings: Settings | None
    path: str | None  # the file that is, or was last, written; of a session, its path
    written: int
    drops: dict[str, int]  # reason -> events lost to it
    trouble: str | None  # why the file cannot be written, in words
    faults: dict[str, str]  # place in our own code -> what failed there
    sheets: Progress | None  # how the copy in a spreadsheet stands
    watching: dict[str, dict[str, bool | None]]  # SDK -> probe -> has it? None: not there yet


def current_status(
    settings: Settings | None,
    parts: RecordingParts | None,
    session: EventSink | None,
    watching: Mapping[str, Mapping[str, bool | None]],
) -> Status:
    """Return how a recording stands.

    Args:
        settings: what it follows; None: there is none.
        parts: what it is made of.
        session: what is written to instead.
        watching: the SDKs, and of each the functions.
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
        sheets=parts.copied() if parts else None,
        watching={sdk: dict(probes) for sdk, probes in watching.items()},
    )
