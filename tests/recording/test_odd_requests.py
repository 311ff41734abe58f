"""Whatever is in a request: it goes out as without us, nothing of it is used up, and the log is valid."""

from __future__ import annotations

import collections
import logging
from functools import partial
from typing import Any

import openai
import pytest

from tests.support.chat_messages import as_logged
from tests.support.in_process import IN_PROCESS, client_over, offline, response
from tests.support.odd_values import ONCE, VALUES, Mapping

ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
TOOL = {"type": "function", "function": {"name": "f"}}


def chat(**given):
    return "chat.completions", ASK | given


def message(**given):
    return chat(messages=[{"role": "user", "content": "Hello", **given}])


def claude(**given):
    return "messages", {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": ASK["messages"]} | given


def block(**given):
    return claude(messages=[{"role": "user", "content": [given]}])


PLACES = {
    "extra_body": lambda value: chat(extra_body={"x": value}),
    "extra_body itself": lambda value: chat(extra_body=value),
    "metadata": lambda value: chat(metadata={"x": value}),
    "temperature": lambda value: chat(temperature=value),
    "model": lambda value: chat(model=value),
    "messages": lambda value: chat(messages=value),
    "a message": lambda value: chat(messages=[value]),
    "a role": lambda value: message(role=value),
    "a content": lambda value: message(content=value),
    "a part": lambda value: message(content=[value]),
    "a text": lambda value: message(content=[{"type": "text", "text": value}]),
    "a picture": lambda value: message(content=[{"type": "image_url", "image_url": {"url": value}}]),
    "a field of a message": lambda value: message(name=value),
    "tool calls": lambda value: message(role="assistant", tool_calls=value),
    "a tool call": lambda value: message(role="assistant", tool_calls=[value]),
    "tool call id": lambda value: message(role="tool", tool_call_id=value),
    "tools": lambda value: chat(tools=[TOOL | {"x": value}]),
    "input": lambda value: ("responses", {"model": "gpt-4o", "input": value}),
    "an item": lambda value: ("responses", {"model": "gpt-4o", "input": [value]}),
    "previous_response_id": lambda value: (
        "responses",
        {"model": "gpt-4o", "input": "Hello", "previous_response_id": value, "conversation": value},
    ),
    "instructions": lambda value: ("responses", {"model": "gpt-4o", "input": "a", "instructions": value}),
    "an embedding's input": lambda value: ("embeddings", {"model": "m", "input": value}),
    "a prompt": lambda value: ("completions", {"model": "m", "prompt": value}),
    "Claude's messages": lambda value: claude(messages=value),
    "Claude's system": lambda value: claude(system=value),
    "a message to Claude": lambda value: claude(messages=[value]),
    "a content for Claude": lambda value: claude(messages=[{"role": "user", "content": value}]),
    "a block": lambda value: claude(messages=[{"role": "user", "content": [value]}]),
    "a type of block": lambda value: block(type=value),
    "a block's text": lambda value: block(type="text", text=value),
    "a tool result": lambda value: block(type="tool_result", tool_use_id=value, content=value),
    "a tool's input": lambda value: block(type="tool_use", id=value, name="f", input=value),
    "a source": lambda value: block(type="image", source=value),
    "data": lambda value: block(type="image", source={"type": "base64", "data": value, "media_type": value}),
    "Claude's tools": lambda value: claude(tools=[value], thinking=value, metadata=value),
    "a batch": lambda value: ("messages.batches", {"requests": [{"custom_id": "a", "params": value}]}),
    "batched requests": lambda value: ("messages.batches", {"requests": value}),
}


def sent(value, place):
    """What goes out, or the exception; and what is left of a value that can be used up."""
    given = VALUES[value]()
    requests = []
    resource, arguments = PLACES[place](given)
    here = IN_PROCESS["anthropic" if resource.startswith("messages") else "openai"]

    def answer(request):
        requests.append(request.content)
        return here.response({"id": "x_1", "data": [{"embedding": "AACAPw=="}]})

    holder = here.client_over(answer)
    for name in resource.split("."):
        holder = getattr(holder, name)
    try:
        holder.create(**arguments)
    except (Exception, SystemExit) as error:
        requests.append(type(error))
    return requests, list(given) if value in ONCE else None


@pytest.mark.parametrize("value", VALUES)
def test_a_request_goes_out_as_it_is(recording, value):
    alone = {place: sent(value, place) for place in PLACES}
    recording()
    assert {place: sent(value, place) for place in PLACES} == alone
    prompts = [seen[0][0] for place, seen in alone.items() if "batch" not in place]
    answered = sum(isinstance(sent, bytes) for sent in prompts)
    log = recording.log()
    assert len(log.of("prompt")) + len(log.of("embedding")) >= answered
    assert log.read.problems == []


@pytest.mark.parametrize("kind", [collections.OrderedDict, Mapping, partial(collections.defaultdict, list)])
def test_a_dict_of_another_kind_is_read_as_a_dict(recording, kind):
    recording()
    part = kind({"type": "text", "text": "Hello"})
    called = kind({"id": "call_1", "type": "function", "function": kind({"name": "f", "arguments": "{}"})})
    messages = [
        kind({"role": "user", "content": [part]}),
        kind({"role": "assistant", "tool_calls": [called]}),
    ]
    offline().chat.completions.create(model="gpt-4o", messages=messages, extra_body=kind({"top_k": 3}))
    [prompt] = recording.log().of("prompt")
    assert prompt["content"]["messages"] == as_logged([messages[0], {**messages[1], "content": None}])
    assert prompt["extensions"]["request"] == {"top_k": 3}


# --- requests that make requests


class Curious(dict):
    """Asks a model itself, whenever somebody looks into it."""

    asking = False
    client: Any = None

    def _ask(self):
        if not Curious.asking:
            Curious.asking = True
            try:
                Curious.client.chat.completions.create(**ASK)
            finally:
                Curious.asking = False

    def keys(self):
        self._ask()
        return super().keys()

    def items(self):
        self._ask()
        return super().items()

    def get(self, key, default=None):
        self._ask()
        return super().get(key, default)

    def __repr__(self):
        self._ask()
        return super().__repr__()


def counted(requests, **options):
    def answer(request):
        requests.append(request.content)
        return response({"id": "c_1", "choices": []})

    return client_over(answer, **options)


@pytest.mark.parametrize("place", ["extra_body", "a message", "a part", "tool calls"])
def test_a_value_that_asks_a_model_itself(recording, place):
    def asked():
        requests = []
        Curious.client = counted(requests)
        _, arguments = PLACES[place](Curious(role="user", content="Hello", type="text", text="Hello"))
        Curious.client.chat.completions.create(**arguments)
        return requests

    alone = asked()
    recording()
    assert asked() == alone
    assert recording.log().actions.count("prompt") == len(alone)


def test_a_hook_that_asks_a_model(recording):
    """A call inside of a call is one of its own."""
    inner = offline()

    def ask(request):
        inner.chat.completions.create(**ASK | {"model": "inner"})

    recording()
    offline(hooks={"event_hooks": {"request": [ask]}}).chat.completions.create(**ASK)
    log = recording.log()
    outer, nested = log.of("prompt")
    assert [event["extensions"]["model"] for event in (outer, nested)] == ["gpt-4o", "inner"]
    assert [event["extensions"]["reply_to"] for event in log.of("completion")] == [
        nested["event_id"],
        outer["event_id"],
    ]
    assert log.of("completion")[1]["extensions"]["status_code"] == 200


def test_a_log_handler_that_asks_a_model(recording, caplog):
    class Handler(logging.Handler):
        busy = False

        def emit(self, record):
            if not self.busy:
                self.busy = True
                client.chat.completions.create(**ASK)
                self.busy = False

    def asked():
        del requests[:]
        client.chat.completions.create(**ASK)
        return len(requests)

    requests, handler = [], Handler()
    client = counted(requests)
    logger = logging.getLogger("openai")
    logger.addHandler(handler)
    with caplog.at_level(logging.DEBUG, "openai"):
        alone = asked()
        recording()
        assert asked() == alone > 1
    logger.removeHandler(handler)
    assert recording.log().actions.count("prompt") == alone


def test_the_module_itself_is_a_client(recording, monkeypatch):
    requests = []
    client = counted(requests)
    monkeypatch.setattr(openai, "api_key", "x")
    monkeypatch.setattr(openai, "http_client", client._client)
    monkeypatch.setattr(openai, "base_url", "http://offline/v1/")
    recording()
    openai.chat.completions.create(**ASK)
    assert recording.log().actions == ["prompt", "completion"]


def test_azure(recording):
    requests = []
    http_client = counted(requests)._client
    azure = openai.AzureOpenAI(
        api_key="x", azure_endpoint="https://a.openai.azure.com", api_version="1", http_client=http_client
    )
    recording()
    azure.chat.completions.create(**ASK)
    prompt, answer = recording.log().events
    assert prompt["provenance"].items() >= {"provider": "azure", "server": "a.openai.azure.com"}.items()
    assert answer["extensions"]["reply_to"] == prompt["event_id"]
