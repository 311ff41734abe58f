"""Gemini's contents: the turns of a user, a model or a tool, each a list of parts, in camelCase JSON.

google-genai 3.6 sends some nested keys in snake_case, which the API accepts as well: `get_key` reads both.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.media import blob_part
from hilt_autolog.contracts.model import ToolCall, new_message, provider_part, text_part
from hilt_autolog.contracts.sdk_objects import as_json, fields, jsonable, list_or_empty, text_or_none

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hilt_autolog.contracts.types import JsonMapping, Message, Part

_ROLES = {"model": "assistant", "user": "user", "function": "tool"}
_TEXT_TYPES = frozenset(("text", "reasoning"))
# Keys of a part that are not its content: a thought signature is opaque, and programs may leave it out.
_METADATA_KEYS = frozenset(
    ("thought", "thoughtSignature", "thought_signature", "partMetadata", "part_metadata")
)


@lru_cache(maxsize=256)
def _snake_case(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def get_key(source: JsonMapping, name: str) -> Any:
    """Return the value of a camelCase key, or of the same key in snake_case; None without either."""
    value = source.get(name)
    return source.get(_snake_case(name)) if value is None else value


# --- requests


def parse_contents(body: JsonMapping) -> list[Message]:
    """Return the system instruction and the contents of a request as messages.

    A program may send a model's response back as one content, or as the contents of its stream's chunks:
    both become the same single message. Results of tools come within a user's content, perhaps beside other
    parts: they become a message with the role "tool".
    """
    messages = []
    if instruction := fields(get_key(body, "systemInstruction")):
        messages.append(new_message("system", parse_parts(instruction)))
    model_turn: PartsAccumulator | None = None  # as long as neighbouring contents are the model's
    for item in _content_items(body.get("contents")):
        content = fields(item) or {"parts": [{"text": item}]}
        role = _role(content.get("role"))
        if role != "assistant":
            model_turn = None
            messages += _messages(role, parse_parts(content))
            continue
        if model_turn is None:
            model_turn = PartsAccumulator()
            messages.append(new_message("assistant", []))
        for part in parse_parts(content):
            model_turn.add(part)
        messages[-1]["parts"] = model_turn.parts()
    _set_result_ids(messages)
    return messages


def _content_items(contents: object) -> Sequence[object]:
    return contents if isinstance(contents, list | tuple) else () if contents is None else (contents,)


def _role(role: object) -> str:
    if not role:
        return "user"
    return _ROLES.get(role, role) if isinstance(role, str) else as_json(role)


def _messages(role: str, parts: list[Part]) -> list[Message]:
    """Return the messages of one content that is not the model's: tool results become their own message."""
    messages: list[Message] = []
    for part in parts:
        part_role = "tool" if part["type"] == "tool_call_response" else role
        if messages and messages[-1]["role"] == part_role:
            messages[-1]["parts"].append(part)
        else:
            messages.append(new_message(part_role, [part]))
    return messages or [new_message(role, [])]


def _set_result_ids(messages: list[Message]) -> None:
    """Give tool results the ids of their calls, by the function's name, first come first served.

    google-genai 3.6 _extra_utils.py: `get_function_response_parts`, of automatic function calling, sends
    results without ids.
    """
    call_ids: dict[str | None, list[str | None]] = {}  # of calls without a result, by function name
    for message in messages:
        for part in message["parts"]:
            if part["type"] == "tool_call":
                call_ids.setdefault(part.get("name"), []).append(part.get("id"))
            elif part["type"] == "tool_call_response" and (ids := call_ids.get(part.get("name"))):
                result_id = part.get("id")
                call_id = ids.pop(ids.index(result_id) if result_id in ids else 0)
                if result_id is None and call_id is not None:
                    part["id"] = call_id


# --- parts


class PartsAccumulator:
    """Accumulates the parts of a response; neighbouring texts become one, and so do neighbouring thoughts."""

    __slots__ = ("_parts", "_pieces")

    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._pieces: list[str] = []  # of the last part, if it is a text or a thought

    def add(self, part: Part) -> None:
        """Add the next part, or the next piece of one."""
        if part["type"] in _TEXT_TYPES and part.keys() == {"type", "content"}:
            self.add_text(part["type"], part["content"])
        else:
            self.parts()
            self._pieces = []
            self._parts.append(part)

    def add_text(self, kind: str, text: str) -> None:
        """Add the next piece of a text or of a thought; `kind` is text or reasoning."""
        if self._pieces and self._parts[-1]["type"] == kind:
            self._pieces.append(text)
        else:
            self.parts()
            self._pieces = [text]
            self._parts.append({"type": kind, "content": text})

    def parts(self) -> list[Part]:
        """Return the parts so far."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
            self._parts[-1] = {**self._parts[-1], "content": self._pieces[0]}
        return self._parts


def parse_parts(content: JsonMapping) -> list[Part]:
    """Return the parts of a content, or of a function response."""
    return [part for item in list_or_empty(content.get("parts")) if (part := parse_part(item)) is not None]


def parse_part(item: Any) -> Part | None:
    """Return one part; None for one without content: an empty text, or a thought signature alone."""
    source = item if type(item) is dict else fields(item)
    text = source.get("text")
    if text is None and isinstance(item, str):
        text = item
    if isinstance(text, str):
        if not text:
            return None
        return {"type": "reasoning", "content": text} if source.get("thought") else text_part(text)
    for name, parse in _PARSERS.items():
        if (value := get_key(source, name)) is not None:
            return parse(fields(value))
    if source.keys() <= _METADATA_KEYS:
        return None
    content = {key: value for key, value in source.items() if key not in _METADATA_KEYS}
    return provider_part({"type": "unknown", **jsonable(content)})


def tool_call(source: JsonMapping) -> ToolCall:
    """Return a function call."""
    return ToolCall(
        text_or_none(source.get("id")), text_or_none(source.get("name")), as_json(source.get("args"))
    )


def _function_call(source: JsonMapping) -> Part:
    return tool_call(source).part()


def _function_response(source: JsonMapping) -> Part:
    response = as_json(source.get("response"))
    media = parse_parts(source)
    part: Part = {"type": "tool_call_response", **_id(source)}
    if name := text_or_none(source.get("name")):
        part["name"] = name
    part["response"] = [text_part(response), *media] if media else response
    return part


def _inline_data(source: JsonMapping) -> Part:
    mime_type = text_or_none(get_key(source, "mimeType"))
    part = blob_part(_modality(mime_type), mime_type, source.get("data"))
    return part | _display_name(source)


def _file_data(source: JsonMapping) -> Part:
    mime_type = text_or_none(get_key(source, "mimeType"))
    part: Part = {"type": "uri", "modality": _modality(mime_type), "uri": get_key(source, "fileUri")}
    return part | ({"mime_type": mime_type} if mime_type else {}) | _display_name(source)


def _display_name(source: JsonMapping) -> Part:
    name = text_or_none(get_key(source, "displayName"))
    return {"name": name} if name else {}


def _modality(mime_type: str | None) -> str:
    major_type = (mime_type or "").partition("/")[0]
    return major_type if major_type in ("image", "audio", "video") else "document"


def _server_tool_call(name: str | None, source: JsonMapping) -> Part:
    name = name or str(get_key(source, "toolType") or "tool").lower()
    return {"type": "server_tool_call", **_id(source), "name": name, "server_tool_call": jsonable(source)}


def _server_tool_result(source: JsonMapping) -> Part:
    return {
        "type": "server_tool_call_response",
        **_id(source),
        "server_tool_call_response": jsonable(source),
    }


def _id(source: JsonMapping) -> Part:
    return {"id": call_id} if (call_id := text_or_none(source.get("id"))) else {}


_PARSERS: dict[str, Callable[[JsonMapping], Part]] = {
    "functionCall": _function_call,
    "functionResponse": _function_response,
    "inlineData": _inline_data,
    "fileData": _file_data,
    "executableCode": lambda source: _server_tool_call("code_execution", source),
    "codeExecutionResult": _server_tool_result,
    "toolCall": lambda source: _server_tool_call(None, source),
    "toolResponse": _server_tool_result,
}
