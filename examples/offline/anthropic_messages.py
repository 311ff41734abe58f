"""Anthropic's Messages API, plain and streamed, and its token counts."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from offline.answers import Question, Reply, Tool, generate_reply, pieces
from offline.anthropic_envelope import BASE, VERTEX, error, full_name, input_tokens, text_of, usage
from offline.wire import Request, Response, Stream, as_json, frame, new_id

if TYPE_CHECKING:
    from collections.abc import Iterator

Payload = dict[str, Any]


def messages(request: Request) -> Response | Stream:
    """Respond to POST /v1/messages."""
    body = request.body
    reply = _reply(body)
    thinking_tokens = Reply(reasoning=reply.reasoning).tokens
    message = {
        "id": new_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": full_name(body["model"]),
        "content": list(_blocks(reply)),
        "stop_reason": _stop_reason(reply),
        "stop_sequence": None,
        "usage": usage(body, reply.tokens, thinking_tokens),
    }
    if reply.refusal:
        message["stop_details"] = {"type": "refusal", "category": None, "explanation": reply.refusal}
    if body.get("stream") or request.path.endswith(":streamRawPredict"):
        frames = [frame(event, event["type"]) for event in _events(message)]
        return Stream(frames, frame(error(500, request), "error"))
    return as_json(message)


def count_tokens(request: Request) -> Response:
    """Respond to POST /v1/messages/count_tokens."""
    return as_json({"input_tokens": input_tokens(request.body)})


# --- the request


def _reply(body: Payload) -> Reply:
    user_texts = [
        text
        for message in body["messages"]
        if message["role"] == "user" and (text := text_of(message["content"]))
    ]
    tool_choice = body.get("tool_choice") or {"type": "auto"}
    question = Question(
        model=body["model"],
        text=user_texts[-1] if user_texts else "",
        results=tuple(_results(body["messages"][-1])),
        tools=tuple(_tools(body)),
        tool_choice={"any": "required"}.get(
            tool_choice["type"], tool_choice.get("name") or tool_choice["type"]
        ),
        parallel=not tool_choice.get("disable_parallel_tool_use"),
        schema=_schema(body),
        limit=body.get("max_tokens"),
    )
    reply = generate_reply(question)
    is_thinking = (body.get("thinking") or {}).get("type") in ("enabled", "adaptive")
    return replace(
        reply, reasoning=f"The question has {len(question.text)} characters. " if is_thinking else ""
    )


def _results(message: Payload) -> Iterator[str]:
    if isinstance(message["content"], list):
        for block in message["content"]:
            if block["type"] == "tool_result":
                yield text_of(block.get("content"))


def _tools(body: Payload) -> Iterator[Tool]:
    for tool in body.get("tools") or ():
        if "input_schema" in tool:
            yield Tool(tool["name"], tool["input_schema"])


def _schema(body: Payload) -> Payload | None:
    output_format = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    schema: Payload | None = output_format.get("schema")
    return schema


# --- the response


def _blocks(reply: Reply) -> Iterator[Payload]:
    if reply.reasoning:
        yield {"type": "thinking", "thinking": reply.reasoning, "signature": "c2lnbmVkIGhlcmU="}
    if reply.text:
        yield {"type": "text", "text": reply.text, "citations": None}
    for call in reply.calls:
        arguments = json.loads(call.arguments)
        yield {"type": "tool_use", "id": new_id("toolu_"), "name": call.name, "input": arguments}


def _stop_reason(reply: Reply) -> str:
    if reply.refusal:
        return "refusal"
    return "tool_use" if reply.calls else "max_tokens" if reply.is_truncated else "end_turn"


# --- the stream


def _events(message: Payload) -> Iterator[Payload]:
    start = message | {"content": [], "stop_reason": None, "usage": message["usage"] | {"output_tokens": 1}}
    yield {"type": "message_start", "message": {k: v for k, v in start.items() if k != "stop_details"}}
    yield {"type": "ping"}
    for index, block in enumerate(message["content"]):
        yield {"type": "content_block_start", "index": index, "content_block": _empty(block)}
        for delta in _deltas(block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    end = {key: message.get(key) for key in ("stop_reason", "stop_sequence", "stop_details")}
    final_usage = {"output_tokens": message["usage"]["output_tokens"]}
    yield {"type": "message_delta", "delta": end, "usage": final_usage}
    yield {"type": "message_stop"}


def _empty(block: Payload) -> Payload:
    empty = {"text": "", "thinking": "", "signature": "", "input": {}}
    return {key: empty.get(key, value) for key, value in block.items()}


def _deltas(block: Payload) -> Iterator[Payload]:
    match block["type"]:
        case "text":
            yield from ({"type": "text_delta", "text": piece} for piece in pieces(block["text"]))
        case "thinking":
            for piece in pieces(block["thinking"]):
                yield {"type": "thinking_delta", "thinking": piece}
            yield {"type": "signature_delta", "signature": block["signature"]}
        case "tool_use":
            for piece in ("", *pieces(json.dumps(block["input"], ensure_ascii=False))):
                yield {"type": "input_json_delta", "partial_json": piece}


ROUTES = (
    ("POST", f"{BASE}/messages", messages),
    ("POST", f"{BASE}/messages/count_tokens", count_tokens),
    ("POST", f"{VERTEX}:(?:streamR|r)awPredict", messages),
)
