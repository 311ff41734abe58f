"""Chat messages as the log should give them back: a second opinion, written apart from the package's."""

from __future__ import annotations

NAMES = {"developer": "system", "function": "tool"}


def as_logged(messages):
    """The messages of a chat request in the log's shape."""
    return [_message(message) for message in messages]


def _message(message):
    role = message["role"]
    logged = {"role": NAMES.get(role, role), "parts": _parts(message)}
    if role in NAMES:
        logged["provider_role"] = role
    if message.get("name"):
        logged["name"] = message["name"]
    return logged


def _parts(message):
    content = message.get("content")
    texts = [content] if isinstance(content, str) else [part["text"] for part in content or []]
    if message["role"] == "tool":
        response = content if isinstance(content, str) else [text_part(text) for text in texts]
        return [{"type": "tool_call_response", "id": message["tool_call_id"], "response": response}]
    parts = []
    if message.get("reasoning_content"):
        parts.append({"type": "reasoning", "content": message["reasoning_content"]})
    parts += [text_part(text) for text in texts if text or message["role"] != "assistant"]
    for call in message.get("tool_calls") or ():
        function = call["function"]
        tool_call = {"type": "tool_call", "id": call["id"], "name": function["name"]}
        parts.append(tool_call | {"arguments": function["arguments"]})
    return parts


def text_part(text):
    return {"type": "text", "content": text}
