"""LangChain's responses: complete ones, and the chunks of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilt_autolog.contracts.model import Delta, Response, ToolCall, text_of, text_part
from hilt_autolog.contracts.sdk_objects import count_or_none, fields, jsonable, list_or_empty, text_or_none
from hilt_autolog.providers._openai.usage import tokens as provider_tokens

from .messages import parse_content, parse_message, parse_tool_calls

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hilt_autolog.contracts.types import JsonMapping, Message, Part

_FINISH_REASONS = ("finish_reason", "stop_reason", "done_reason", "stopReason")
_USAGES = ("token_usage", "usage", "usage_metadata")
# Message ids that LangChain generates when the provider has none: langchain-core 1.8 utils/utils.py:
# LC_ID_PREFIX = "lc_run-"; before, "run-".
_GENERATED_IDS = ("run-", "lc_run-")


def parse_response(result: JsonMapping) -> Response:
    """Parse an `LLMResult`: the response of one run of a model, in one or several choices.

    Args:
        result: the fields of the `LLMResult`; its `generations` has one list of choices a run.
    """
    generations = list_or_empty(result.get("generations"))
    choices = list(map(fields, list_or_empty(generations[0] if generations else None)))
    llm_output = fields(result.get("llm_output"))
    response = Response()
    messages: list[Message] = []
    calls: list[ToolCall] = []
    for choice in choices:
        source = fields(choice.get("message"))
        metadata = {
            **llm_output,
            **fields(choice.get("generation_info")),
            **fields(source.get("response_metadata")),
        }
        message: Message = (
            parse_message(source) if source else {"role": "assistant", "parts": [_text_part(choice)]}
        )
        message["role"] = "assistant"
        _parse_metadata(response, source, metadata)
        keys = (key for key in _FINISH_REASONS if text_or_none(metadata.get(key)))
        if (key := next(keys, None)) is not None:
            message["finish_reason"] = metadata[key]
            response.finish_reason = response.finish_reason or metadata[key]
        messages.append(message)
        calls += parse_tool_calls(source)
    response.messages, response.tool_calls = messages, calls
    response.text = "\n\n".join(text for text in map(text_of, messages) if text) or None
    return response


def _text_part(choice: JsonMapping) -> Part:
    text = choice.get("text")
    return text_part(text if isinstance(text, str) else "")


def _parse_metadata(response: Response, source: JsonMapping, metadata: JsonMapping) -> None:
    """Set the fields of a response that are not its content.

    Args:
        response: the response to complete; what an earlier choice has set stays.
        source: the fields of the choice's message.
        metadata: its `response_metadata` over its `generation_info` over the result's `llm_output`.
    """
    if response.model is None:
        models = (metadata.get("model_name"), metadata.get("model"), metadata.get("model_id"))
        response.model = next((model for model in models if text_or_none(model)), None)
    response_id = text_or_none(metadata.get("id")) or text_or_none(source.get("id"))
    if response.response_id is None and response_id and not response_id.startswith(_GENERATED_IDS):
        response.response_id = response_id
    response.service_tier = text_or_none(metadata.get("service_tier")) or response.service_tier
    usage_metadata = fields(source.get("usage_metadata"))
    usage = next((fields(metadata[key]) for key in _USAGES if fields(metadata.get(key))), usage_metadata)
    if usage:
        response.usage = jsonable(usage)
        # langchain-core 1.8 language_models/chat_models.py: `_convert_cached_generations` sets a cost of 0 on
        # a response from LangChain's cache, whose tokens the provider does not bill.
        if usage_metadata.get("total_cost") != 0:
            response.tokens = _tokens(usage_metadata) if usage_metadata else provider_tokens(usage)


def _tokens(usage: JsonMapping) -> dict[str, int]:
    """Return LangChain's `UsageMetadata` as tokens: input includes the cache, output the reasoning."""
    input_details = fields(usage.get("input_token_details"))
    output_details = fields(usage.get("output_token_details"))
    counts = {
        "prompt": usage.get("input_tokens"),
        "completion": usage.get("output_tokens"),
        "total": usage.get("total_tokens"),
    }
    details = {
        "cached": input_details.get("cache_read"),
        "cache_creation": input_details.get("cache_creation"),
        "audio_prompt": input_details.get("audio"),
        "reasoning": output_details.get("reasoning"),
        "audio_completion": output_details.get("audio"),
    }
    counts |= {name: count for name, count in details.items() if count}
    return {name: count for name, value in counts.items() if (count := count_or_none(value)) is not None}


class ChunkAccumulator:
    """Accumulates a stream of message chunks, of plain texts, or of the events of the v3 protocol.

    A model may report the same text as chunks and as events: the format of the first chunk counts, and the
    other format is ignored.
    """

    def __init__(self) -> None:
        self.finished = False
        self._is_events: bool | None = None
        self._texts: dict[str, list[str]] = {"text": [], "reasoning": []}
        self._calls: dict[object, list[str | None]] = {}  # by index: [id, name, arguments]

    def add(self, chunk: object) -> Sequence[Delta]:
        """Add the next chunk; return what is new in it."""
        source = fields(chunk)
        is_event = "event" in source
        if self._is_events is None:
            self._is_events = is_event
        if is_event is not self._is_events:
            return ()
        deltas = list(_event_deltas(source) if is_event else self._chunk_deltas(chunk, source))
        for kind, text, _ in deltas:
            if kind in self._texts:
                self._texts[kind].append(text)
        return deltas

    def _chunk_deltas(self, chunk: object, source: JsonMapping) -> Iterator[Delta]:
        message = fields(source.get("message"))
        content = message.get("content", source.get("text", chunk if isinstance(chunk, str) else None))
        if content and isinstance(content, str):
            yield "text", content, 0
        elif content:
            for part in parse_content(content):
                if part["type"] in self._texts and text_or_none(part.get("content")):
                    yield part["type"], part["content"], 0
        reasoning = fields(message.get("additional_kwargs")).get("reasoning_content")
        if isinstance(reasoning, str) and reasoning:
            yield "reasoning", reasoning, 0
        for item in list_or_empty(message.get("tool_call_chunks")):
            yield from self._tool_call_deltas(fields(item))

    def _tool_call_deltas(self, piece: JsonMapping) -> Iterator[Delta]:
        call = self._calls.setdefault(piece.get("index") or 0, [None, None, ""])
        call[0] = call[0] or text_or_none(piece.get("id"))
        call[1] = call[1] or text_or_none(piece.get("name"))
        if arguments := text_or_none(piece.get("args")):
            call[2] = f"{call[2]}{arguments}"
            yield "tool_arguments", arguments, 0

    def response(self) -> Response:
        """Return the response up to here."""
        calls = [
            ToolCall(call_id, name, arguments or "") for call_id, name, arguments in self._calls.values()
        ]
        texts = {kind: "".join(pieces) for kind, pieces in self._texts.items()}
        parts: list[Part] = [
            {"type": kind, "content": texts[kind]} for kind in ("reasoning", "text") if texts[kind]
        ]
        parts += [call.part() for call in calls]
        messages: list[Message] = [{"role": "assistant", "parts": parts}] if parts else []
        return Response.of(messages=messages, text=texts["text"] or None, tool_calls=calls)


def _event_deltas(source: JsonMapping) -> Iterator[Delta]:
    """Parse an event of the v3 protocol; only its `delta` has something new."""
    delta = fields(source.get("delta"))
    for key, kind in (("text", "text"), ("reasoning", "reasoning"), ("args", "tool_arguments")):
        if text := text_or_none(delta.get(key)):
            yield kind, text, 0
