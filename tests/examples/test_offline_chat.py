from __future__ import annotations

import base64
import json

import openai
import pytest
from pydantic import BaseModel

HELLO = "Hello! I run on your own machine. Ask me anything: I cost nothing."
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
TIME = {
    "type": "function",
    "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}},
}


@pytest.fixture(scope="module")
def client(provider):
    with openai.OpenAI(api_key="x", base_url=provider.base_url, max_retries=0) as client:
        yield client


def user(text):
    return {"role": "user", "content": text}


def ask(client, text="Hello", model="gpt-4o", **more):
    return client.chat.completions.create(model=model, messages=[user(text)], **more)


def test_a_plain_answer_looks_like_openais(client):
    answer = ask(client)
    choice = answer.choices[0]
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", HELLO, "stop")
    assert answer.object == "chat.completion"
    assert answer.model == "gpt-4o-2024-08-06"
    assert answer.id.startswith("chatcmpl-")
    assert answer._request_id.startswith("req_")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_the_same_question_has_the_same_answer_under_another_id(client):
    one, other = (ask(client, "Why is the sky blue?") for _ in range(2))
    assert one.choices == other.choices
    assert one.usage == other.usage
    assert one.id != other.id
    assert one._request_id != other._request_id


def test_a_stream_says_the_same_as_a_plain_answer(client):
    chunks = list(ask(client, stream=True, stream_options={"include_usage": True}))
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == HELLO
    assert [delta.role for delta in deltas if delta.role] == ["assistant"]
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == [
        "stop"
    ]
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[-1].choices == []
    assert chunks[-1].usage == ask(client).usage
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_without_include_usage_a_stream_has_none(client):
    assert not any("usage" in chunk.model_fields_set for chunk in ask(client, stream=True))


def test_several_choices_take_turns_in_a_stream(client):
    plain = ask(client, n=3)
    texts = [choice.message.content for choice in plain.choices]
    assert texts == [HELLO, f"{HELLO} (answer 2)", f"{HELLO} (answer 3)"]
    heard, order = ["", "", ""], []
    for chunk in ask(client, n=3, stream=True):
        order.append(chunk.choices[0].index)
        heard[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert heard == texts
    assert order[:6] == [0, 1, 2, 0, 1, 2]


def test_what_the_model_has_said_before_is_cached(client):
    messages = [user("Hello"), {"role": "assistant", "content": HELLO}, user("Count to 3")]
    first = ask(client).usage
    later = client.chat.completions.create(model="gpt-4o", messages=messages).usage
    assert first.prompt_tokens_details.cached_tokens == 0
    assert first.prompt_tokens < later.prompt_tokens_details.cached_tokens < later.prompt_tokens


def test_reasoning_is_counted_and_shown_where_the_model_shows_it(client):
    hidden, shown = ask(client, model="o4-mini"), ask(client, model="my-reasoner")
    assert hidden.usage.completion_tokens_details.reasoning_tokens > 0
    assert "reasoning_content" not in hidden.choices[0].message.model_extra
    thought = shown.choices[0].message.reasoning_content
    deltas = [chunk.choices[0].delta for chunk in ask(client, model="my-reasoner", stream=True)]
    assert "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas) == thought != ""
    assert ask(client).usage.completion_tokens_details.reasoning_tokens == 0


def test_refusal(client):
    refused = ask(client, model="refusing-model").choices[0].message
    assert (refused.content, refused.refusal) == (None, "I would rather not answer that.")
    deltas = [chunk.choices[0].delta for chunk in ask(client, model="refusing-model", stream=True)]
    assert "".join(delta.refusal or "" for delta in deltas) == refused.refusal


def test_a_limit_cuts_the_answer(client):
    short = ask(client, "count to 100", max_tokens=5)
    assert short.choices[0].finish_reason == "length"
    assert short.choices[0].message.content == "1 2 3 4 5"
    assert short.usage.completion_tokens == 5


def test_sound(client):
    audio = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
    spoken = ask(client, **audio).choices[0].message
    assert spoken.content is None
    assert spoken.audio.transcript == HELLO
    assert base64.b64decode(spoken.audio.data).startswith(b"RIFF")
    deltas = [
        chunk.choices[0].delta.model_dump().get("audio") or {} for chunk in ask(client, stream=True, **audio)
    ]
    assert "".join(delta.get("transcript") or "" for delta in deltas) == HELLO
    assert "".join(delta.get("data") or "" for delta in deltas) == spoken.audio.data


# --- tools


def test_a_tool_is_called_and_its_result_is_the_answer(client):
    messages = [user("How is the weather in Paris?")]
    completion = client.chat.completions.create(model="gpt-4o", messages=messages, tools=[WEATHER, TIME])
    [call] = completion.choices[0].message.tool_calls
    assert completion.choices[0].finish_reason == "tool_calls"
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Paris"})
    messages += [completion.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "18 C"}]
    answer = (
        client.chat.completions.create(model="gpt-4o", messages=messages, tools=[WEATHER]).choices[0].message
    )
    assert answer.content == "I asked, and this is what the tool returned: 18 C."
    assert answer.tool_calls is None


def test_a_tool_call_in_a_stream(client):
    with client.chat.completions.stream(
        model="gpt-4o", messages=[user("weather and time in Oslo")], tools=[WEATHER, TIME]
    ) as stream:
        calls = stream.get_final_completion().choices[0].message.tool_calls
    assert [(call.function.name, json.loads(call.function.arguments)) for call in calls] == [
        ("get_weather", {"city": "Oslo"}),
        ("get_time", {}),
    ]
    assert len({call.id for call in calls}) == 2


@pytest.mark.parametrize(
    ("text", "more", "called"),
    [
        ("What time is it, and how is the weather?", {}, ["get_weather", "get_time"]),
        ("What time is it, and how is the weather?", {"parallel_tool_calls": False}, ["get_weather"]),
        ("How is the weather?", {"tool_choice": "none"}, []),
        ("Hello", {}, []),
        ("Hello", {"tool_choice": "required"}, ["get_weather", "get_time"]),
        ("Hello", {"tool_choice": {"type": "function", "function": {"name": "get_time"}}}, ["get_time"]),
    ],
)
def test_which_tools_are_called(client, text, more, called):
    calls = ask(client, text, tools=[WEATHER, TIME], **more).choices[0].message.tool_calls
    assert [call.function.name for call in calls or []] == called


# --- shapes


class Person(BaseModel):
    name: str
    age: int
    boss: Person | None
    friends: list[Person]


def test_parse_gives_a_valid_object(client):
    answer = client.chat.completions.parse(
        model="gpt-4o", messages=[user("Anna is 31")], response_format=Person
    )
    person = answer.choices[0].message.parsed
    assert (person.name, person.age) == ("Anna", 31)


def test_json_mode(client):
    answer = ask(client, "Is Oslo in Norway?", response_format={"type": "json_object"})
    assert json.loads(answer.choices[0].message.content) == {"answer": "Oslo"}


# --- the completions of old


def test_legacy_completions(client):
    whole = client.completions.create(model="gpt-3.5-turbo-instruct", prompt=["count to 3", "hi"], n=2)
    texts = [choice.text for choice in whole.choices]
    assert texts == ["1 2 3", "1 2 3 (answer 2)", HELLO, f"{HELLO} (answer 2)"]
    heard = {}
    for chunk in client.completions.create(
        model="m", prompt="count to 30", max_tokens=3, stream=True, stream_options={"include_usage": True}
    ):
        for choice in chunk.choices:
            heard[choice.index] = heard.get(choice.index, "") + choice.text
    assert heard == {0: "1 2 3"}
    assert chunk.usage.completion_tokens == 3
