"""Anthropic's messages, plain and streamed, and their token counts."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from offline.answers import Question, Reply, Tool, pieces, reply
from offline.anthropic_envelope import BASE, VERTEX, error, exact, read_tokens, text_of, usage
from offline.wire import Answer, Request, Stream, as_json, frame, new_id

if TYPE_CHECKING:
    from collections.abc import Iterator

Payload = dict[str, Any]


def messages(request: Request) -> Answer | Stream:
    """Answer POST /v1/messages."""
    body = request.body
    answer = _answer(body)
    thought = Reply(reasoning=answer.reasoning).tokens
    message = {
        "id": new_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": exact(body["model"]),
        "content": list(_blocks(answer)),
        "stop_reason": _stop_reason(answer),
        "stop_sequence": None,
        "usage": usage(body, answer.tokens, thought),
    }
    if answer.refusal:
        message["stop_details"] = {"type": "refusal", "category": None, "explanation": answer.refusal}
    if body.get("stream") or request.path.endswith(":streamRawPredict"):
        frames = [frame(event, event["type"]) for event in _events(message)]
        return Stream(frames, frame(error(500, request), "error"))
    return as_json(message)


def count_tokens(request: Request) -> Answer:
    """Answer POST /v1/messages/count_tokens."""
    return as_json({"input_tokens": read_tokens(request.body)})


# --- the request


def _answer(body: Payload) -> Reply:
    said = [text for message in body["messages"] if message["role"] == "user" if (text := _said(message))]
    chosen = body.get("tool_choice") or {"type": "auto"}
    question = Question(
        model=body["model"],
        text=said[-1] if said else "",
        results=tuple(_results(body["messages"][-1])),
        tools=tuple(_tools(body)),
        tool_choice={"any": "required"}.get(chosen["type"], chosen.get("name") or chosen["type"]),
        parallel=not chosen.get("disable_parallel_tool_use"),
        schema=_schema(body),
        limit=body.get("max_tokens"),
    )
    answer = reply(question)
    thinks = (body.get("thinking") or {}).get("type") in ("enabled", "adaptive")
    return replace(answer, reasoning=f"The question has {len(question.text)} characters. " if thinks else "")


def _said(message: Payload) -> str:
    return text_of(message["content"])


def _results(newest: Payload) -> Iterator[str]:
    if isinstance(newest["content"], list):
        for block in newest["content"]:
            if block["type"] == "tool_result":
                yield text_of(block.get("content"))


def _tools(body: Payload) -> Iterator[Tool]:
    for tool in body.get("tools") or ():
        if "input_schema" in tool:
            yield Tool(tool["name"], tool["input_schema"])


def _schema(body: Payload) -> Payload | None:
    wanted = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    schema: Payload | None = wanted.get("schema")
    return schema


# --- the answer


def _blocks(answer: Reply) -> Iterator[Payload]:
    if answer.reasoning:
        yield {"type": "thinking", "thinking": answer.reasoning, "signature": "c2lnbmVkIGhlcmU="}
    if answer.text:
        yield {"type": "text", "text": answer.text, "citations": None}
    for call in answer.calls:
        arguments = json.loads(call.arguments)
        yield {"type": "tool_use", "id": new_id("toolu_"), "name": call.name, "input": arguments}


def _stop_reason(answer: Reply) -> str:
    if answer.refusal:
        return "refusal"
    return "tool_use" if answer.calls else "max_tokens" if answer.cut else "end_turn"


# --- the answer as a stream


def _events(message: Payload) -> Iterator[Payload]:
    begun = message | {"content": [], "stop_reason": None, "usage": message["usage"] | {"output_tokens": 1}}
    yield {"type": "message_start", "message": {k: v for k, v in begun.items() if k != "stop_details"}}
    yield {"type": "ping"}
    for index, block in enumerate(message["content"]):
        yield {"type": "content_block_start", "index": index, "content_block": _empty(block)}
        for delta in _deltas(block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    end = {key: message.get(key) for key in ("stop_reason", "stop_sequence", "stop_details")}
    used = {"output_tokens": message["usage"]["output_tokens"]}
    yield {"type": "message_delta", "delta": end, "usage": used}
    yield {"type": "message_stop"}


def _empty(block: Payload) -> Payload:
    said = {"text": "", "thinking": "", "signature": "", "input": {}}
    return {key: said.get(key, value) for key, value in block.items()}


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
