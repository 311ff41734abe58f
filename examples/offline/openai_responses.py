"""OpenAI's Responses API: the response as a list of items, stored under its id."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

from offline.answers import Question, Reply, Tool, generate_reply, tokens
from offline.openai_envelope import BASE, error, full_name, input_tokens, now, text_of
from offline.openai_responses_stream import as_queued, as_stream
from offline.wire import Request, Response, Stream, as_json, new_id

Payload = dict[str, Any]
MAX_STORED = 1000
ECHOED_PARAMETERS = (
    "instructions",
    "max_output_tokens",
    "previous_response_id",
    "reasoning",
    "tools",
    "tool_choice",
    "metadata",
)
DEFAULTS: Payload = {
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "service_tier": "default",
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
}
FAILED: Payload = {
    "status": "failed",
    "error": {"code": "server_error", "message": "Something broke while the answer was made"},
    "output": [],
    "usage": None,
}


def create(request: Request) -> Response | Stream:
    """Respond to POST /responses."""
    body, store = request.body, request.store
    conversation = _conversation_id(body.get("conversation"))
    thread = body.get("previous_response_id") or conversation
    if thread and thread not in store:
        body = error(400, request)
        body["error"] |= {"code": "previous_response_not_found", "param": "previous_response_id"}
        return as_json(body, 400)
    before = store[thread]["items"] if thread else []
    items = before + _items(body["input"])
    response = _response(body, items, before)
    if request.fault and request.fault.kind == "failed":
        response |= FAILED
    if conversation:
        response["conversation"] = {"id": conversation}
        _store(store, conversation, {"items": items + response["output"]})
    if body.get("store") is not False:
        _store(store, response["id"], {"items": items + response["output"], "response": response})
    if body.get("stream"):
        return as_stream(request, response)
    return as_json(as_queued(response) if body.get("background") else response)


def retrieve(request: Request) -> Response | Stream:
    """Respond to GET /responses/{id}: a response in the background is complete by now."""
    stored = request.store.get(request.body["response"])
    if stored is None:
        return as_json(error(404, request), 404)
    if request.query.get("stream") == "true":
        return as_stream(request, stored["response"], int(request.query.get("starting_after", -1)))
    return as_json(stored["response"])


def cancel(request: Request) -> Response:
    """Respond to POST /responses/{id}/cancel."""
    stored = request.store.get(request.body["response"])
    if stored is None:
        return as_json(error(404, request), 404)
    return as_json(as_queued(stored["response"]) | {"status": "cancelled"})


def count_tokens(request: Request) -> Response:
    """Respond to POST /responses/input_tokens."""
    count = input_tokens(map(_text, _items(request.body["input"])))
    return as_json({"object": "response.input_tokens", "input_tokens": count})


def create_conversation(request: Request) -> Response:
    """Respond to POST /conversations: a stored list of items."""
    name = new_id("conv_")
    _store(request.store, name, {"items": _items(request.body.get("items") or [])})
    metadata = request.body.get("metadata") or {}
    return as_json({"id": name, "object": "conversation", "created_at": now(), "metadata": metadata})


def _store(store: Payload, name: str, state: Payload) -> None:
    store[name] = state
    while len(store) > MAX_STORED:
        store.pop(next(iter(store)), None)


# --- the request


def _conversation_id(conversation: Any) -> str | None:
    name: str | None = conversation["id"] if isinstance(conversation, dict) else conversation
    return name


def _items(value: Any) -> list[Payload]:
    return [{"role": "user", "content": value}] if isinstance(value, str) else list(value)


def _question(body: Payload, items: list[Payload]) -> Question:
    results = list(takewhile(lambda item: item.get("type") == "function_call_output", reversed(items)))
    user_texts = [_text(item) for item in items if item.get("role") == "user"]
    tool_choice = body.get("tool_choice") or "auto"
    return Question(
        model=body["model"],
        text=user_texts[-1] if user_texts else "",
        results=tuple(_text(item) for item in reversed(results)),
        tools=tuple(
            Tool(tool["name"], tool.get("parameters") or {})
            for tool in body.get("tools") or ()
            if tool["type"] == "function"
        ),
        tool_choice=tool_choice if isinstance(tool_choice, str) else tool_choice.get("name", "auto"),
        parallel=body.get("parallel_tool_calls") is not False,
        schema=((body.get("text") or {}).get("format") or {}).get("schema"),
        limit=body.get("max_output_tokens"),
    )


def _text(item: Payload) -> str:
    """Return the text of an item: a message, a call's arguments, a tool's output."""
    content = item.get("content") or item.get("output") or item.get("arguments")
    return content if isinstance(content, str) else text_of(content)


# --- the response


def _response(body: Payload, items: list[Payload], before: list[Payload]) -> Payload:
    reply = generate_reply(_question(body, items))
    echoed = {key: body[key] for key in ECHOED_PARAMETERS if body.get(key) is not None}
    response = {
        **DEFAULTS,
        **echoed,
        "id": new_id("resp_"),
        "object": "response",
        "created_at": now(),
        "status": "completed",
        "background": bool(body.get("background")),
        "model": full_name(body["model"]),
        "output": _output(body, reply),
        "text": DEFAULTS["text"] | (body.get("text") or {}),
        "usage": _usage(body, items, before, reply),
    }
    if reply.is_truncated:
        response |= {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    return response


def _output(body: Payload, reply: Reply) -> list[Payload]:
    output: list[Payload] = []
    if reply.reasoning:
        summary = [{"type": "summary_text", "text": reply.reasoning}]
        visible = summary if (body.get("reasoning") or {}).get("summary") else []
        output.append({"id": new_id("rs_"), "type": "reasoning", "summary": visible})
    for call in reply.calls:
        ids = {"id": new_id("fc_"), "call_id": new_id("call_")}
        function = {"name": call.name, "arguments": call.arguments}
        output.append({**ids, "type": "function_call", "status": "completed", **function})
    if not reply.calls:
        part: Payload = {"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}
        if reply.refusal:
            part = {"type": "refusal", "refusal": reply.refusal}
        status = "incomplete" if reply.is_truncated else "completed"
        message = {"type": "message", "status": status, "role": "assistant", "content": [part]}
        output.append({"id": new_id("msg_"), **message})
    return output


def _usage(body: Payload, items: list[Payload], before: list[Payload], reply: Reply) -> Payload:
    """Return the usage; stored items count as cached."""
    count = input_tokens([body.get("instructions") or "", *map(_text, items)])
    return {
        "input_tokens": count,
        "input_tokens_details": {"cached_tokens": input_tokens(map(_text, before))},
        "output_tokens": reply.tokens,
        "output_tokens_details": {"reasoning_tokens": tokens(reply.reasoning)},
        "total_tokens": count + reply.tokens,
    }


RESPONSE = r"/responses/(?P<response>resp_\w+)"
ROUTES = (
    ("POST", f"{BASE}/responses", create),
    ("POST", f"{BASE}/responses/input_tokens", count_tokens),
    ("GET", f"{BASE}{RESPONSE}", retrieve),
    ("POST", f"{BASE}{RESPONSE}/cancel", cancel),
    ("POST", f"{BASE}/conversations", create_conversation),
)
