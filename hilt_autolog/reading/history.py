"""Rebuilds what a model was told: a log writes each message once, and events refer back to it.

`extensions.history` of an event says what came before its own messages: `{"messages": n, "after": id}`,
the first n messages that the event `id` holds. Where `id` is a completion, `choice` says which of its
answers the conversation went on with, and `omits` which types of parts the program left out of it (or
"annotations", which are a key of its text parts).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

Message = dict[str, Any]
Event = dict[str, Any]

ROLES = {"human": "user", "agent": "assistant"}  # of an actor whose own name is not the role
_HOLDERS = ("prompt", "completion", "tool_result")  # the actions whose events hold messages


def holds_messages(event: Event) -> bool:
    """Return whether an event stands for messages of a conversation."""
    return event.get("action") in _HOLDERS or _keeps_answer(event)


def rebuild_messages(event: Event, find: Callable[[str], Event | None]) -> list[Message]:
    """Return the messages up to and including those of `event`, oldest first.

    A loop and not a recursion: a conversation may have ten thousand turns.

    Args:
        event: A prompt, a completion or a tool_result; or a failure that keeps an answer.
        find: Gives the event of an id.

    Raises:
        LookupError: when an event that is referred to is missing, holds too little, or refers back to itself.
    """
    steps: list[tuple[int | None, list[Message]]] = []
    seen: set[str] = set()
    current: Event | None = event
    reference: Mapping[str, Any] = {}  # how the event after it refers to the current one
    while current is not None:
        added = _added(current, reference)
        reference = _before(current)
        steps.append((reference.get("messages"), added))
        current = _referred(reference, find, seen)
    messages: list[Message] = []
    for count, added in reversed(steps):
        _keep_first(count, messages)
        messages += added
    return messages


def _before(event: Event) -> Mapping[str, Any]:
    """Return the reference to what came before: all of a completion's prompt, else the written history."""
    extensions = _mapping(event, "extensions")
    if event["action"] == "completion" or _keeps_answer(event):
        return {"after": extensions["reply_to"]} if "reply_to" in extensions else {}
    return _mapping(extensions, "history")


def _referred(
    reference: Mapping[str, Any], find: Callable[[str], Event | None], seen: set[str]
) -> Event | None:
    name = reference.get("after")
    if name is None:
        return None
    if not isinstance(name, str) or (event := find(name)) is None:
        raise LookupError(f"the log has no prompt, completion or tool_result with the id {name!r}")
    if name in seen:
        raise LookupError(f"the history of event {name} leads back to itself")
    seen.add(name)
    return event


def _keep_first(count: Any, messages: list[Message]) -> None:
    if count is None:
        return
    if not isinstance(count, int) or not 0 <= count <= len(messages):
        raise LookupError(f"a history of {count!r} messages refers to an event that holds {len(messages)}")
    del messages[count:]


def _added(event: Event, reference: Mapping[str, Any]) -> list[Message]:
    """Return the messages that `event` itself brings; those that it lists, else the one its text makes."""
    content = _mapping(event, "content")
    messages, text = _messages(content), content.get("text")
    match event.get("action"):
        case "completion":
            return _answered(text) if messages is None else _chosen(messages, reference)
        case "tool_result":
            return _returned(event, text) if messages is None else messages
        case "prompt":
            return _said(event, text) if messages is None else messages
        case _ if messages is not None and _keeps_answer(event):
            return _chosen(messages, reference)
        case action:
            raise LookupError(f"an event whose action is {action!r} holds no messages")


def _keeps_answer(event: Event) -> bool:
    """Return whether an event is a failure whose messages are an answer that the SDK could not read."""
    if event.get("action") != "system" or "error_type" not in _mapping(event, "extensions"):
        return False
    messages = _mapping(event, "content").get("messages")
    return isinstance(messages, list) and all(_role(message) == "assistant" for message in messages)


def _role(message: Any) -> Any:
    return message.get("role") if isinstance(message, dict) else None


def _chosen(choices: list[Message], reference: Mapping[str, Any]) -> list[Message]:
    """Return the answer's message as the conversation went on with it."""
    choice, omits = reference.get("choice", 0), reference.get("omits", ())
    if not choices and choice == 0:
        return []
    if not isinstance(choice, int) or not 0 <= choice < len(choices):
        raise LookupError(f"a history goes on with choice {choice!r} of an answer that has {len(choices)}")
    message = {key: value for key, value in choices[choice].items() if key != "finish_reason"}
    if omits:
        message["parts"] = [_without_notes(p, omits) for p in message["parts"] if p.get("type") not in omits]
    return [message]


def _without_notes(part: dict[str, Any], omits: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key != "annotations" or key not in omits}


def _answered(text: str | None) -> list[Message]:
    return [{"role": "assistant", "parts": [] if text is None else [_text(text)]}]


def _returned(event: Event, text: str | None) -> list[Message]:
    part = {"type": "tool_call_response", "response": text or ""}
    if "tool_call_id" in (extensions := _mapping(event, "extensions")):
        part["id"] = extensions["tool_call_id"]
    return [{"role": "tool", "parts": [part]}]


def _said(event: Event, text: str | None) -> list[Message]:
    speaker = _mapping(event, "actor").get("type", "human")
    return [] if text is None else [{"role": ROLES.get(speaker, speaker), "parts": [_text(text)]}]


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "content": text}


def _messages(content: Mapping[str, Any]) -> list[Message] | None:
    messages = content.get("messages")
    if messages is None:
        return None
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise LookupError("content.messages is not a list of messages")
    return messages


def _mapping(event: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = event.get(key)
    return value if isinstance(value, dict) else {}
