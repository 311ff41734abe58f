"""The tools that answers have asked for, and which of their results have come by."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .caches import BoundedCache, PendingQueues

if TYPE_CHECKING:
    from collections.abc import Callable


class ToolCallRecord(NamedTuple):
    """A tool that an answer has asked for: the event that says so, and the tool's name."""

    event_id: str | None
    tool: str | None


NEVER = ToolCallRecord(None, None)  # by anything that we know
_DONE = ToolCallRecord(None, None)


class ToolCallTracker:
    """Remembers tool calls by session and id; providers have been seen to give one id twice."""

    def __init__(self) -> None:
        self._calls: BoundedCache[tuple[str, str], ToolCallRecord] = BoundedCache()
        self._nameless: PendingQueues[tuple[str, str], str] = (
            PendingQueues()
        )  # calls without an id, by session and tool
        self._named: PendingQueues[tuple[str, str], tuple[str, str]] = (
            PendingQueues()
        )  # the others: id and arguments
        self._askers: BoundedCache[str, str] = BoundedCache()  # by id, the session that asked last
        self._results: BoundedCache[tuple[str, str], str] = BoundedCache()
        self._nameless_results: PendingQueues[tuple[str, str], str] = PendingQueues()
        self._adopted: BoundedCache[tuple[str, str], bool] = (
            BoundedCache()
        )  # by session and the framework's id
        self._open: BoundedCache[str, int] = BoundedCache()  # by tool, how many results are still to come

    def asked(
        self,
        session_id: str,
        tool_call_id: str | None,
        event_id: str,
        tool: str | None,
        arguments: str | None = None,
    ) -> None:
        """Remember that a tool was asked for, with these arguments if an answer did so.

        Calls without an id are told apart by their order.
        """
        self._count(tool, 1)
        if tool_call_id is not None:
            self._calls.put((session_id, tool_call_id), ToolCallRecord(event_id, tool))
            self._askers.put(tool_call_id, session_id)
            if tool is not None and arguments is not None:
                self._named.put((session_id, tool), (tool_call_id, arguments))
        elif tool is not None:
            self._nameless.put((session_id, tool), event_id)

    def resulted(
        self, session_id: str, tool_call_id: str | None, tool: str | None = None
    ) -> ToolCallRecord | None:
        """Take note of a tool's result: what asked for it, or None if the result was known already."""
        if not tool_call_id:
            was_asked, call = self._nameless.take((session_id, tool or ""))
            if call is not None:
                self._count(tool, -1)
            return None if was_asked and call is None else ToolCallRecord(call, tool)
        key = (session_id, tool_call_id)
        asked = self._calls.get(key)
        self._calls.put(key, _DONE)
        if asked is not None:
            self._count(asked.tool, -1)
        return None if asked is _DONE else (asked or NEVER)

    def claim(
        self, session_id: str, tool: str, distance: Callable[[str], int | None]
    ) -> tuple[str, str] | None:
        """Find the call that a program answers which runs a tool, and does not say by which call's id.

        Args:
            session_id: the conversation.
            tool: the tool's name.
            distance: from the arguments with which the tool is run to these; None: it is another call. Of
                several that are as near the oldest is meant.

        Returns:
            The call's id and arguments, which nobody else is given; None if none waits for a result.
        """
        key = (session_id, tool)
        judged = [(distance(call[1]), call) for call in self._named.waiting(key)]
        near = [(far, call) for far, call in judged if far is not None]
        for _, one in sorted(near, key=lambda pair: pair[0]):
            if self._named.remove(key, one) and self._calls.get((session_id, one[0])) is not _DONE:
                return one
        return None

    def unclaim(self, session_id: str, tool: str, call: tuple[str, str]) -> None:
        """Let a call wait again: the tool has failed, and may be run once more."""
        self._named.put((session_id, tool), call)

    def waits_nameless(self, session_id: str, tool: str) -> bool:
        """Return whether a call without an id waits for this tool."""
        return bool(self._nameless.waiting((session_id, tool)))

    def adopt(self, session_id: str, tool_call_id: str, tool: str | None) -> ToolCallRecord | None:
        """Let a framework name a call that came without an id: return what asked for it, if anything did."""
        _, event_id = self._nameless.take((session_id, tool or ""))
        if event_id is None:
            return None
        self._adopted.put((session_id, tool_call_id), True)
        self._count(tool, -1)
        self.asked(session_id, tool_call_id, event_id, tool)
        return ToolCallRecord(event_id, tool)

    def release(self, session_id: str, tool_call_id: str, asked: ToolCallRecord) -> None:
        """Let a call be nameless again whose result the framework does not tell."""
        if self._adopted.get((session_id, tool_call_id)):
            self._count(asked.tool, -1)
            self.asked(session_id, None, asked.event_id or "", asked.tool)

    def told(self, session_id: str, tool_call_id: str, event_id: str, tool: str | None) -> None:
        """Remember the event of a result that came by before the request which will bring it."""
        if self._adopted.get((session_id, tool_call_id)):
            self._nameless_results.put((session_id, tool or ""), event_id)
        else:
            self._results.put((session_id, tool_call_id), event_id)

    def result(self, session_id: str, tool_call_id: str | None, tool: str | None) -> str | None:
        """Return the event of such a result."""
        if tool_call_id:
            return self._results.get((session_id, tool_call_id))
        return self._nameless_results.take((session_id, tool or ""))[1]

    def awaits(self, tool: str) -> bool:
        """Return whether an answer has asked for a tool of this name whose result has not come by."""
        return (self._open.get(tool) or 0) > 0

    def _count(self, tool: str | None, more: int) -> None:
        if tool is not None:
            self._open.put(tool, (self._open.get(tool) or 0) + more)

    def asker(self, session_id: str, tool_call_id: str) -> tuple[str, ToolCallRecord] | None:
        """Return who asked for a tool and with what event: this session, else the one that asked last."""
        for session in (session_id, self._askers.get(tool_call_id)):
            asked = None if session is None else self._calls.get((session, tool_call_id))
            if session is not None and asked is not None:
                return session, asked
        return None
