"""Track the tool calls of answers, and which of their results are in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .caches import BoundedCache, PendingQueues

if TYPE_CHECKING:
    from collections.abc import Callable


class ToolCallRecord(NamedTuple):
    """A tool call: its event, and the tool's name."""

    event_id: str | None
    tool: str | None


UNKNOWN_CALL = ToolCallRecord(None, None)  # a result whose call is not in the log
_ANSWERED = ToolCallRecord(None, None)  # its result is in the log; compared by identity


class ToolCallTracker:
    """Keep tool calls by session and id, because some providers use one id twice.

    Calls without an id are distinguished by their order.
    """

    def __init__(self) -> None:
        self._calls: BoundedCache[tuple[str, str], ToolCallRecord] = BoundedCache()
        self._sessions: BoundedCache[str, str] = BoundedCache()  # by call id, the latest session
        self._open_count: BoundedCache[str, int] = BoundedCache()  # by tool, calls that have no result
        # By session and tool: (id, arguments) of calls with an id, event ids of calls without.
        self._with_id: PendingQueues[tuple[str, str], tuple[str, str]] = PendingQueues()
        self._without_id: PendingQueues[tuple[str, str], str] = PendingQueues()
        # Results that were recorded before the request that contains them: by session and call id, or tool.
        self._early: BoundedCache[tuple[str, str], str] = BoundedCache()
        self._early_without_id: PendingQueues[tuple[str, str], str] = PendingQueues()
        # By session and id: calls whose id is a framework's.
        self._adopted: BoundedCache[tuple[str, str], bool] = BoundedCache()

    def record_call(
        self,
        session_id: str,
        call_id: str | None,
        event_id: str,
        tool: str | None,
        arguments: str | None = None,
    ) -> None:
        """Keep a tool call.

        Args:
            session_id: the conversation.
            call_id: the call's id, if it has one.
            event_id: the call's event.
            tool: the tool's name.
            arguments: JSON text, if the call is part of an answer.
        """
        self._count(tool, 1)
        if call_id is not None:
            self._calls.put((session_id, call_id), ToolCallRecord(event_id, tool))
            self._sessions.put(call_id, session_id)
            if tool is not None and arguments is not None:
                self._with_id.put((session_id, tool), (call_id, arguments))
        elif tool is not None:
            self._without_id.put((session_id, tool), event_id)

    def record_result(
        self, session_id: str, call_id: str | None, tool: str | None = None
    ) -> ToolCallRecord | None:
        """Mark a call as answered; return the call, or None if it had its result before."""
        if not call_id:
            is_known, event_id = self._without_id.take((session_id, tool or ""))
            if event_id is not None:
                self._count(tool, -1)
            return None if is_known and event_id is None else ToolCallRecord(event_id, tool)
        key = (session_id, call_id)
        record = self._calls.get(key)
        self._calls.put(key, _ANSWERED)
        if record is not None:
            self._count(record.tool, -1)
        return None if record is _ANSWERED else (record or UNKNOWN_CALL)

    def claim(
        self, session_id: str, tool: str, distance: Callable[[str], int | None]
    ) -> tuple[str, str] | None:
        """Find the call for a tool that the program runs without naming a call's id.

        Args:
            session_id: the conversation.
            tool: the tool's name.
            distance: returns how far a call's arguments are from those of the run; None if they contradict
                each other. The nearest call is taken; of several at the same distance, the oldest.

        Returns:
            The call's id and arguments, which no other claim returns; None if no waiting call matches.
        """
        key = (session_id, tool)
        distances = [(distance(call[1]), call) for call in self._with_id.waiting(key)]
        candidates = [(length, call) for length, call in distances if length is not None]
        for _, call in sorted(candidates, key=lambda pair: pair[0]):
            if self._with_id.remove(key, call) and self._calls.get((session_id, call[0])) is not _ANSWERED:
                return call
        return None

    def release_claim(self, session_id: str, tool: str, call: tuple[str, str]) -> None:
        """Return a claimed call to the waiting ones, because the tool has failed and may be run again."""
        self._with_id.put((session_id, tool), call)

    def has_call_without_id(self, session_id: str, tool: str) -> bool:
        """Return whether a call of this tool that has no id waits for its result."""
        return bool(self._without_id.waiting((session_id, tool)))

    def adopt_id(self, session_id: str, call_id: str, tool: str | None) -> ToolCallRecord | None:
        """Give a call without an id the id that a framework uses; return the call, if there is one."""
        _, event_id = self._without_id.take((session_id, tool or ""))
        if event_id is None:
            return None
        self._adopted.put((session_id, call_id), True)
        self._count(tool, -1)
        self.record_call(session_id, call_id, event_id, tool)
        return ToolCallRecord(event_id, tool)

    def release_id(self, session_id: str, call_id: str, record: ToolCallRecord) -> None:
        """Undo `adopt_id` for a call whose result the framework does not report."""
        if self._adopted.get((session_id, call_id)):
            self._count(record.tool, -1)
            self.record_call(session_id, None, record.event_id or "", record.tool)

    def record_early_result(self, session_id: str, call_id: str, event_id: str, tool: str | None) -> None:
        """Keep the event of a result that was recorded before the request that contains it."""
        if self._adopted.get((session_id, call_id)):
            self._early_without_id.put((session_id, tool or ""), event_id)
        else:
            self._early.put((session_id, call_id), event_id)

    def early_result(self, session_id: str, call_id: str | None, tool: str | None) -> str | None:
        """Return the event of a result that was recorded early, or None."""
        if call_id:
            return self._early.get((session_id, call_id))
        return self._early_without_id.take((session_id, tool or ""))[1]

    def is_awaited(self, tool: str) -> bool:
        """Return whether a call of this tool has no result yet."""
        return (self._open_count.get(tool) or 0) > 0

    def find_call(self, session_id: str, call_id: str) -> tuple[str, ToolCallRecord] | None:
        """Return a call and its session: this session, else the latest that used the id."""
        for session in (session_id, self._sessions.get(call_id)):
            record = None if session is None else self._calls.get((session, call_id))
            if session is not None and record is not None:
                return session, record
        return None

    def _count(self, tool: str | None, change: int) -> None:
        if tool is not None:
            self._open_count.put(tool, (self._open_count.get(tool) or 0) + change)
