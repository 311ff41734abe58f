"""OpenAI's Responses API as a stream: a pure function from the whole response to its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offline.answers import pieces
from offline.openai_envelope import error
from offline.wire import Request, Stream, frame

if TYPE_CHECKING:
    from collections.abc import Iterator

Payload = dict[str, Any]


def as_queued(response: Payload) -> Payload:
    """Return a response as it was before its output."""
    return response | {"status": "queued", "output": [], "usage": None, "incomplete_details": None}


def as_stream(request: Request, response: Payload, after: int = -1) -> Stream:
    """Return a response as the stream of its events, from the one after number `after`."""
    numbered = [
        event | {"sequence_number": number}
        for number, event in enumerate(_events(response))
        if number > after
    ]
    body = error(500, request)["error"]
    failure = {
        "type": "error",
        "code": body["code"],
        "message": body["message"],
        "param": None,
        "sequence_number": 0,
    }
    return Stream([frame(event, event["type"]) for event in numbered], frame(failure, "error"))


def _events(response: Payload) -> Iterator[Payload]:
    started = as_queued(response) | {"status": "in_progress"}
    yield {"type": "response.created", "response": started}
    if response["background"]:
        yield {"type": "response.queued", "response": as_queued(response)}
    yield {"type": "response.in_progress", "response": started}
    for index, item in enumerate(response["output"]):
        position = {"output_index": index}
        empty: Payload = {"summary": []} if item["type"] == "reasoning" else {"status": "in_progress"}
        empty |= {key: type(item[key])() for key in ("content", "arguments") if key in item}
        yield {"type": "response.output_item.added", **position, "item": item | empty}
        for event in ITEM_EVENTS[item["type"]](item):
            yield event | position | {"item_id": item["id"]}
        yield {"type": "response.output_item.done", **position, "item": item}
    yield {"type": f"response.{response['status']}", "response": response}


def _reasoning_events(item: Payload) -> Iterator[Payload]:
    for index, part in enumerate(item["summary"]):
        position = {"summary_index": index}
        yield {"type": "response.reasoning_summary_part.added", **position, "part": part | {"text": ""}}
        for piece in pieces(part["text"]):
            yield {"type": "response.reasoning_summary_text.delta", **position, "delta": piece}
        yield {"type": "response.reasoning_summary_text.done", **position, "text": part["text"]}
        yield {"type": "response.reasoning_summary_part.done", **position, "part": part}


def _call_events(item: Payload) -> Iterator[Payload]:
    for piece in pieces(item["arguments"]):
        yield {"type": "response.function_call_arguments.delta", "delta": piece}
    function = {"name": item["name"], "arguments": item["arguments"]}
    yield {"type": "response.function_call_arguments.done", **function}


def _message_events(item: Payload) -> Iterator[Payload]:
    for index, part in enumerate(item["content"]):
        kind = part["type"]
        key = kind.removeprefix("output_")
        position = {"content_index": index}
        logprobs: Payload = {"logprobs": []} if key == "text" else {}
        yield {"type": "response.content_part.added", **position, "part": part | {key: ""}}
        for piece in pieces(part[key]):
            yield {"type": f"response.{kind}.delta", **position, "delta": piece, **logprobs}
        yield {"type": f"response.{kind}.done", **position, key: part[key], **logprobs}
        yield {"type": "response.content_part.done", **position, "part": part}


ITEM_EVENTS = {"reasoning": _reasoning_events, "function_call": _call_events, "message": _message_events}
