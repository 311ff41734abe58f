"""What calls and runs have in common: something under way, which ends once."""

from __future__ import annotations

from typing import Any, Protocol


class ActivityRegistry(Protocol):
    """Knows what is open: `recorder.Recorder`."""

    open: dict[int, Activity]  # by identity


class Activity:
    """A call or a run under way. Whatever ends it, it ends once.

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

    def open(self) -> None:
        """Let the recorder know of it, until it ends."""
        self.recorder.open[id(self)] = self

    def claim_end(self) -> bool:
        """End it; the caller writes the events of the end. Return False if it has ended before."""
        try:
            self._open.pop()
        except IndexError:
            return False
        self.recorder.open.pop(id(self), None)
        return True

    def fail(self, error: BaseException, result: Any = None) -> None:
        """End it with an exception.

        Args:
            error: what was raised.
            result: what the function had returned by then, if it had.
        """
        raise NotImplementedError

    def abort(self, reason: str) -> None:
        """End it where it is.

        Args:
            reason: closed, cancelled, dropped or exit.
        """
        raise NotImplementedError

    def discard(self) -> None:
        """Forget it and write nothing: it belongs to another process."""
        self._open.clear()
