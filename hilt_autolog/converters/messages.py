"""Logs as chat messages, a conversation a line: what fine-tuning and evaluation tools take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from hilt_autolog.reading.lines import ReadProblem

from .files import Input, open_log, replace_file

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from _typeshed import SupportsWrite

    from hilt_autolog.contracts.types import JsonObject as Message
    from hilt_autolog.reading.lines import LocatedEvent
    from hilt_autolog.reading.reader import Log


def convert_to_messages(input_file: Input, output_file: str | os.PathLike[str]) -> int:
    r"""Write each conversation of a log as a line `{"conversation_id", "model", "messages"}` of JSON.

    A conversation is what its last whole answer replied to, and that answer; one that has none is left out.
    Messages have the shape of OpenAI's chat completions: `role`, `content` (always a text), and where a tool
    is called `tool_calls`, or has answered `tool_call_id`. Thoughts are left out; images, sound and files
    are a few words in brackets.

    Args:
        input_file: A file, a folder, a glob, "-", or an opened log; see `hilt_autolog.read`.
        output_file: The file to write. It is replaced when the new one is whole.

    Returns:
        How many conversations were written. Bad lines, and conversations whose beginning is missing from
        the log, are passed over and told: see `converters.files.reading`.

    Raises:
        FileNotFoundError: there is no such log, or no such folder to write to.
        ConversionError: the output is one of the files that are read.
    """
    with open_log(input_file) as log, replace_file(output_file, log) as path, path.open("wb") as stream:
        return write(log, stream)


def write(log: Log, stream: SupportsWrite[bytes]) -> int:
    """Write the same to a stream, and return how many conversations it were."""
    count = 0
    for session, (event, file, line) in _last_answers(log).items():
        try:
            messages = list(chat(log.messages_of(event)))
        except LookupError as error:
            log.report(ReadProblem(file, line, f"not written: {error.args[0]}"))
            continue
        found = {"conversation_id": session, "model": _model(event), "messages": messages}
        stream.write(orjson.dumps(found) + b"\n")
        count += 1
    return count


def chat(messages: list[Message]) -> Iterator[dict[str, Any]]:
    """Yield messages of a log as OpenAI's chat completions spell them."""
    for message in messages:
        parts = [part for part in message.get("parts") or () if isinstance(part, dict)]
        results = [part for part in parts if part.get("type") == "tool_call_response"]
        for result in results:
            yield {
                "role": "tool",
                "content": _text(result.get("response", "")),
                "tool_call_id": str(result.get("id", "")),
            }
        others = [
            part for part in parts if part.get("type") not in ("tool_call_response", "tool_call", "reasoning")
        ]
        calls = [_call(part) for part in parts if part.get("type") == "tool_call"]
        if calls:
            yield {"role": _role(message), "content": _content(others), "tool_calls": calls}
        elif others or not results:
            yield {"role": _role(message), "content": _content(others)}


def _last_answers(log: Log) -> dict[str, LocatedEvent]:
    """Return the last whole answer of each conversation, in the order of their first ones."""
    found: dict[str, LocatedEvent] = {}
    for placed in log.located_events():
        event, session = placed.event, placed.event.get("session_id")
        extensions = event.get("extensions")
        is_partial = isinstance(extensions, dict) and bool(extensions.get("partial"))
        if event.get("action") == "completion" and isinstance(session, str) and not is_partial:
            found[session] = placed
    return found


def _model(event: dict[str, Any]) -> str:
    actor = event.get("actor")
    return str(actor.get("id", "")) if isinstance(actor, dict) else ""


def _role(message: Message) -> str:
    return str(message.get("role", "user"))


def _call(part: dict[str, Any]) -> dict[str, Any]:
    function = {"name": str(part.get("name", "")), "arguments": _text(part.get("arguments", ""))}
    return {"id": str(part.get("id", "")), "type": "function", "function": function}


def _content(parts: list[dict[str, Any]]) -> str:
    return "\n".join(map(_words, parts))


def _words(part: dict[str, Any]) -> str:
    """Return a part as text; what is no text in brackets: [image: image/png, 1234 bytes]."""
    kind = part.get("type", "part")
    if kind == "text" or isinstance(part.get("content"), str):
        return _text(part.get("content", ""))
    facts = [part.get(key) for key in ("mime_type", "uri", "file_id")]
    if isinstance(part.get("bytes"), int):
        facts.append(f"{part['bytes']} bytes")
    told = ", ".join(str(fact) for fact in facts if fact is not None)
    name = part.get("modality", kind)
    return f"[{name}: {told}]" if told else f"[{name}]"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
