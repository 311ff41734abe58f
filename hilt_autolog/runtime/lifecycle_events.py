"""What a log says about the process that wrote it: its first line, its last, and any gap between."""

from __future__ import annotations

import os
import platform
import sys
from typing import TYPE_CHECKING

from hilt_autolog import __version__
from hilt_autolog.clock import Clock, id_and_timestamp, random_hex
from hilt_autolog.log.file_names import app_name
from hilt_autolog.recording.events import new_event
from hilt_autolog.recording.processors import AGENT_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hilt_autolog.contracts.types import Event


class LifecycleEvents:
    """The events of this process.

    Args:
        argv: "program" tells the name of the program only, "full" the whole command line.
    """

    def __init__(self, argv: str) -> None:
        self._argv = argv
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._session_id = f"process_{random_hex()}"
        self._began: int | None = Clock.now()

    def opened(self, sdks: Mapping[str, str]) -> Event:
        """Return the first line of a file; `sdks` are the versions of the SDKs that are watched.

        It bears the time at which the recording began, because the file is made for an event that has
        happened by then, and a log is read in the order of its times.
        """
        if os.getpid() != self._pid:  # a forked child is a process of its own
            self._begin()
        event = self._event("session opened")
        if self._began is not None:
            event["event_id"], event["timestamp"] = id_and_timestamp(self._began)
            self._began = None
        event["extensions"] = {
            "pid": os.getpid(),
            "argv": list(sys.argv) if self._argv == "full" else [app_name()],
            "host": platform.node(),
            "versions": {"python": platform.python_version(), "hilt_autolog": __version__, **sdks},
        }
        return event

    def closed(self, written: int, drops: Mapping[str, int], faults: Mapping[str, str], failed: int) -> Event:
        """Return the last line of a file: what was written, dropped, and what failed in our own code."""
        event = self._event("session closed")
        event["extensions"] = {"written": written, "dropped": sum(drops.values()), "failed": failed}
        if drops:
            event["extensions"]["drops"] = dict(drops)
        if faults:
            event["extensions"]["faults"] = dict(faults)
        return event

    def dropped(self, drops: Mapping[str, int]) -> Event:
        """Return the line that follows a gap."""
        event = self._event("events dropped")
        event["extensions"] = {"dropped": sum(drops.values()), "drops": dict(drops)}
        return event

    def _event(self, text: str) -> Event:
        event = new_event("system", self._session_id, "system", AGENT_ID)
        event["content"] = {"text": text}
        return event
