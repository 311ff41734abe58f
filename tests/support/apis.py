"""The calls that are made in every way, and what the log says of them: one axis of the conformance tests."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from offline.wire import frame

from tests.support.calling import functions
from tests.support.in_process import InProcess
from tests.support.sdks import ANTHROPIC, OPENAI, Sdk
from tests.support.ways import ANSWERS, HELPERS, PARSES, STREAMS

Used = tuple[dict[str, Any], dict[str, int]]  # usage, and the tokens in it


class Api(NamedTuple):
    """One endpoint: what it is asked, and what the log says of its answer."""

    sdk: Sdk
    operation: str
    resource: str
    arguments: dict[str, Any]
    said: str  # key of the request that is its content
    finish: str
    used: Used
    answer: dict[str, Any]  # provenance of the answer
    texts: int  # how many of a stream's first seven items say something
    frames: tuple[str, ...]  # the beginning of a stream that says Hel
    parsed: Used | None = None  # usage and tokens of Person's JSON
    streamed: Used | None = None  # of a stream
    begun: Used | None = None  # of a stream that has only begun

    @property
    def call(self):
        """The function that asks."""
        return f"{self.resource}.create"

    @property
    def ways(self):
        """The ways in which this version of the SDK can be asked."""
        return _ways(self.sdk.name, self.call)

    def asks(self, **more):
        """What is called, with which arguments."""
        return {"sdk": self.sdk, "call": self.call, "arguments": self.arguments | more}

    def prompt(self, sent):
        """The event of the request; `sent` is the body that the provider got."""
        request = {key: sent[key] for key in sent if key not in (self.said, "model", "stream")}
        return {
            "session_id": 0,
            "actor": {"type": "human", "id": "user"},
            "action": "prompt",
            "content": {"text": "Hello"},
            "provenance": self.provenance(sent["model"]),
            "extensions": {"model": sent["model"]} | ({"request": request} if request else {}),
        }

    def chunks(self, texts, model=None):
        """The events of a stream's deltas."""
        return [
            {
                "session_id": 0,
                "actor": {"type": "agent", "id": model or self.sdk.asked},
                "action": "completion_chunk",
                "content": {"text": text},
                "extensions": {"reply_to": 0, "index": index, "kind": "text"},
            }
            for index, text in enumerate(texts)
        ]

    def completion(self, text, used=None, model=None, **extensions):
        """The event of the answer; `used` is its usage and tokens."""
        usage, tokens = used or ({}, {})
        model = model or self.sdk.exact
        cost = {"cost_usd": True} if model == self.sdk.exact else {}
        return {
            "session_id": 0,
            "actor": {"type": "agent", "id": model},
            "action": "completion",
            "content": {"text": text},
            "metrics": {"tokens": tokens} | cost if used else {},
            "provenance": self.provenance(model) | self.answer | {"request_id": "req_#"},
            "extensions": {"reply_to": 0, "model": model, "status_code": 200}
            | ({"usage": usage} if used else {})
            | extensions,
        }

    def error(self, text, model, request_id=None, **extensions):
        """The event of a failure."""
        answered = {"request_id": request_id} if request_id else {}
        known = {"reply_to": 0, "model": model} | extensions
        return {
            "session_id": 0,
            "actor": {"type": "system", "id": self.sdk.name},
            "action": "system",
            "content": {"text": text},
            "metrics": {},
            "provenance": self.provenance(model) | answered,
            "extensions": known,
        }

    def provenance(self, model):
        """Where the events of a call come from."""
        known = {"provider": self.sdk.name, "operation": self.operation, "model": model}
        return known | {"sdk": self.sdk.label, "server": "127.0.0.1"}


@cache
def _ways(sdk, call):
    api = next(api for api in APIS.values() if (api.sdk.name, api.call) == (sdk, call))
    f = functions(InProcess(api.sdk).offline(), call)
    there = {"parse": f.parse, "raw parse": f.raw_parse, "stream with usage": api is CHAT}
    names = [*ANSWERS, *PARSES, *STREAMS, *HELPERS]
    return [name for name in names if there.get(name, name not in HELPERS or f.stream)]


# --- OpenAI


def chat_usage(read, written):
    none = {"audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}
    usage = text_usage(read, written)[0] | {
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0} | none,
    }
    return usage, text_usage(read, written)[1]


def text_usage(read, written):
    tokens = {"prompt": read, "completion": written, "total": read + written}
    return {f"{name}_tokens": count for name, count in tokens.items()}, tokens


def response_usage(read, written):
    usage = {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + written,
    }
    return usage, text_usage(read, written)[1]


USER = [{"role": "user", "content": "Hello"}]
CHAT = Api(
    OPENAI,
    "chat.completions",
    "chat.completions",
    {"model": OPENAI.asked, "messages": USER},
    said="messages",
    finish="stop",
    used=chat_usage(4, 17),
    answer={"service_tier": "default", "response_id": "chatcmpl-#"},
    texts=6,
    frames=(frame({"id": "c_1", "choices": [{"index": 0, "delta": {"content": "Hel"}}]}),),
    parsed=chat_usage(4, 6),
)
RESPONSES = Api(
    OPENAI,
    "responses",
    "responses",
    {"model": OPENAI.asked, "input": "Hello"},
    said="input",
    finish="completed",
    used=response_usage(7, 17),
    answer={"service_tier": "default", "response_id": "resp_#"},
    texts=3,
    frames=(frame({"type": "response.output_text.delta", "delta": "Hel"}),),
    parsed=response_usage(7, 6),
    streamed=response_usage(7, 17),
)
COMPLETIONS = Api(
    OPENAI,
    "completions",
    "completions",
    {"model": OPENAI.asked, "prompt": "Hello"},
    said="prompt",
    finish="stop",
    used=text_usage(4, 17),
    answer={"response_id": "cmpl-#"},
    texts=7,
    frames=(frame({"id": "c_1", "choices": [{"index": 0, "text": "Hel"}]}),),
)


# --- Anthropic


def message_usage(read, written):
    usage = {
        "input_tokens": read,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"thinking_tokens": 0},
        "service_tier": "standard",
    }
    return usage, text_usage(read, written)[1]


def _messages(resource):
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}}
    return Api(
        ANTHROPIC,
        "messages",
        resource,
        {"model": ANTHROPIC.asked, "messages": USER, "max_tokens": 100},
        said="messages",
        finish="end_turn",
        used=message_usage(4, 17),
        answer={"service_tier": "standard", "response_id": "msg_#"},
        texts=5,
        frames=(frame(delta, "content_block_delta"),),
        parsed=message_usage(4, 6),
        streamed=message_usage(4, 17),
        begun=message_usage(4, 1),
    )


MESSAGES, BETA_MESSAGES = _messages("messages"), _messages("beta.messages")

APIS = {
    "chat": CHAT,
    "responses": RESPONSES,
    "completions": COMPLETIONS,
    "messages": MESSAGES,
    "beta.messages": BETA_MESSAGES,
}
HELPED = [name for name, api in APIS.items() if api is not COMPLETIONS]  # those that have a stream helper
