"""The events of the recording itself: the first and the last line of a log, and any gap between them."""

from __future__ import annotations

import os
import platform
import sys
from typing import TYPE_CHECKING

from hilt_autolog import __version__
from hilt_autolog.clock import Clock, id_and_timestamp, random_hex
from hilt_autolog.format import PROCESS_ACTOR
from hilt_autolog.log.file_names import app_name
from hilt_autolog.recording.events import new_event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hilt_autolog.contracts.types import EventDict


class LifecycleEvents:
    """Creates the lifecycle events of this process.

    Args:
        argv: "program" records the name of the program only, "full" the whole command line.
    """

    def __init__(self, argv: str) -> None:
        self._argv = argv
        self._start_process()

    def _start_process(self) -> None:
        self._pid = os.getpid()
        self._session_id = f"process_{random_hex()}"
        self._started_at: int | None = Clock.now()

    def opened(self, sdks: Mapping[str, str]) -> EventDict:
        """Return the first line of a log.

        Its timestamp is the start of the recording: the log is opened to write an event that has happened
        already, and readers rely on the order of the timestamps.

        Args:
            sdks: the instrumented SDKs and their versions.
        """
        if os.getpid() != self._pid:  # a forked child is another process
            self._start_process()
        event = self._event("session opened")
        if self._started_at is not None:
            event["event_id"], event["timestamp"] = id_and_timestamp(self._started_at)
            self._started_at = None
        event["extensions"] = {
            "pid": os.getpid(),
            "argv": list(sys.argv) if self._argv == "full" else [app_name()],
            "host": platform.node(),
            "versions": {"python": platform.python_version(), "hilt_autolog": __version__, **sdks},
        }
        return event

    def closed(
        self, written: int, drops: Mapping[str, int], faults: Mapping[str, str], failed: int
    ) -> EventDict:
        """Return the last line of a log.

        Args:
            written: the number of events written.
            drops: the reasons for which events were dropped, with their numbers.
            faults: the locations of errors in our own code, with their types.
            failed: the number of such errors.
        """
        event = self._event("session closed")
        event["extensions"] = {"written": written, "dropped": sum(drops.values()), "failed": failed}
        if drops:
            event["extensions"]["drops"] = dict(drops)
        if faults:
            event["extensions"]["faults"] = dict(faults)
        return event

    def dropped(self, drops: Mapping[str, int]) -> EventDict:
        """Return the line that follows a gap in the log; `drops` as in `closed`."""
        event = self._event("events dropped")
        event["extensions"] = {"dropped": sum(drops.values()), "drops": dict(drops)}
        return event

    def _event(self, text: str) -> EventDict:
        event = new_event("system", self._session_id, "system", PROCESS_ACTOR)
        event["content"] = {"text": text}
        return event
