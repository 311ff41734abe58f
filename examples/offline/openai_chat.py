"""OpenAI's Chat Completions API, and the older Completions API."""

from __future__ import annotations

import base64
from itertools import chain, takewhile, zip_longest
from typing import TYPE_CHECKING, Any

from offline.answers import Question, Reply, Tool, generate_reply, pieces
from offline.openai_envelope import BASE, error, full_name, input_tokens, now, text_of
from offline.openai_media import silence
from offline.wire import Request, Response, Stream, as_json, frame, new_id

if TYPE_CHECKING:
    from collections.abc import Iterator

Payload = dict[str, Any]
DONE = frame("[DONE]")
ANY_OBJECT = {"type": "object", "properties": {"answer": {"type": "string"}}}


def chat(request: Request) -> Response | Stream:
    """Respond to POST /chat/completions."""
    body = request.body
    replies = [generate_reply(_question(body), choice) for choice in range(body.get("n") or 1)]
    envelope = {
        "id": new_id("chatcmpl-"),
        "created": now(),
        "model": full_name(body["model"]),
        "service_tier": "default",
        "system_fingerprint": "fp_offline",
    }
    if body.get("stream"):
        return Stream(_frames(body, envelope, replies), frame(error(500, request)))
    choices = [_choice(index, _message(body, reply), _finish(reply)) for index, reply in enumerate(replies)]
    return as_json(
        {**envelope, "object": "chat.completion", "choices": choices, "usage": _usage(body, replies)}
    )


def completions(request: Request) -> Response | Stream:
    """Respond to POST /completions."""
    body = request.body
    prompts = body["prompt"] if isinstance(body["prompt"], list) else [body["prompt"]]
    questions = [Question(body["model"], str(prompt), limit=body.get("max_tokens")) for prompt in prompts]
    replies = [
        generate_reply(question, variant) for question in questions for variant in range(body.get("n") or 1)
    ]
    envelope = {
        "id": new_id("cmpl-"),
        "object": "text_completion",
        "created": now(),
        "model": full_name(body["model"]),
    }
    prompt_tokens = input_tokens(question.text for question in questions)
    completion_tokens = sum(reply.tokens for reply in replies)
    usage = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }
    if body.get("stream"):
        choices = [
            _text_choice(n, piece, None) for n, reply in enumerate(replies) for piece in pieces(reply.text)
        ]
        choices += [_text_choice(n, "", _finish(reply)) for n, reply in enumerate(replies)]
        payloads: list[Payload] = [{**envelope, "choices": [choice]} for choice in choices]
        payloads += [{**envelope, "choices": [], "usage": usage}] if _includes_usage(body) else []
        return Stream([*map(frame, payloads), DONE], frame(error(500, request)))
    choices = [_text_choice(n, reply.text, _finish(reply)) for n, reply in enumerate(replies)]
    return as_json({**envelope, "choices": choices, "usage": usage})


def _text_choice(index: int, text: str, finish: str | None) -> Payload:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish}


# --- the request


def _question(body: Payload) -> Question:
    messages = body["messages"]
    results = list(takewhile(lambda message: message["role"] == "tool", reversed(messages)))
    user_texts = [text_of(message.get("content")) for message in messages if message["role"] == "user"]
    tool_choice = body.get("tool_choice") or "auto"
    return Question(
        model=body["model"],
        text=user_texts[-1] if user_texts else "",
        results=tuple(text_of(message.get("content")) for message in reversed(results)),
        tools=tuple(_tool(tool["function"]) for tool in body.get("tools") or () if "function" in tool),
        tool_choice=(
            tool_choice
            if isinstance(tool_choice, str)
            else tool_choice.get("function", {}).get("name", "auto")
        ),
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


def _includes_usage(body: Payload) -> bool:
    return bool((body.get("stream_options") or {}).get("include_usage"))


# --- the response


def _choice(index: int, message: Payload, finish: str) -> Payload:
    return {"index": index, "message": message, "logprobs": None, "finish_reason": finish}


def _message(body: Payload, reply: Reply) -> Payload:
    message: Payload = {
        "role": "assistant",
        "content": reply.text or None,
        "refusal": reply.refusal or None,
    }
    if _shows_reasoning(body) and reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    if reply.calls:
        message["tool_calls"] = [
            {
                "id": new_id("call_"),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in reply.calls
        ]
    elif _has_audio(body):
        message["content"] = None
        message["audio"] = _audio() | {"transcript": reply.text}
    return message | {"annotations": []}


def _audio() -> Payload:
    return {"id": new_id("audio_"), "data": base64.b64encode(silence()).decode(), "expires_at": now() + 3600}


def _finish(reply: Reply) -> str:
    return "tool_calls" if reply.calls else "length" if reply.is_truncated else "stop"


def _shows_reasoning(body: Payload) -> bool:
    """Return whether a model shows its reasoning, by its name."""
    return "reason" in body["model"] or "think" in body["model"]


def _has_audio(body: Payload) -> bool:
    return "audio" in (body.get("modalities") or ())


def _usage(body: Payload, replies: list[Reply]) -> Payload:
    """Return the usage; all up to the last answer counts as cached."""
    messages = body["messages"]
    cached = max((n + 1 for n, message in enumerate(messages) if message["role"] == "assistant"), default=0)
    texts = [text_of(message.get("content")) for message in messages]
    prompt_tokens, completion_tokens = input_tokens(texts), sum(reply.tokens for reply in replies)
    reasoning_tokens = sum(Reply(reasoning=reply.reasoning).tokens for reply in replies)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": input_tokens(texts[:cached]), "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


# --- the stream


def _frames(body: Payload, envelope: Payload, replies: list[Reply]) -> Iterator[bytes]:
    envelope |= {"object": "chat.completion.chunk"} | ({"usage": None} if _includes_usage(body) else {})
    # The deltas of several choices are interleaved.
    for turn in zip_longest(*(_deltas(body, reply) for reply in replies)):
        for index, delta in enumerate(turn):
            if delta is not None:
                yield frame({**envelope, "choices": [_delta_choice(index, delta, None)]})
    for index, reply in enumerate(replies):
        yield frame({**envelope, "choices": [_delta_choice(index, {}, _finish(reply))]})
    if _includes_usage(body):
        yield frame({**envelope, "choices": [], "usage": _usage(body, replies)})
    yield DONE


def _delta_choice(index: int, delta: Payload, finish: str | None) -> Payload:
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}


def _deltas(body: Payload, reply: Reply) -> Iterator[Payload]:
    yield {"role": "assistant", "content": None if reply.calls or _has_audio(body) else "", "refusal": None}
    if _shows_reasoning(body):
        yield from ({"reasoning_content": piece} for piece in pieces(reply.reasoning))
    if _has_audio(body):
        yield from _audio_deltas(reply)
    else:
        yield from ({"content": piece} for piece in pieces(reply.text))
    yield from ({"refusal": piece} for piece in pieces(reply.refusal))
    yield from chain.from_iterable(
        _call_deltas(n, call.name, call.arguments) for n, call in enumerate(reply.calls)
    )


def _call_deltas(index: int, name: str, arguments: str) -> Iterator[Payload]:
    function = {"name": name, "arguments": ""}
    yield {"tool_calls": [{"index": index, "id": new_id("call_"), "type": "function", "function": function}]}
    for piece in pieces(arguments):
        yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _audio_deltas(reply: Reply) -> Iterator[Payload]:
    audio = _audio()
    yield {"audio": {"id": audio["id"]}}
    yield from ({"audio": {"transcript": piece}} for piece in pieces(reply.text))
    yield {"audio": {"data": audio["data"]}}
    yield {"audio": {"expires_at": audio["expires_at"]}}


ROUTES = (
    ("POST", f"{BASE}/chat/completions", chat),
    ("POST", f"{BASE}/completions", completions),
)
