"""LangChain's answers: whole, and the chunks of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.model import Delta, Response, ToolCall, text_of, text_part
from hilt_autolog.contracts.sdk_objects import count_or_none, fields, jsonable, text_or_none
from hilt_autolog.providers._openai.chat import sequence
from hilt_autolog.providers._openai.usage import tokens as provider_tokens

from .messages import calls_of, message_of, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hilt_autolog.contracts.types import Message, Part

_FINISHES = ("finish_reason", "stop_reason", "done_reason", "stopReason")
_USAGES = ("token_usage", "usage", "usage_metadata")
_OURS = ("run-", "lc_run-")  # ids of messages that LangChain makes up


def model_reply(result: Mapping[str, Any]) -> Response:
    """Read an LLMResult: what one run of a model has answered, in one or several choices."""
    generations = sequence(result.get("generations"))
    choices = list(map(fields, sequence(generations[0] if generations else None)))
    overall = fields(result.get("llm_output"))
    reply = Response()
    messages: list[Message] = []
    calls: list[ToolCall] = []
    for choice in choices:
        given = fields(choice.get("message"))
        about = {**overall, **fields(choice.get("generation_info")), **fields(given.get("response_metadata"))}
        read: Message = message_of(given) if given else {"role": "assistant", "parts": [_text(choice)]}
        read["role"] = "assistant"
        _envelope(reply, given, about)
        if finish := next((about[key] for key in _FINISHES if text_or_none(about.get(key))), None):
            read["finish_reason"] = finish
            reply.finish_reason = reply.finish_reason or finish
        messages.append(read)
        calls += calls_of(given)
    reply.messages, reply.tool_calls = messages, calls
    said = [words for words in map(text_of, messages) if words]
    reply.text = "\n\n".join(said) or None
    return reply


def _text(choice: Mapping[str, Any]) -> Part:
    words = choice.get("text")
    return text_part(words if isinstance(words, str) else "")


def _envelope(reply: Response, given: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    """Read what stands beside an answer's words."""
    if reply.model is None:
        models = (about.get("model_name"), about.get("model"), about.get("model_id"))
        reply.model = next((model for model in models if text_or_none(model)), None)
    identity = text_or_none(about.get("id")) or text_or_none(given.get("id"))
    if reply.response_id is None and identity and not identity.startswith(_OURS):
        reply.response_id = identity
    reply.service_tier = text_or_none(about.get("service_tier")) or reply.service_tier
    standard = fields(given.get("usage_metadata"))
    own = next((fields(about[key]) for key in _USAGES if fields(about.get(key))), standard)
    if own:
        reply.usage = jsonable(own)
        if standard.get("total_cost") != 0:  # so LangChain marks what came from its cache
            reply.tokens = _tokens(standard) if standard else provider_tokens(own)


def _tokens(usage: Mapping[str, Any]) -> dict[str, int]:
    """Return LangChain's own counts: what was read includes the cache, what was made the reasoning."""
    read, made = fields(usage.get("input_token_details")), fields(usage.get("output_token_details"))
    counts = {
        "prompt": usage.get("input_tokens"),
        "completion": usage.get("output_tokens"),
        "total": usage.get("total_tokens"),
    }
    parts = {
        "cached": read.get("cache_read"),
        "cache_creation": read.get("cache_creation"),
        "audio_prompt": read.get("audio"),
        "reasoning": made.get("reasoning"),
        "audio_completion": made.get("audio"),
    }
    counts |= {name: count for name, count in parts.items() if count}
    return {name: count for name, number in counts.items() if (count := count_or_none(number)) is not None}


class ChunkAccumulator:
    """Accumulates what a model streams: chunks of messages, bare texts, or the events of the v3 protocol.

    A model that tells both ways is heard in the one that came first.
    """

    def __init__(self) -> None:
        self.finished = False
        self._kind: bool | None = None
        self._said: dict[str, list[str]] = {"text": [], "reasoning": []}
        self._calls: dict[Any, list[str | None]] = {}  # by their index, id, name and arguments

    def add(self, chunk: Any) -> Sequence[Delta]:
        """Take the next chunk."""
        known = fields(chunk)
        is_event = "event" in known
        if self._kind is None:
            self._kind = is_event
        if is_event is not self._kind:
            return ()
        deltas = list(_event(known) if is_event else self._chunk(chunk, known))
        for kind, words, _ in deltas:
            if kind in self._said:
                self._said[kind].append(words)
        return deltas

    def _chunk(self, chunk: Any, known: Mapping[str, Any]) -> Iterator[Delta]:
        given = fields(known.get("message"))
        content = given.get("content", known.get("text", chunk if isinstance(chunk, str) else None))
        if content and isinstance(content, str):
            yield "text", content, 0
        elif content:
            for part in parts_of(content):
                if part["type"] in self._said and text_or_none(part.get("content")):
                    yield part["type"], part["content"], 0
        thought = fields(given.get("additional_kwargs")).get("reasoning_content")
        if isinstance(thought, str) and thought:
            yield "reasoning", thought, 0
        for one in sequence(given.get("tool_call_chunks")):
            yield from self._call(fields(one))

    def _call(self, piece: Mapping[str, Any]) -> Iterator[Delta]:
        call = self._calls.setdefault(piece.get("index") or 0, [None, None, ""])
        call[0], call[1] = (
            call[0] or text_or_none(piece.get("id")),
            call[1] or text_or_none(piece.get("name")),
        )
        if words := text_or_none(piece.get("args")):
            call[2] = f"{call[2]}{words}"
            yield "tool_arguments", words, 0

    def response(self) -> Response:
        """Return the answer as far as it has come."""
        calls = [ToolCall(identity, name, words or "") for identity, name, words in self._calls.values()]
        said = {kind: "".join(words) for kind, words in self._said.items()}
        parts: list[Part] = [
            {"type": kind, "content": said[kind]} for kind in ("reasoning", "text") if said[kind]
        ]
        parts += [call.part() for call in calls]
        messages = [{"role": "assistant", "parts": parts}] if parts else []
        return Response(messages=messages, text=said["text"] or None, tool_calls=calls)


def _event(known: Mapping[str, Any]) -> Iterator[Delta]:
    """Read an event of the v3 protocol; only its deltas say something new."""
    delta = fields(known.get("delta"))
    for key, kind in (("text", "text"), ("reasoning", "reasoning"), ("args", "tool_arguments")):
        if words := text_or_none(delta.get(key)):
            yield kind, words, 0
