"""Convert a log to chat messages, a conversation in each line, for fine-tuning and evaluation tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from hilt_autolog.reading.lines import ReadProblem

from .files import Input, open_input, replace_file
from .flat import json_or_text

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from _typeshed import SupportsWrite

    from hilt_autolog.contracts.types import JsonMapping, JsonObject
    from hilt_autolog.reading.lines import LocatedEvent
    from hilt_autolog.reading.reader import Log


def convert_to_messages(input_file: Input, output_file: str | os.PathLike[str]) -> int:
    r"""Write each conversation of a log as a line `{"conversation_id", "model", "messages"}` of JSON.

    A conversation is the request of its last complete answer, and that answer; one without is left out.
    Messages have the shape of OpenAI's chat completions: `role`, `content` (always a text), and for calls of
    tools `tool_calls`, for their results `tool_call_id`. Reasoning is left out; images, sound and files
    become a few words in brackets.

    Args:
        input_file: a file, a directory, a glob, "-", or an opened log; see `hilt_autolog.read`.
        output_file: the file to write. It is replaced when the new one is complete.

    Returns:
        How many conversations were written. Bad lines, and conversations whose beginning is missing from the
        log, are skipped and reported: see `converters.files.open_input`.

    Raises:
        FileNotFoundError: there is no such log, or no such directory to write to.
        ConversionError: the output is one of the files that are read.
    """
    with open_input(input_file) as log, replace_file(output_file, log) as path, path.open("wb") as stream:
        return write(log, stream)


def write(log: Log, stream: SupportsWrite[bytes]) -> int:
    """Write the same to a stream, and return how many conversations were written."""
    count = 0
    for session_id, (event, file, line) in _last_answers(log).items():
        try:
            messages = list(chat(log.messages_of(event)))
        except LookupError as error:
            log.report(ReadProblem(file, line, f"not written: {error.args[0]}"))
            continue
        conversation = {"conversation_id": session_id, "model": _model(event), "messages": messages}
        stream.write(orjson.dumps(conversation) + b"\n")
        count += 1
    return count


def chat(messages: list[JsonObject]) -> Iterator[JsonObject]:
    """Yield messages of a log in the shape of OpenAI's chat completions."""
    for message in messages:
        parts = [part for part in message.get("parts") or () if isinstance(part, dict)]
        results = [part for part in parts if part.get("type") == "tool_call_response"]
        for result in results:
            yield {
                "role": "tool",
                "content": json_or_text(result.get("response", "")),
                "tool_call_id": str(result.get("id", "")),
            }
        others = [
            part for part in parts if part.get("type") not in ("tool_call_response", "tool_call", "reasoning")
        ]
        calls = [_tool_call(part) for part in parts if part.get("type") == "tool_call"]
        if calls:
            yield {"role": _role(message), "content": _content(others), "tool_calls": calls}
        elif others or not results:
            yield {"role": _role(message), "content": _content(others)}


def _last_answers(log: Log) -> dict[str, LocatedEvent]:
    """Return the last complete answer of each conversation, in the order of their first ones."""
    answers: dict[str, LocatedEvent] = {}
    for located in log.located_events():
        event, session_id = located.event, located.event.get("session_id")
        extensions = event.get("extensions")
        is_partial = isinstance(extensions, dict) and bool(extensions.get("partial"))
        if event.get("action") == "completion" and isinstance(session_id, str) and not is_partial:
            answers[session_id] = located
    return answers


def _model(event: JsonMapping) -> str:
    actor = event.get("actor")
    return str(actor.get("id", "")) if isinstance(actor, dict) else ""


def _role(message: JsonMapping) -> str:
    return str(message.get("role", "user"))


def _tool_call(part: JsonMapping) -> JsonObject:
    function = {"name": str(part.get("name", "")), "arguments": json_or_text(part.get("arguments", ""))}
    return {"id": str(part.get("id", "")), "type": "function", "function": function}


def _content(parts: list[JsonObject]) -> str:
    return "\n".join(map(_part_text, parts))


def _part_text(part: JsonMapping) -> str:
    """Return a part as text; a part that is not text in brackets: [image: image/png, 1234 bytes]."""
    kind = part.get("type", "part")
    if kind == "text" or isinstance(part.get("content"), str):
        return json_or_text(part.get("content", ""))
    values = [part.get(key) for key in ("mime_type", "uri", "file_id")]
    if isinstance(part.get("bytes"), int):
        values.append(f"{part['bytes']} bytes")
    description = ", ".join(str(value) for value in values if value is not None)
    name = part.get("modality", kind)
    return f"[{name}: {description}]" if description else f"[{name}]"
