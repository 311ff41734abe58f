"""What the recorder wrote and the reader rebuilt is what the provider was sent, whatever the program did."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest

import hilt_autolog
from hilt_autolog.event import Event
from hilt_autolog.providers._openai.chat import chat_messages
from hilt_autolog.reading.reader import read

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
SYSTEM = {"role": "system", "content": "Be brief."}


@pytest.fixture
def client(provider):
    with openai.OpenAI(api_key="x", base_url=provider.base_url, max_retries=0) as client:
        yield client


def user(content):
    return {"role": "user", "content": content}


def ask(client, messages, model="gpt-4o", **more):
    return client.chat.completions.create(model=model, messages=messages, **more)


def go_on(client, messages, content, *, choice=0, **more):
    """Ask, and put the answer into the conversation as the SDK gave it."""
    messages.append(user(content))
    messages.append(ask(client, messages, **more).choices[choice].message)


def many_turns(client):
    messages = [SYSTEM]
    for turn in range(20):
        go_on(client, messages, f"question {turn}")


def retold_answers(client):
    messages = []
    for turn in range(3):
        messages.append(user(f"question {turn}"))
        answer = ask(client, messages, model="my-reasoner").choices[0].message
        messages.append({"role": "assistant", "content": answer.content})


def answers_with_their_reasoning(client):
    messages = []
    for turn in range(3):
        go_on(client, messages, f"question {turn}", model="my-reasoner")


def another_choice(client):
    messages = []
    for choice in (2, 0, 1):
        go_on(client, messages, f"question {choice}", n=3, choice=choice)


def one_question_asked_again(client):
    messages = [SYSTEM]
    go_on(client, messages, "Hello")
    for _ in range(3):
        ask(client, messages[:2])
        ask(client, [*messages, user("So?")])
    ask(client, [SYSTEM, user("Hello!"), messages[2], user("So?")])


def tools_and_their_results(client):
    messages = [SYSTEM, user("How is the weather in Paris?")]
    for result in ("18 C", "", [{"type": "text", "text": "19 C"}]):
        answer = ask(client, messages, tools=[WEATHER]).choices[0].message
        messages.append(answer)
        [call] = answer.tool_calls
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
        go_on(client, messages, "And how is the weather in Oslo?", tool_choice="none", tools=[WEATHER])
        messages.append(user("And the weather in Rome?"))


def several_results_at_once(client):
    other = {"type": "function", "function": {"name": "get_weather_map", "parameters": {"type": "object"}}}
    messages = [user("How is the weather in Paris?")]
    answer = ask(client, messages, tools=[WEATHER, other]).choices[0].message
    results = [{"role": "tool", "tool_call_id": call.id, "content": call.id} for call in answer.tool_calls]
    messages += [answer, *results]
    go_on(client, messages, "Thanks.")
    go_on(client, [user("How is the weather in Paris?"), answer, *reversed(results)], "Thanks.")


def images_and_names(client):
    messages = [user([{"type": "text", "text": "What is this?"}, IMAGE])]
    messages.append(ask(client, messages).choices[0].message)
    messages.append(user("Ann?") | {"name": "ann"})
    messages.append(ask(client, messages).choices[0].message)
    go_on(client, messages, "")


def streams(client):
    messages = [SYSTEM]
    for turn in range(3):
        messages.append(user(f"question {turn}"))
        chunks = ask(client, messages, stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        messages.append({"role": "assistant", "content": text})


def failures(client):
    messages = [SYSTEM, user("Hello")]
    for model in ("fail-500", "gpt-4o", "fail-429"):
        try:
            messages.append(ask(client, messages, model=model).choices[0].message)
        except openai.APIStatusError:
            messages.append(user(f"{model}?"))


def the_same_words_in_many_threads(client):
    def talk(_):
        messages = [SYSTEM]
        for turn in range(5):
            go_on(client, messages, f"question {turn}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(talk, range(8)))


def spelled(messages):
    return json.dumps(messages, sort_keys=True)


PROGRAMS = [
    many_turns,
    retold_answers,
    answers_with_their_reasoning,
    another_choice,
    one_question_asked_again,
    tools_and_their_results,
    several_results_at_once,
    images_and_names,
    streams,
    failures,
    the_same_words_in_many_threads,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_each_request_is_rebuilt_as_it_was_sent(provider, client, tmp_path, program):
    provider.requests.clear()
    with hilt_autolog.enable(path=str(tmp_path / "a.hilt.jsonl"), strict=True):
        program(client)
    log = read(tmp_path)
    prompts = [event for event in log if event["action"] == "prompt"]
    sent = [chat_messages(request.body) for request in provider.requests]
    rebuilt = [log.messages_of(prompt) for prompt in prompts]
    assert sorted(map(spelled, rebuilt)) == sorted(map(spelled, sent))
    assert log.problems == []


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_each_line_is_an_event_of_the_format(client, tmp_path, program):
    with hilt_autolog.enable(path=str(tmp_path / "a.hilt.jsonl"), strict=True):
        program(client)
    for event in read(tmp_path):
        assert Event.from_dict(event).to_dict() == event
