"""Anthropic's Messages protocol: requests, and answers that have come whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.facts import Failure, Message, Reply, ToolCall, message, text_part
from hilt_autolog.foreign import as_json, count_or_none, fields, jsonable, text_or_none

from ._anthropic_blocks import block_parts, messages_of, tool_call, unread
from ._openai_chat import sequence

if TYPE_CHECKING:
    from collections.abc import Mapping

_BESIDES = ("stop_sequence", "stop_details", "container", "context_management", "diagnostics")


# --- requests


def request_messages(body: Mapping[str, Any]) -> list[Message]:
    """Return the system prompt and the messages of a request."""
    system = body.get("system")
    messages = messages_of("system", system) if isinstance(system, str | list | tuple) and system else []
    given = body.get("messages")
    if given is not None and not isinstance(given, list | tuple):
        return [*messages, message("user", [unread(given)])]
    for one in sequence(given):
        known = fields(one)
        role = known.get("role") or "user"
        messages += messages_of(role if isinstance(role, str) else as_json(role), known.get("content"))
    return messages


def legacy_prompt(body: Mapping[str, Any]) -> list[Message]:
    """Return the prompt of a text completion."""
    prompt = body.get("prompt")
    return [message("user", [text_part(prompt) if isinstance(prompt, str) else unread(prompt)])]


# --- answers


def message_reply(body: Mapping[str, Any]) -> Reply:
    """Read a message that has come whole."""
    blocks = [fields(block) for block in sequence(body.get("content"))]
    reply = _spoken(blocks, text_or_none(body.get("stop_reason")))
    reply.model = text_or_none(body.get("model"))
    reply.response_id = text_or_none(body.get("id"))
    reply.details = {key: jsonable(body[key]) for key in _BESIDES if body.get(key)}
    if usage := fields(body.get("usage")):
        reply.usage, reply.tokens, reply.extra = jsonable(usage), tokens(usage), _extra(usage)
        reply.service_tier = text_or_none(usage.get("service_tier"))
    if body.get("type") == "error":
        reply.error = failure(fields(body.get("error")))
    return reply


def completion_reply(body: Mapping[str, Any]) -> Reply:
    """Read a text completion that has come whole."""
    spoken = {"type": "text", "text": body.get("completion")}
    return message_reply({**body, "content": [spoken] if spoken["text"] else []})


# --- batches


def batch_requests(body: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the requests of a batch by the names that the program gave them."""
    given = [fields(one) for one in sequence(body.get("requests"))]
    return [(str(one.get("custom_id")), fields(one.get("params"))) for one in given]


def batch_reply(body: Mapping[str, Any]) -> Reply:
    """Read what is said of a batch that was accepted."""
    return Reply(response_id=text_or_none(body.get("id")))


def batch_result(item: Any) -> tuple[str, Reply]:
    """Read one line of a batch's results."""
    known = fields(item)
    result = fields(known.get("result"))
    kind = text_or_none(result.get("type")) or "unknown"
    if kind == "succeeded":
        return str(known.get("custom_id")), message_reply(fields(result.get("message")))
    error = fields(fields(result.get("error")).get("error")) or {"type": _UNANSWERED.get(kind, kind)}
    return str(known.get("custom_id")), Reply(error=failure(error))


_UNANSWERED = {"canceled": "cancelled"}


def failure(error: Mapping[str, Any]) -> Failure:
    """Read an error that came as an answer, or as an event of a stream that the program reads by itself."""
    code = text_or_none(error.get("type")) or "api_error"
    return Failure(text=text_or_none(error.get("message")) or code, type="ResponseError", code=code)


def _spoken(blocks: list[dict[str, Any]], stop_reason: str | None) -> Reply:
    parts = [part for block in blocks for part in block_parts(block)]
    spoken = message("assistant", parts)
    if stop_reason is not None:
        spoken["finish_reason"] = stop_reason
    said = "".join(part["content"] for part in parts if part["type"] == "text")
    calls: list[ToolCall] = [tool_call(block) for block in blocks if block.get("type") == "tool_use"]
    return Reply(
        messages=[spoken] if blocks else [],
        text=said or None,
        tool_calls=calls,
        finish_reason=stop_reason,
    )


def tokens(usage: Mapping[str, Any]) -> dict[str, int]:
    """Return a usage object as the tokens of an event: Anthropic counts what is cached beside the input."""
    read, made, cached, created = (
        count_or_none(usage.get(name)) for name in ("input_tokens", "output_tokens", *_CACHE)
    )
    if read is None and made is None:
        return {}
    counts: dict[str, int] = {}
    if read is not None:
        counts["prompt"] = read + (cached or 0) + (created or 0)
    if made is not None:
        counts["completion"] = made
    counts["total"] = sum(counts.values())
    thought = count_or_none(fields(usage.get("output_tokens_details")).get("thinking_tokens"))
    parts = {"cached": cached, "cache_creation": created, "reasoning": thought}
    return counts | {name: count for name, count in parts.items() if count}


_CACHE = ("cache_read_input_tokens", "cache_creation_input_tokens")


def _extra(usage: Mapping[str, Any]) -> dict[str, float]:
    """Return what is charged for besides, by the names of the price list."""
    created, served = fields(usage.get("cache_creation")), fields(usage.get("server_tool_use"))
    extra = {
        "cache_write_1h_tokens": count_or_none(created.get("ephemeral_1h_input_tokens")),
        "web_searches": count_or_none(served.get("web_search_requests")),
    }
    return {name: count for name, count in extra.items() if count}
