"""OpenAI's chat completions, and the completions that came before them."""

from __future__ import annotations

import base64
from itertools import chain, takewhile, zip_longest
from typing import TYPE_CHECKING, Any

from offline.answers import Question, Reply, Tool, pieces, reply
from offline.openai_envelope import BASE, error, exact, now, read_tokens, text_of
from offline.openai_media import silence
from offline.wire import Answer, Request, Stream, as_json, frame, new_id

if TYPE_CHECKING:
    from collections.abc import Iterator

Payload = dict[str, Any]
DONE = frame("[DONE]")
ANY_OBJECT = {"type": "object", "properties": {"answer": {"type": "string"}}}


def chat(request: Request) -> Answer | Stream:
    """Answer POST /chat/completions."""
    body = request.body
    replies = [reply(_question(body), choice) for choice in range(body.get("n") or 1)]
    envelope = {
        "id": new_id("chatcmpl-"),
        "created": now(),
        "model": exact(body["model"]),
        "service_tier": "default",
        "system_fingerprint": "fp_offline",
    }
    if body.get("stream"):
        return Stream(_frames(body, envelope, replies), frame(error(500, request)))
    choices = [_choice(index, _message(body, one), _finish(one)) for index, one in enumerate(replies)]
    return as_json(
        {**envelope, "object": "chat.completion", "choices": choices, "usage": _usage(body, replies)}
    )


def completions(request: Request) -> Answer | Stream:
    """Answer POST /completions."""
    body = request.body
    prompts = body["prompt"] if isinstance(body["prompt"], list) else [body["prompt"]]
    asked = [Question(body["model"], str(prompt), limit=body.get("max_tokens")) for prompt in prompts]
    replies = [reply(one, variant) for one in asked for variant in range(body.get("n") or 1)]
    envelope = {
        "id": new_id("cmpl-"),
        "object": "text_completion",
        "created": now(),
        "model": exact(body["model"]),
    }
    read, written = read_tokens(one.text for one in asked), sum(one.tokens for one in replies)
    usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    if body.get("stream"):
        choices = [
            _text_choice(n, piece, None) for n, one in enumerate(replies) for piece in pieces(one.text)
        ]
        choices += [_text_choice(n, "", _finish(one)) for n, one in enumerate(replies)]
        payloads: list[Payload] = [{**envelope, "choices": [choice]} for choice in choices]
        payloads += [{**envelope, "choices": [], "usage": usage}] if _wants_usage(body) else []
        return Stream([*map(frame, payloads), DONE], frame(error(500, request)))
    choices = [_text_choice(n, one.text, _finish(one)) for n, one in enumerate(replies)]
    return as_json({**envelope, "choices": choices, "usage": usage})


def _text_choice(index: int, text: str, finish: str | None) -> Payload:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish}


# --- the request


def _question(body: Payload) -> Question:
    messages = body["messages"]
    newest = list(takewhile(lambda message: message["role"] == "tool", reversed(messages)))
    said = [text_of(message.get("content")) for message in messages if message["role"] == "user"]
    chosen = body.get("tool_choice") or "auto"
    return Question(
        model=body["model"],
        text=said[-1] if said else "",
        results=tuple(text_of(message.get("content")) for message in reversed(newest)),
        tools=tuple(_tool(tool["function"]) for tool in body.get("tools") or () if "function" in tool),
        tool_choice=chosen if isinstance(chosen, str) else chosen.get("function", {}).get("name", "auto"),
        parallel=body.get("parallel_tool_calls") is not False,
        schema=_schema(body.get("response_format") or {}),
        limit=body.get("max_completion_tokens") or body.get("max_tokens"),
    )


def _tool(function: Payload) -> Tool:
    return Tool(function["name"], function.get("parameters") or {})


def _schema(response_format: Payload) -> Payload | None:
    if response_format.get("type") == "json_object":
        return ANY_OBJECT
    schema: Payload | None = response_format.get("json_schema", {}).get("schema")
    return schema


def _wants_usage(body: Payload) -> bool:
    return bool((body.get("stream_options") or {}).get("include_usage"))


# --- the answer


def _choice(index: int, message: Payload, finish: str) -> Payload:
    return {"index": index, "message": message, "logprobs": None, "finish_reason": finish}


def _message(body: Payload, answer: Reply) -> Payload:
    message: Payload = {
        "role": "assistant",
        "content": answer.text or None,
        "refusal": answer.refusal or None,
    }
    if _shows_reasoning(body) and answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    if answer.calls:
        message["tool_calls"] = [
            {
                "id": new_id("call_"),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in answer.calls
        ]
    elif _speaks(body):
        message["content"] = None
        message["audio"] = _audio() | {"transcript": answer.text}
    return message | {"annotations": []}


def _audio() -> Payload:
    return {"id": new_id("audio_"), "data": base64.b64encode(silence()).decode(), "expires_at": now() + 3600}


def _finish(answer: Reply) -> str:
    return "tool_calls" if answer.calls else "length" if answer.cut else "stop"


def _shows_reasoning(body: Payload) -> bool:
    """Return whether the model, by its name, belongs to those that show what they think."""
    return "reason" in body["model"] or "think" in body["model"]


def _speaks(body: Payload) -> bool:
    return "audio" in (body.get("modalities") or ())


def _usage(body: Payload, replies: list[Reply]) -> Payload:
    """Return the usage; what was there when the model last spoke is taken to be cached."""
    messages = body["messages"]
    spoken = max((n + 1 for n, message in enumerate(messages) if message["role"] == "assistant"), default=0)
    texts = [text_of(message.get("content")) for message in messages]
    read, written = read_tokens(texts), sum(answer.tokens for answer in replies)
    thought = sum(Reply(reasoning=answer.reasoning).tokens for answer in replies)
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": {"cached_tokens": read_tokens(texts[:spoken]), "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": thought,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


# --- the answer as a stream


def _frames(body: Payload, envelope: Payload, replies: list[Reply]) -> Iterator[bytes]:
    envelope |= {"object": "chat.completion.chunk"} | ({"usage": None} if _wants_usage(body) else {})
    # Several choices take turns.
    for turn in zip_longest(*(_deltas(body, answer) for answer in replies)):
        for index, delta in enumerate(turn):
            if delta is not None:
                yield frame({**envelope, "choices": [_delta_choice(index, delta, None)]})
    for index, answer in enumerate(replies):
        yield frame({**envelope, "choices": [_delta_choice(index, {}, _finish(answer))]})
    if _wants_usage(body):
        yield frame({**envelope, "choices": [], "usage": _usage(body, replies)})
    yield DONE


def _delta_choice(index: int, delta: Payload, finish: str | None) -> Payload:
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}


def _deltas(body: Payload, answer: Reply) -> Iterator[Payload]:
    yield {"role": "assistant", "content": None if answer.calls or _speaks(body) else "", "refusal": None}
    if _shows_reasoning(body):
        yield from ({"reasoning_content": piece} for piece in pieces(answer.reasoning))
    if _speaks(body):
        yield from _spoken_deltas(answer)
    else:
        yield from ({"content": piece} for piece in pieces(answer.text))
    yield from ({"refusal": piece} for piece in pieces(answer.refusal))
    yield from chain.from_iterable(
        _call_deltas(n, call.name, call.arguments) for n, call in enumerate(answer.calls)
    )


def _call_deltas(index: int, name: str, arguments: str) -> Iterator[Payload]:
    function = {"name": name, "arguments": ""}
    yield {"tool_calls": [{"index": index, "id": new_id("call_"), "type": "function", "function": function}]}
    for piece in pieces(arguments):
        yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _spoken_deltas(answer: Reply) -> Iterator[Payload]:
    audio = _audio()
    yield {"audio": {"id": audio["id"]}}
    yield from ({"audio": {"transcript": piece}} for piece in pieces(answer.text))
    yield {"audio": {"data": audio["data"]}}
    yield {"audio": {"expires_at": audio["expires_at"]}}


ROUTES = (
    ("POST", f"{BASE}/chat/completions", chat),
    ("POST", f"{BASE}/completions", completions),
)
