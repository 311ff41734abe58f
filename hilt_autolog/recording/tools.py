"""The tools that an answer asks for, and their results, which come by in the next request: each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilt_autolog.contracts.model import ToolCall, text_of_result
from hilt_autolog.contracts.sdk_objects import is_json

from .conversations import ConversationPosition, ConversationTracker, HistoryPointer
from .events import Event, tool_call_event, tool_result_event

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hilt_autolog.contracts.types import Message


def write_tool_calls(
    conversations: ConversationTracker,
    place: ConversationPosition,
    calls: Sequence[ToolCall],
    answer: Event,
    write: Callable[[Event], str],
) -> None:
    """Write the tool calls of an answer; of one that is not whole, those whose arguments came through.

    Args:
        conversations: remembers them, for their results.
        place: where the request stands.
        calls: what the answer asks for; several choices may ask for one and the same call.
        answer: the event of the answer.
        write: writes an event and returns its id.
    """
    known_of = answer["extensions"]
    model = known_of.get("model", answer["actor"]["id"])
    is_cut = "partial" in known_of or "error_type" in known_of
    known: set[str | None] = set()
    for call in calls:
        if call.id in known or (is_cut and not is_json(call.arguments)):
            continue
        event_id = write(tool_call_event(place.session_id, model, call, answer["event_id"]))
        if call.id is not None:
            known.add(call.id)
        conversations.tools.asked(place.session_id, call.id, event_id, call.name, call.arguments)


def write_tool_results(
    conversations: ConversationTracker,
    place: ConversationPosition,
    messages: list[Message],
    write: Callable[[Event], str],
) -> str | None:
    """Write the tool results that a request brings for the first time.

    A result that is plain text and follows directly upon what the log holds is held by its event: the
    prompt need not repeat it, and the conversation's head moves on to it.

    Args:
        conversations: knows which results have come by.
        place: where the request stands; it moves on.
        messages: the whole request, where the names of older calls are found.
        write: writes an event and returns its id.

    Returns:
        The name of the tool that the newest message is from.
    """
    tool = None
    holding = True
    for message in place.new:
        if message["role"] != "tool":
            holding, tool = False, None
            continue
        results = [part for part in message["parts"] if part.get("type") == "tool_call_response"]
        for part in results:
            known = conversations.tools.resulted(place.session_id, part.get("id"), part.get("name"))
            tool = (known[1] if known else None) or part.get("name") or _name_of(messages, part.get("id"))
            if known is None:
                holding = False
                earlier = conversations.tools.result(place.session_id, part.get("id"), part.get("name"))
                place.reply_to = earlier or place.reply_to
                continue
            event = tool_result_event(place, part.get("id"), tool, text_of_result(part["response"]), known[0])
            if holding and _is_plain(message) and place.head is not None:
                event["extensions"]["history"] = place.head.history()
            place.reply_to = write(event)
            holding = holding and _is_plain(message)
            if holding:
                count = place.head.messages if place.head is not None else 0
                place.head = HistoryPointer(place.session_id, event["event_id"], count + 1)
                place.new = place.new[1:]
    return tool


def _is_plain(message: Message) -> bool:
    """Return whether an event of the result's text says all that the message does."""
    parts = message["parts"]
    return (
        message.keys() == {"role", "parts"}
        and len(parts) == 1
        and parts[0].keys() == {"type", "id", "response"}
        and bool(parts[0]["id"])
        and isinstance(parts[0]["response"], str)
    )


def _name_of(messages: list[Message], identity: str | None) -> str | None:
    """Return the tool that a call named, from the assistant message which made the call."""
    if identity is None:
        return None
    for message in reversed(messages):
        for part in message["parts"]:
            if part.get("type") == "tool_call" and part.get("id") == identity:
                name: str | None = part.get("name")
                return name
    return None
