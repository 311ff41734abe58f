"""Rebuild the messages of a request: a log holds each message once, and events refer back to earlier ones.

`extensions.history` of an event describes what came before its own messages: `{"messages": n, "after": id}`,
the first n messages of the conversation up to the event `id`. Where `id` is a completion, `choice` says with
which of its answers the conversation went on, and `omits` which types of parts the program left out of it (or
"annotations", which are a key of its text parts).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from hilt_autolog.contracts.types import JsonMapping, JsonObject

ROLES = {"human": "user", "agent": "assistant"}  # of actors whose type is not the name of a role
_MESSAGE_ACTIONS = ("prompt", "completion", "tool_result")  # the actions whose events hold messages


def holds_messages(event: JsonObject) -> bool:
    """Return whether an event holds messages of a conversation."""
    return event.get("action") in _MESSAGE_ACTIONS or _holds_unparsed_answer(event)


def rebuild_messages(event: JsonObject, find: Callable[[str], JsonObject | None]) -> list[JsonObject]:
    """Return the messages up to and including those of `event`, oldest first.

    A loop and not a recursion, because a conversation may have ten thousand turns.

    Args:
        event: a prompt, a completion or a tool_result; or a failure that holds an answer.
        find: returns the event of an id.

    Raises:
        LookupError: an event that is referred to is missing, holds too little, or refers back to itself.
    """
    steps: list[tuple[object, list[JsonObject]]] = []
    visited: set[str] = set()
    current: JsonObject | None = event
    reference: JsonMapping = {}  # how the event after it refers to the current one
    while current is not None:
        messages = _own_messages(current, reference)
        reference = _reference_of(current)
        steps.append((reference.get("messages"), messages))
        current = _find_referenced(reference, find, visited)
    result: list[JsonObject] = []
    for count, messages in reversed(steps):
        _keep_first(count, result)
        result += messages
    return result


def _reference_of(event: JsonObject) -> JsonMapping:
    """Return an event's reference to what came before it: of a completion its prompt, else the history."""
    extensions = _mapping(event, "extensions")
    if event["action"] == "completion" or _holds_unparsed_answer(event):
        return {"after": extensions["reply_to"]} if "reply_to" in extensions else {}
    return _mapping(extensions, "history")


def _find_referenced(
    reference: JsonMapping, find: Callable[[str], JsonObject | None], visited: set[str]
) -> JsonObject | None:
    event_id = reference.get("after")
    if event_id is None:
        return None
    if not isinstance(event_id, str) or (event := find(event_id)) is None:
        raise LookupError(f"the log has no prompt, completion or tool_result with the id {event_id!r}")
    if event_id in visited:
        raise LookupError(f"the history of event {event_id} leads back to itself")
    visited.add(event_id)
    return event


def _keep_first(count: object, messages: list[JsonObject]) -> None:
    if count is None:
        return
    if not isinstance(count, int) or not 0 <= count <= len(messages):
        raise LookupError(f"a history of {count!r} messages refers to an event that holds {len(messages)}")
    del messages[count:]


def _own_messages(event: JsonObject, reference: JsonMapping) -> list[JsonObject]:
    """Return the messages that `event` itself holds: those in its list, else one made from its text.

    Args:
        event: the event.
        reference: how the event after it refers to it; empty if there is none.
    """
    content = _mapping(event, "content")
    messages, text = _listed_messages(content), content.get("text")
    match event.get("action"):
        case "completion":
            return _answer_from_text(text) if messages is None else _choose(messages, reference)
        case "tool_result":
            return _tool_result_from_text(event, text) if messages is None else messages
        case "prompt":
            return _prompt_from_text(event, text) if messages is None else messages
        case _ if messages is not None and _holds_unparsed_answer(event):
            return _choose(messages, reference)
        case action:
            raise LookupError(f"an event whose action is {action!r} holds no messages")


def _holds_unparsed_answer(event: JsonObject) -> bool:
    """Return whether an event is a failure whose messages are an answer that the SDK could not parse."""
    if event.get("action") != "system" or "error_type" not in _mapping(event, "extensions"):
        return False
    messages = _mapping(event, "content").get("messages")
    return isinstance(messages, list) and all(_role(message) == "assistant" for message in messages)


def _role(message: object) -> object:
    return message.get("role") if isinstance(message, dict) else None


def _choose(choices: list[JsonObject], reference: JsonMapping) -> list[JsonObject]:
    """Return the answer's message with which the conversation went on, as the program repeated it."""
    choice, omits = reference.get("choice", 0), reference.get("omits", ())
    if not choices and choice == 0:
        return []
    if not isinstance(choice, int) or not 0 <= choice < len(choices):
        raise LookupError(f"a history goes on with choice {choice!r} of an answer that has {len(choices)}")
    message = {key: value for key, value in choices[choice].items() if key != "finish_reason"}
    if omits:
        parts = [part for part in message["parts"] if part.get("type") not in omits]
        message["parts"] = [_without_annotations(part, omits) for part in parts]
    return [message]


def _without_annotations(part: JsonObject, omits: Collection[str]) -> JsonObject:
    return {key: value for key, value in part.items() if key != "annotations" or key not in omits}


def _answer_from_text(text: str | None) -> list[JsonObject]:
    return [{"role": "assistant", "parts": [] if text is None else [_text_part(text)]}]


def _tool_result_from_text(event: JsonObject, text: str | None) -> list[JsonObject]:
    part = {"type": "tool_call_response", "response": text or ""}
    if "tool_call_id" in (extensions := _mapping(event, "extensions")):
        part["id"] = extensions["tool_call_id"]
    return [{"role": "tool", "parts": [part]}]


def _prompt_from_text(event: JsonObject, text: str | None) -> list[JsonObject]:
    kind = _mapping(event, "actor").get("type", "human")
    return [] if text is None else [{"role": ROLES.get(kind, kind), "parts": [_text_part(text)]}]


def _text_part(text: str) -> JsonObject:
    return {"type": "text", "content": text}


def _listed_messages(content: JsonMapping) -> list[JsonObject] | None:
    messages = content.get("messages")
    if messages is None:
        return None
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise LookupError("content.messages is not a list of messages")
    return messages


def _mapping(event: JsonMapping, key: str) -> JsonMapping:
    value = event.get(key)
    return value if isinstance(value, dict) else {}
