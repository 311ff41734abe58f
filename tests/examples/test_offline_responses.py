from __future__ import annotations

import asyncio
import json

import openai
import pytest
from pydantic import BaseModel

HELLO = "Hello! I run on your own machine. Ask me anything: I cost nothing."
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture(scope="module")
def client(provider):
    with openai.OpenAI(api_key="x", base_url=provider.base_url, max_retries=0) as client:
        yield client


def test_a_plain_answer(client):
    answer = client.responses.create(
        model="gpt-4o", input="Hello", instructions="Be brief.", metadata={"a": "b"}
    )
    assert answer.output_text == HELLO
    assert (answer.status, answer.model, answer.instructions) == (
        "completed",
        "gpt-4o-2024-08-06",
        "Be brief.",
    )
    assert answer.metadata == {"a": "b"}
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert answer.usage.output_tokens_details.reasoning_tokens == 0


def test_a_stream_has_every_event_once_and_in_order(client):
    events = list(client.responses.create(model="gpt-4o", input="count to 2", stream=True))
    assert [event.type for event in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == [*range(10)]
    assert [event.delta for event in events[4:6]] == ["1", " 2"]
    assert {event.item_id for event in events[3:8]} == {events[2].item.id} == {events[8].item.id}
    assert events[0].response.status == "in_progress"
    assert events[2].item.content == []
    assert events[-1].response.output_text == "1 2"
    assert events[-1].response.usage.output_tokens == 2


def test_the_stream_helper_accumulates_it(client):
    with client.responses.stream(model="o4-mini", input="Hello", reasoning={"summary": "auto"}) as stream:
        final = stream.get_final_response()
    assert final.output_text == HELLO
    assert final.output[0].summary[0].text.startswith("The question has 5 characters")


def test_reasoning_is_an_item_with_a_summary_on_request(client):
    hidden = client.responses.create(model="o4-mini", input="Hello")
    assert [(item.type, getattr(item, "summary", None)) for item in hidden.output] == [
        ("reasoning", []),
        ("message", None),
    ]
    assert hidden.usage.output_tokens_details.reasoning_tokens > 0
    events = list(
        client.responses.create(model="o4-mini", input="Hello", reasoning={"summary": "auto"}, stream=True)
    )
    spoken = "".join(e.delta for e in events if e.type == "response.reasoning_summary_text.delta")
    assert spoken == events[-1].response.output[0].summary[0].text != ""


def test_a_tool_call_and_its_result(client):
    first = client.responses.create(model="gpt-4o", input="How is the weather in Paris?", tools=[WEATHER])
    [call] = first.output
    assert (call.type, call.name, json.loads(call.arguments)) == (
        "function_call",
        "get_weather",
        {"city": "Paris"},
    )
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "18 C"}
    answer = client.responses.create(
        model="gpt-4o", input=[result], previous_response_id=first.id, tools=[WEATHER]
    )
    assert answer.output_text == "I asked, and this is what the tool returned: 18 C."
    assert answer.previous_response_id == first.id


def test_a_tool_call_in_a_stream(client):
    events = list(
        client.responses.create(model="gpt-4o", input="weather in Oslo", tools=[WEATHER], stream=True)
    )
    deltas = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
    [done] = [event for event in events if event.type == "response.function_call_arguments.done"]
    assert "".join(deltas) == done.arguments == '{"city": "Oslo"}'
    assert len(deltas) > 1
    assert events[2].item.arguments == ""


def test_what_came_before_is_remembered_and_cached(client):
    first = client.responses.create(model="gpt-4o", input="Hello")
    second = client.responses.create(model="gpt-4o", input="Hello", previous_response_id=first.id)
    assert second.usage.input_tokens > first.usage.input_tokens
    assert second.usage.input_tokens_details.cached_tokens >= first.usage.input_tokens - 3


@pytest.mark.parametrize("lost", ["resp_unknown", "not stored"])
def test_what_is_not_remembered_cannot_be_continued(client, lost):
    if lost == "not stored":
        lost = client.responses.create(model="gpt-4o", input="Hello", store=False).id
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model="gpt-4o", input="So?", previous_response_id=lost)
    assert refused.value.code == "previous_response_not_found"
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(lost)


def test_a_conversation_remembers_its_items(client):
    name = client.conversations.create().id
    first = client.responses.create(model="gpt-4o", input="Hello", conversation=name)
    second = client.responses.create(model="gpt-4o", input="Hello", conversation={"id": name})
    assert (first.conversation.id, second.conversation.id) == (name, name)
    assert second.usage.input_tokens > first.usage.input_tokens


def test_an_answer_in_the_background_is_queued_then_there(client):
    queued = client.responses.create(model="gpt-4o", input="count to 3", background=True)
    assert (queued.status, queued.output, queued.usage) == ("queued", [], None)
    done = client.responses.retrieve(queued.id)
    assert (done.id, done.status, done.output_text) == (queued.id, "completed", "1 2 3")
    assert client.responses.cancel(queued.id).status == "cancelled"


def test_a_stream_can_be_taken_up_again(client):
    events = list(client.responses.create(model="gpt-4o", input="count to 3", background=True, stream=True))
    assert events[1].type == "response.queued"
    name = events[0].response.id
    again = list(client.responses.retrieve(name, stream=True))
    rest = list(client.responses.retrieve(name, stream=True, starting_after=5))
    assert [event.model_dump() for event in again] == [event.model_dump() for event in events]
    assert [event.model_dump() for event in rest] == [event.model_dump() for event in events[6:]]


def test_a_limit_leaves_the_answer_incomplete(client):
    answer = client.responses.create(model="gpt-4o", input="count to 100", max_output_tokens=16)
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    events = list(
        client.responses.create(model="gpt-4o", input="count to 100", max_output_tokens=16, stream=True)
    )
    assert events[-1].type == "response.incomplete"


def test_refusal(client):
    answer = client.responses.create(model="refusing-model", input="Hello")
    assert answer.output[0].content[0].refusal == "I would rather not answer that."
    events = list(client.responses.create(model="refusing-model", input="Hello", stream=True))
    assert (
        "".join(e.delta for e in events if e.type == "response.refusal.delta")
        == "I would rather not answer that."
    )


class Place(BaseModel):
    city: str
    inhabitants: int


def test_parse(client):
    answer = client.responses.parse(model="gpt-4o", input="Oslo has 700000 inhabitants", text_format=Place)
    assert answer.output_parsed == Place(city="Oslo", inhabitants=700_000)


def test_counting_tokens(client):
    counted = client.post(
        "/responses/input_tokens", cast_to=object, body={"model": "gpt-4o", "input": "Hello"}
    )
    assert counted == {"object": "response.input_tokens", "input_tokens": 4}


def test_async(provider):
    async def talk():
        async with openai.AsyncOpenAI(api_key="x", base_url=provider.base_url) as client:
            plain = await client.responses.create(model="gpt-4o", input="Hello")
            stream = await client.responses.create(model="gpt-4o", input="Hello", stream=True)
            return plain.output_text, "".join([getattr(e, "delta", "") async for e in stream])

    assert asyncio.run(talk()) == (HELLO, HELLO)
