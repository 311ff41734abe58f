"""Gemini's contents: what a person, a model or a tool has said, as a list of parts, in camelCase JSON.

google-genai sends some nested keys in snake_case, which the API takes as well: `at` finds both.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.media import blob_part
from hilt_autolog.contracts.model import ToolCall, new_message, provider_part, text_part
from hilt_autolog.contracts.sdk_objects import as_json, fields, jsonable, text_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hilt_autolog.contracts.types import Message, Part

_ROLES = {"model": "assistant", "user": "user", "function": "tool"}
_SAID = frozenset(("text", "reasoning"))
_FLAGS = frozenset(("thought", "thoughtSignature", "thought_signature", "partMetadata", "part_metadata"))


@lru_cache(maxsize=256)
def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def at(given: Mapping[str, Any], name: str) -> Any:
    """Return what stands under a camelCase key, or under the same key in snake_case."""
    value = given.get(name)
    return given.get(_snake(name)) if value is None else value


def sequence(value: Any) -> Sequence[Any]:
    """Return a list as it is, and of anything else nothing."""
    return value if isinstance(value, list | tuple) else ()


# --- requests


def content_messages(body: Mapping[str, Any]) -> list[Message]:
    """Return the system instruction and the contents of a request as messages.

    A model's answer may come back as one content or as the pieces of its stream: it is one message again.
    Results of tools stand in a user's content, perhaps with other parts: they become a message of a tool's.
    """
    messages = []
    if instruction := fields(at(body, "systemInstruction")):
        messages.append(new_message("system", parts_of(instruction)))
    spoken: Parts | None = None  # the model's turn, as far as it has come
    for one in _contents(body.get("contents")):
        content = fields(one) or {"parts": [{"text": one}]}
        role = _role(content.get("role"))
        if role != "assistant":
            spoken = None
            messages += _told(role, parts_of(content))
            continue
        if spoken is None:
            spoken = Parts()
            messages.append(new_message("assistant", []))
        for part in parts_of(content):
            spoken.add(part)
        messages[-1]["parts"] = spoken.whole()
    _name_results(messages)
    return messages


def _contents(given: Any) -> Sequence[Any]:
    return given if isinstance(given, list | tuple) else () if given is None else (given,)


def _role(given: Any) -> str:
    if not given:
        return "user"
    return _ROLES.get(given, given) if isinstance(given, str) else as_json(given)


def _told(role: str, parts: list[Part]) -> list[Message]:
    """Return the messages of one content that is not the model's: what tools have returned stands apart."""
    messages: list[Message] = []
    for part in parts:
        teller = "tool" if part["type"] == "tool_call_response" else role
        if messages and messages[-1]["role"] == teller:
            messages[-1]["parts"].append(part)
        else:
            messages.append(new_message(teller, [part]))
    return messages or [new_message(role, [])]


def _name_results(messages: list[Message]) -> None:
    """Give results the ids of their calls: automatic function calling leaves them out."""
    waiting: dict[str | None, list[str | None]] = {}
    for one in messages:
        for part in one["parts"]:
            if part["type"] == "tool_call":
                waiting.setdefault(part.get("name"), []).append(part.get("id"))
            elif part["type"] == "tool_call_response" and (ids := waiting.get(part.get("name"))):
                asked = part.get("id")
                index = ids.index(asked) if asked in ids else 0
                known = ids.pop(index)
                if asked is None and known is not None:
                    part["id"] = known


# --- parts


class Parts:
    """The parts of an answer as they come: neighbouring texts are one, and so are neighbouring thoughts."""

    __slots__ = ("_parts", "_pieces")

    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._pieces: list[str] = []  # of the last part, while it is being said

    def add(self, part: Part) -> None:
        """Take the next part, or the next piece of one."""
        if part["type"] in _SAID and part.keys() == {"type", "content"}:
            self.say(part["type"], part["content"])
        else:
            self.whole()
            self._pieces = []
            self._parts.append(part)

    def say(self, kind: str, text: str) -> None:
        """Take the next piece of a text or of a thought."""
        if self._pieces and self._parts[-1]["type"] == kind:
            self._pieces.append(text)
        else:
            self.whole()
            self._pieces = [text]
            self._parts.append({"type": kind, "content": text})

    def whole(self) -> list[Part]:
        """Return the parts as far as they have come."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
            self._parts[-1] = {**self._parts[-1], "content": self._pieces[0]}
        return self._parts


def parts_of(content: Mapping[str, Any]) -> list[Part]:
    """Return the parts of a content."""
    return [part for one in sequence(content.get("parts")) if (part := read_part(one)) is not None]


def read_part(given: Any) -> Part | None:
    """Return one part; None for one that says nothing: an empty text, or a signature alone."""
    known = given if type(given) is dict else fields(given)
    text = known.get("text")
    if text is None and isinstance(given, str):
        text = given
    if isinstance(text, str):
        if not text:
            return None
        return {"type": "reasoning", "content": text} if known.get("thought") else text_part(text)
    for name, read in _PARTS.items():
        if (value := at(known, name)) is not None:
            return read(fields(value))
    if known.keys() <= _FLAGS:
        return None
    return provider_part({"type": "unknown", **jsonable({k: v for k, v in known.items() if k not in _FLAGS})})


def tool_call(given: Mapping[str, Any]) -> ToolCall:
    """Return a function call."""
    arguments = given.get("args")
    return ToolCall(text_or_none(given.get("id")), text_or_none(given.get("name")), as_json(arguments))


def _call_part(given: Mapping[str, Any]) -> Part:
    return tool_call(given).part()


def _result_part(given: Mapping[str, Any]) -> Part:
    said = as_json(given.get("response"))
    shown = parts_of(given)
    part: Part = {"type": "tool_call_response", **_identity(given)}
    if name := text_or_none(given.get("name")):
        part["name"] = name
    part["response"] = [text_part(said), *shown] if shown else said
    return part


def _blob_part(given: Mapping[str, Any]) -> Part:
    mime_type = text_or_none(at(given, "mimeType"))
    part = blob_part(_modality(mime_type), mime_type, given.get("data"))
    return part | _named(given)


def _file_part(given: Mapping[str, Any]) -> Part:
    mime_type = text_or_none(at(given, "mimeType"))
    part: Part = {"type": "uri", "modality": _modality(mime_type), "uri": at(given, "fileUri")}
    return part | ({"mime_type": mime_type} if mime_type else {}) | _named(given)


def _named(given: Mapping[str, Any]) -> Part:
    name = text_or_none(at(given, "displayName"))
    return {"name": name} if name else {}


def _modality(mime_type: str | None) -> str:
    kind = (mime_type or "").partition("/")[0]
    return kind if kind in ("image", "audio", "video") else "document"


def _server_call(name: str | None, given: Mapping[str, Any]) -> Part:
    name = name or str(at(given, "toolType") or "tool").lower()
    return {"type": "server_tool_call", **_identity(given), "name": name, "server_tool_call": jsonable(given)}


def _server_result(given: Mapping[str, Any]) -> Part:
    return {
        "type": "server_tool_call_response",
        **_identity(given),
        "server_tool_call_response": jsonable(given),
    }


def _identity(given: Mapping[str, Any]) -> Part:
    return {"id": identity} if (identity := text_or_none(given.get("id"))) else {}


_PARTS = {
    "functionCall": _call_part,
    "functionResponse": _result_part,
    "inlineData": _blob_part,
    "fileData": _file_part,
    "executableCode": lambda given: _server_call("code_execution", given),
    "codeExecutionResult": _server_result,
    "toolCall": lambda given: _server_call(None, given),
    "toolResponse": _server_result,
}
