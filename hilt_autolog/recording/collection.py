"""Answers that are fetched later: of calls that were made in the background, perhaps by another process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilt_autolog.clock import Clock

from .call import Call

if TYPE_CHECKING:
    from hilt_autolog.facts import Reply


class Collection(Call):
    """Fetches the answer of a call; it asks the model nothing, so it has no prompt of its own."""

    __slots__ = ()

    def ask(self) -> None:
        """Find the call that asked."""
        recorder = self.recorder
        self._begun = Clock.monotonic()
        original = recorder.awaited.get(self.prompt.previous or "")
        if original is None:
            self.place = recorder.conversations.place(self.prompt)
        else:
            self.place, self.prompt_id = original.place, original.prompt_id
            self.prompt.model = original.prompt.model

    def conclude(self, reply: Reply) -> None:
        """End the call that asked; an answer which is pending, or in the log already, says nothing new."""
        if reply.pending or not self.take_end():
            return
        recorder, identity = self.recorder, reply.response_id
        original = recorder.awaited.pop(identity or "", None)
        if original is not None:
            original.collected(reply, self)
        elif not recorder.conversations.is_known(identity):
            self.settle(reply)
