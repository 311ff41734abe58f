"""Write the tool calls of an answer, and their results from the next request, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hilt_autolog.contracts.model import text_of_result
from hilt_autolog.contracts.sdk_objects import is_json

from .conversations import HistoryPointer
from .events import tool_call_event, tool_result_event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hilt_autolog.contracts.model import ToolCall
    from hilt_autolog.contracts.types import EventDict, Message

    from .conversations import ConversationPosition, ConversationTracker


class ToolRecorder(Protocol):
    """Write the events of tools: `recorder.Recorder`."""

    conversations: ConversationTracker

    def emit(self, event: EventDict, position: ConversationPosition, *, skip_stat: bool = False) -> str:
        """Process an event and write it; return its id."""


def write_tool_calls(
    recorder: ToolRecorder, position: ConversationPosition, calls: Sequence[ToolCall], answer: EventDict
) -> None:
    """Write the tool calls of an answer; of a partial answer, only those with complete arguments.

    Args:
        recorder: writes them, and keeps them for their results.
        position: that of the request.
        calls: the tool calls; several choices may contain the same call.
        answer: the event of the answer.
    """
    tools, extensions = recorder.conversations.tools, answer["extensions"]
    model = extensions.get("model") or answer["actor"]["id"]
    is_partial = "partial" in extensions or "error_type" in extensions
    written: set[str | None] = set()
    for call in calls:
        if call.id in written or (is_partial and not is_json(call.arguments)):
            continue
        event = tool_call_event(position.session_id, model, call, answer["event_id"])
        event_id = recorder.emit(event, position, skip_stat=True)
        if call.id is not None:
            written.add(call.id)
        tools.record_call(position.session_id, call.id, event_id, call.name, call.arguments)


def write_tool_results(
    recorder: ToolRecorder, position: ConversationPosition, messages: list[Message]
) -> str | None:
    """Write the tool results that this request is the first to contain.

    If a result is plain text and directly follows messages that are in the log, its event replaces its
    message: the prompt does not repeat it, and the position's history advances to it.

    Args:
        recorder: writes them; its `conversations` have the results that are in the log.
        position: that of the request; it is advanced.
        messages: all messages of the request, to look up the names of earlier calls.

    Returns:
        The name of the tool whose result is the newest message; None if that is not a tool's result.
    """
    tool, tools = None, recorder.conversations.tools
    is_contiguous = True  # every new message so far has an event of its own
    for message in position.new_messages:
        if message["role"] != "tool":
            is_contiguous, tool = False, None
            continue
        for part in message["parts"]:
            if part.get("type") != "tool_call_response":
                continue
            call_id, part_name = part.get("id"), part.get("name")
            record = tools.record_result(position.session_id, call_id, part_name)
            tool = (record.tool if record else None) or part_name or _tool_name(messages, call_id)
            if record is None:
                is_contiguous = False
                earlier = tools.early_result(position.session_id, call_id, part_name)
                position.reply_to = earlier or position.reply_to
                continue
            text = text_of_result(part["response"])
            event = tool_result_event(position, call_id, tool, text, record.event_id)
            is_contiguous = is_contiguous and _is_plain_result(message)
            if is_contiguous and position.history is not None:
                event["extensions"]["history"] = position.history.as_extension()
            position.reply_to = recorder.emit(event, position, skip_stat=True)
            if is_contiguous:
                count = position.history.message_count if position.history is not None else 0
                position.history = HistoryPointer(position.session_id, event["event_id"], count + 1)
                position.new_messages = position.new_messages[1:]
    return tool


def _is_plain_result(message: Message) -> bool:
    """Return whether an event with the result's text contains all of the message."""
    part = message["parts"][0] if len(message["parts"]) == 1 else None
    return (
        part is not None
        and message.keys() == {"role", "parts"}
        and part.keys() == {"type", "id", "response"}
        and bool(part["id"])
        and isinstance(part["response"], str)
    )


def _tool_name(messages: list[Message], call_id: str | None) -> str | None:
    """Return the name of the tool in the assistant message that made a call."""
    if call_id is None:
        return None
    for message in reversed(messages):
        for part in message["parts"]:
            if part.get("type") == "tool_call" and part.get("id") == call_id:
                return part.get("name")
    return None
