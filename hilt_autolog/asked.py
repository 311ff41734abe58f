"""The tools that answers have asked for, and which of their results have come by."""

from __future__ import annotations

from typing import NamedTuple

from .memory import Memory, Queues


class Asked(NamedTuple):
    """A tool that an answer has asked for: the event that says so, and the tool's name."""

    event_id: str | None
    tool: str | None


NEVER = Asked(None, None)  # by anything that we know
_DONE = Asked(None, None)


class AskedTools:
    """Remembers tool calls by session and id; providers have been seen to give one id twice."""

    def __init__(self) -> None:
        self._calls: Memory[tuple[str, str], Asked] = Memory()
        self._nameless: Queues[tuple[str, str], str] = Queues()  # calls without an id, by session and tool
        self._askers: Memory[str, str] = Memory()  # by id, the session that asked last
        self._results: Memory[tuple[str, str], str] = Memory()
        self._open: Memory[str, int] = Memory()  # by tool, how many results are still to come

    def asked(self, session_id: str, tool_call_id: str | None, event_id: str, tool: str | None) -> None:
        """Remember that an answer asked for a tool; calls without an id are told apart by their order."""
        if tool_call_id is None:
            if tool is not None:
                self._nameless.put((session_id, tool), event_id)
            return
        self._calls.put((session_id, tool_call_id), Asked(event_id, tool))
        self._askers.put(tool_call_id, session_id)
        self._count(tool, 1)

    def resulted(self, session_id: str, tool_call_id: str | None, tool: str | None = None) -> Asked | None:
        """Take note of a tool's result: what asked for it, or None if the result was known already."""
        if not tool_call_id:
            was_asked, call = self._nameless.take((session_id, tool or ""))
            return None if was_asked and call is None else Asked(call, tool)
        key = (session_id, tool_call_id)
        asked = self._calls.get(key)
        self._calls.put(key, _DONE)
        if asked is not None:
            self._count(asked.tool, -1)
        return None if asked is _DONE else (asked or NEVER)

    def told(self, session_id: str, tool_call_id: str, event_id: str) -> None:
        """Remember the event of a result that came by before the request which will bring it."""
        self._results.put((session_id, tool_call_id), event_id)

    def result(self, session_id: str, tool_call_id: str) -> str | None:
        """Return the event of such a result."""
        return self._results.get((session_id, tool_call_id))

    def awaits(self, tool: str) -> bool:
        """Return whether an answer has asked for a tool of this name whose result has not come by."""
        return (self._open.get(tool) or 0) > 0

    def _count(self, tool: str | None, more: int) -> None:
        if tool is not None:
            self._open.put(tool, (self._open.get(tool) or 0) + more)

    def asker(self, session_id: str, tool_call_id: str) -> tuple[str, Asked] | None:
        """Return who asked for a tool and with what event: this session, else the one that asked last."""
        for session in (session_id, self._askers.get(tool_call_id)):
            asked = None if session is None else self._calls.get((session, tool_call_id))
            if session is not None and asked is not None:
                return session, asked
        return None
