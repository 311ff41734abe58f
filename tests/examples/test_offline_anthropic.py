from __future__ import annotations

import json

import anthropic
import pytest
from pydantic import BaseModel

HELLO = "Hello! I run on your own machine. Ask me anything: I cost nothing."
MODEL = "claude-haiku-4-5"
WEATHER = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TIME = {"name": "get_time", "input_schema": {"type": "object", "properties": {}}}


@pytest.fixture(scope="module")
def client(provider):
    with anthropic.Anthropic(api_key="x", base_url=provider.url, max_retries=0) as client:
        yield client


def user(text):
    return {"role": "user", "content": text}


def body(text="Hello", model=MODEL, **more):
    return {"model": model, "max_tokens": 100, "messages": [user(text)]} | more


def test_an_answer(client):
    message = client.messages.create(**body())
    assert (message.content[0].text, message.stop_reason) == (HELLO, "end_turn")
    assert message.model == "claude-haiku-4-5-20251001"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (4, 17)
    assert message._request_id


def test_an_answer_in_pieces(client):
    with client.messages.stream(**body()) as stream:
        kinds = [event.type for event in stream]
    assert kinds[:3] == ["message_start", "content_block_start", "content_block_delta"]
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert stream.get_final_message().content[0].text == HELLO
    assert stream.get_final_message().usage.output_tokens == 17


def test_an_answer_that_is_too_long(client):
    message = client.messages.create(**body(max_tokens=3))
    assert (message.content[0].text, message.stop_reason) == ("Hello! I", "max_tokens")


def test_a_refusal(client):
    message = client.messages.create(**body(model="refusing-model"))
    assert (message.content, message.stop_reason) == ([], "refusal")


def test_thoughts(client):
    thinking = {"type": "enabled", "budget_tokens": 1024}
    message = client.messages.create(**body(thinking=thinking, max_tokens=2000))
    assert [block.type for block in message.content] == ["thinking", "text"]
    with client.messages.stream(**body(thinking=thinking, max_tokens=2000)) as stream:
        streamed = stream.get_final_message()
    for whole, piecewise in zip(message.content, streamed.content, strict=True):
        assert whole.to_dict() == {key: piecewise.to_dict()[key] for key in whole.to_dict()}


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_tool(client, is_streamed):
    def answer(messages):
        arguments = body() | {"messages": messages, "tools": [WEATHER, TIME]}
        if not is_streamed:
            return client.messages.create(**arguments)
        with client.messages.stream(**arguments) as stream:
            return stream.get_final_message()

    messages = [user("How is the weather in Paris?")]
    message = answer(messages)
    [call] = message.content
    assert (call.name, call.input, message.stop_reason) == ("get_weather", {"city": "Paris"}, "tool_use")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "18 degrees"}
    final = answer([*messages, {"role": "assistant", "content": message.content}, user([result])])
    assert final.content[0].text == "I asked, and this is what the tool returned: 18 degrees."


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ({"type": "auto"}, ["get_weather", "get_time"]),
        ({"type": "auto", "disable_parallel_tool_use": True}, ["get_weather"]),
        ({"type": "any"}, ["get_weather", "get_time"]),
        ({"type": "tool", "name": "get_time"}, ["get_time"]),
        ({"type": "none"}, []),
    ],
)
def test_which_tools_are_called(client, choice, names):
    message = client.messages.create(
        **body("weather and time in Rome"), tools=[WEATHER, TIME], tool_choice=choice
    )
    assert [block.name for block in message.content if block.type == "tool_use"] == names


class Person(BaseModel):
    name: str


def test_an_answer_of_a_shape(client):
    if not hasattr(client.messages, "parse"):
        pytest.skip("this version of the SDK does not parse")
    message = client.messages.parse(**body("My name is Ada"), output_format=Person)
    assert json.loads(message.content[0].text).keys() == {"name"}


def test_what_is_cached(client):
    marked = [{"type": "text", "text": "Hello", "cache_control": {"type": "ephemeral"}}]
    messages = [user(marked), {"role": "assistant", "content": "Hello!"}, user("count to 3")]
    usage = client.messages.create(**body() | {"messages": messages}).usage
    assert (usage.input_tokens, usage.cache_read_input_tokens) == (6, 9)


def test_counting(client):
    tokens = client.messages.count_tokens(model=MODEL, messages=[user("Hello")], system="Be brief")
    assert tokens.input_tokens == 9


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (401, anthropic.AuthenticationError, "authentication_error"),
        (404, anthropic.NotFoundError, "not_found_error"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
        (529, anthropic.APIStatusError, "overloaded_error"),
    ],
)
def test_errors(client, status, error, kind):
    with pytest.raises(error) as caught:
        client.messages.create(**body(model=f"fail-{status}"))
    assert caught.value.body["error"]["type"] == kind


def test_an_error_in_a_stream(client):
    with pytest.raises(anthropic.APIStatusError) as caught:
        list(client.messages.create(**body(model="fail-error"), stream=True))
    assert caught.value.status_code == 200
    assert caught.value.body["error"]["type"] == "api_error"


def test_a_request_that_makes_no_sense(client):
    with pytest.raises(anthropic.BadRequestError, match="KeyError"):
        client.post("/v1/messages", cast_to=object, body={"model": MODEL})
