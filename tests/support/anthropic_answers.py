"""Answers as Anthropic sends them: whole, and as the events of a stream that come to the same."""

from __future__ import annotations

import json
from typing import Any

from offline.wire import frame

from tests.support.in_process import IN_PROCESS

ANTHROPIC = IN_PROCESS["anthropic"]
MODEL = "claude-haiku-4-5"
QUESTION = {"role": "user", "content": "Hello"}
ASKED: dict[str, Any] = {"model": MODEL, "max_tokens": 100, "messages": [QUESTION]}
PIECES = {"text": "text_delta", "thinking": "thinking_delta", "signature": "signature_delta"}


def message(*content, **more):
    """A message of these blocks."""
    usage = {"input_tokens": 3, "output_tokens": 2}
    facts = {"id": "msg_1", "type": "message", "role": "assistant", "model": MODEL, "content": [*content]}
    return facts | {"stop_reason": "end_turn", "stop_sequence": None, "usage": usage} | more


def events(whole):
    """The events that lead to a message."""
    begun = whole | {"content": [], "stop_reason": None, "stop_sequence": None}
    begun["usage"] = whole["usage"] | {"output_tokens": 1}
    last = ("stop_reason", "stop_sequence", "stop_details", "container")
    end = {key: whole.get(key) for key in last}
    yield {"type": "message_start", "message": begun}
    for index, block in enumerate(whole["content"]):
        yield from ({"index": index} | event for event in _block(block))
    yield {"type": "message_delta", "delta": end, "usage": {"output_tokens": whole["usage"]["output_tokens"]}}
    yield {"type": "message_stop"}


def _block(block):
    begun = {key: "" if key in PIECES else value for key, value in block.items() if key != "citations"}
    deltas = [{"type": kind, key: block[key]} for key, kind in PIECES.items() if key in block]
    if block["type"].endswith("tool_use"):
        begun["input"] = {}
        text = json.dumps(block["input"])
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in (text[:3], text[3:])]
    deltas += [{"type": "citations_delta", "citation": one} for one in block.get("citations") or ()]
    yield {"type": "content_block_start", "content_block": begun}
    yield from ({"type": "content_block_delta", "delta": delta} for delta in deltas)
    yield {"type": "content_block_stop"}


def frames(all_events):
    """Events as they come over the wire."""
    return [frame(event, event["type"]) for event in all_events]


def client(*answers, kind="sync"):
    """A client that is given these answers, one after the other: messages, lists of events, or responses."""
    left = iter(answers)

    def answer(request):
        given = next(left)
        if isinstance(given, dict):
            given = list(events(given)) if json.loads(request.content).get("stream") else given
        if isinstance(given, list):
            return ANTHROPIC.response(frames(given))
        return ANTHROPIC.response(given) if isinstance(given, dict) else given

    return ANTHROPIC.client_over(answer, kind)
