"""OpenAI's Responses API: the answer as a list of items, remembered under its id."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

from offline.answers import Question, Reply, Tool, reply, tokens
from offline.openai_envelope import BASE, error, exact, now, read_tokens, text_of
from offline.openai_responses_stream import queued, streamed
from offline.wire import Answer, Request, Stream, as_json, new_id

Payload = dict[str, Any]
REMEMBERED = 1000
TOLD = (
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


def create(request: Request) -> Answer | Stream:
    """Answer POST /responses."""
    body, store = request.body, request.store
    conversation = _name(body.get("conversation"))
    thread = body.get("previous_response_id") or conversation
    if thread and thread not in store:
        refused = error(400, request)
        refused["error"] |= {"code": "previous_response_not_found", "param": "previous_response_id"}
        return as_json(refused, 400)
    before = store[thread]["items"] if thread else []
    items = before + _items(body["input"])
    response = _response(body, items, before)
    if request.fault and request.fault.kind == "failed":
        response |= FAILED
    if conversation:
        response["conversation"] = {"id": conversation}
        _remember(store, conversation, {"items": items + response["output"]})
    if body.get("store") is not False:
        _remember(store, response["id"], {"items": items + response["output"], "response": response})
    if body.get("stream"):
        return streamed(request, response)
    return as_json(queued(response) if body.get("background") else response)


def retrieve(request: Request) -> Answer | Stream:
    """Answer GET /responses/{id}: by now the answer is there, even one that was left to the background."""
    known = request.store.get(request.body["response"])
    if known is None:
        return as_json(error(404, request), 404)
    if request.query.get("stream") == "true":
        return streamed(request, known["response"], int(request.query.get("starting_after", -1)))
    return as_json(known["response"])


def cancel(request: Request) -> Answer:
    """Answer POST /responses/{id}/cancel."""
    known = request.store.get(request.body["response"])
    if known is None:
        return as_json(error(404, request), 404)
    return as_json(queued(known["response"]) | {"status": "cancelled"})


def count(request: Request) -> Answer:
    """Answer POST /responses/input_tokens."""
    read = read_tokens(map(_words, _items(request.body["input"])))
    return as_json({"object": "response.input_tokens", "input_tokens": read})


def converse(request: Request) -> Answer:
    """Answer POST /conversations: a thread that remembers its items."""
    name = new_id("conv_")
    _remember(request.store, name, {"items": _items(request.body.get("items") or [])})
    metadata = request.body.get("metadata") or {}
    return as_json({"id": name, "object": "conversation", "created_at": now(), "metadata": metadata})


def _remember(store: Payload, name: str, what: Payload) -> None:
    store[name] = what
    while len(store) > REMEMBERED:
        store.pop(next(iter(store)), None)


# --- the request


def _name(conversation: Any) -> str | None:
    name: str | None = conversation["id"] if isinstance(conversation, dict) else conversation
    return name


def _items(given: Any) -> list[Payload]:
    return [{"role": "user", "content": given}] if isinstance(given, str) else list(given)


def _question(body: Payload, items: list[Payload]) -> Question:
    newest = list(takewhile(lambda item: item.get("type") == "function_call_output", reversed(items)))
    said = [_words(item) for item in items if item.get("role") == "user"]
    chosen = body.get("tool_choice") or "auto"
    return Question(
        model=body["model"],
        text=said[-1] if said else "",
        results=tuple(_words(item) for item in reversed(newest)),
        tools=tuple(
            Tool(tool["name"], tool.get("parameters") or {})
            for tool in body.get("tools") or ()
            if tool["type"] == "function"
        ),
        tool_choice=chosen if isinstance(chosen, str) else chosen.get("name", "auto"),
        parallel=body.get("parallel_tool_calls") is not False,
        schema=((body.get("text") or {}).get("format") or {}).get("schema"),
        limit=body.get("max_output_tokens"),
    )


def _words(item: Payload) -> str:
    """Return what an item says: a message, a call's arguments, a tool's output."""
    said = item.get("content") or item.get("output") or item.get("arguments")
    return said if isinstance(said, str) else text_of(said)


# --- the answer


def _response(body: Payload, items: list[Payload], before: list[Payload]) -> Payload:
    answer = reply(_question(body, items))
    told = {key: body[key] for key in TOLD if body.get(key) is not None}
    response = {
        **DEFAULTS,
        **told,
        "id": new_id("resp_"),
        "object": "response",
        "created_at": now(),
        "status": "completed",
        "background": bool(body.get("background")),
        "model": exact(body["model"]),
        "output": _output(body, answer),
        "text": DEFAULTS["text"] | (body.get("text") or {}),
        "usage": _usage(body, items, before, answer),
    }
    if answer.cut:
        response |= {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    return response


def _output(body: Payload, answer: Reply) -> list[Payload]:
    output: list[Payload] = []
    if answer.reasoning:
        summary = [{"type": "summary_text", "text": answer.reasoning}]
        shown = summary if (body.get("reasoning") or {}).get("summary") else []
        output.append({"id": new_id("rs_"), "type": "reasoning", "summary": shown})
    for call in answer.calls:
        ids = {"id": new_id("fc_"), "call_id": new_id("call_")}
        said = {"name": call.name, "arguments": call.arguments}
        output.append({**ids, "type": "function_call", "status": "completed", **said})
    if not answer.calls:
        part: Payload = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
        if answer.refusal:
            part = {"type": "refusal", "refusal": answer.refusal}
        status = "incomplete" if answer.cut else "completed"
        message = {"type": "message", "status": status, "role": "assistant", "content": [part]}
        output.append({"id": new_id("msg_"), **message})
    return output


def _usage(body: Payload, items: list[Payload], before: list[Payload], answer: Reply) -> Payload:
    """Return the usage; what the provider remembered is taken to be cached."""
    read = read_tokens([body.get("instructions") or "", *map(_words, items)])
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": read_tokens(map(_words, before))},
        "output_tokens": answer.tokens,
        "output_tokens_details": {"reasoning_tokens": tokens(answer.reasoning)},
        "total_tokens": read + answer.tokens,
    }


ONE = r"/responses/(?P<response>resp_\w+)"
ROUTES = (
    ("POST", f"{BASE}/responses", create),
    ("POST", f"{BASE}/responses/input_tokens", count),
    ("GET", f"{BASE}{ONE}", retrieve),
    ("POST", f"{BASE}{ONE}/cancel", cancel),
    ("POST", f"{BASE}/conversations", converse),
)
