"""What calls and runs have in common: they are open until their one end."""

from __future__ import annotations

from typing import Any, Protocol


class ActivityRegistry(Protocol):
    """The calls and runs that have not ended: `recorder.Recorder`."""

    open_activities: dict[int, Activity]  # by identity


class Activity:
    """A call or a run that is in progress. It ends exactly once, by `claim_end`.

    Args:
        recorder: writes its events, and aborts it if it is still open when the recording ends.
    """

    __slots__ = ("_open", "recorder")

    def __init__(self, recorder: ActivityRegistry) -> None:
        self.recorder = recorder
        self._open = ["open"]  # pop() is atomic: the thread that gets the item ends the activity

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return bool(self._open)

    def register(self) -> None:
        """Add it to the recorder's open activities, until it ends."""
        self.recorder.open_activities[id(self)] = self

    def claim_end(self) -> bool:
        """End it; the caller writes the events of the end. Return False if it has ended before."""
        try:
            self._open.pop()
        except IndexError:
            return False
        self.recorder.open_activities.pop(id(self), None)
        return True

    def fail(self, error: BaseException, result: Any = None) -> None:
        """End it with an exception.

        Args:
            error: the exception.
            result: the function's return value, if it had returned before the exception.
        """
        raise NotImplementedError

    def abort(self, reason: str) -> None:
        """End it before it is complete.

        Args:
            reason: closed, cancelled, dropped or exit.
        """
        raise NotImplementedError

    def discard(self) -> None:
        """End it without an event, because it belongs to another process."""
        self._open.clear()
