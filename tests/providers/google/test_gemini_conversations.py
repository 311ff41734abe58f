"""Chats and repeated histories: a conversation is recognised, and each message is written once."""

from __future__ import annotations

from itertools import product

import pytest
from google import genai
from google.genai import types

from tests.support.calling import KINDS, each, settled
from tests.support.gemini import get_weather

THINKING = types.GenerateContentConfig(
    system_instruction="Be brief.",
    tools=[get_weather],
    thinking_config=types.ThinkingConfig(include_thoughts=True),
)
IS_OLD = genai.__version__.startswith("1.")
TURNS = ("Hello", "How is the weather in Rome?", "Count to 3")


async def whole(session, text):
    await settled(session.send_message(text))


async def streamed(session, text):
    async for _ in each(await settled(session.send_message_stream(text))):
        pass


def as_logged(content):
    """One content as the log should give it back: a second opinion, written apart from the package's."""
    parts = []
    for part in content["parts"]:
        if "functionCall" in part:
            call = part["functionCall"]
            arguments = '{"city": "Rome"}'
            parts.append({"type": "tool_call", "name": call["name"], "arguments": arguments})
        elif "functionResponse" in part:
            name = part["functionResponse"]["name"]
            told = {"type": "tool_call_response", "name": name, "response": '{"result": "sunny in Rome"}'}
            return {"role": "tool", "parts": [told]}
        elif part.get("text"):
            kind = "reasoning" if part.get("thought") else "text"
            if parts and parts[-1]["type"] == kind:
                parts[-1]["content"] += part["text"]
            else:
                parts.append({"type": kind, "content": part["text"]})
    return {"role": {"model": "assistant"}.get(content["role"], content["role"]), "parts": parts}


def joined(contents):
    """The contents of a request, the pieces of one answer as one."""
    whole = []
    for content in contents:
        if whole and content["role"] == whole[-1]["role"] == "model":
            whole[-1] = {"role": "model", "parts": whole[-1]["parts"] + content["parts"]}
        else:
            whole.append(content)
    return [as_logged(content) for content in whole]


@pytest.mark.parametrize("case", [*product(KINDS, (None, THINKING), (whole, streamed))])
def test_a_chat_is_one_conversation(clients, provider, recording, case):
    kind, config, turn = case
    run, offered = clients[kind]
    provider.requests.clear()
    recording()

    async def chatting():
        session = offered.chat(model="gemini-2.5-flash", config=config)
        for text in TURNS:
            await turn(session, text)

    run(chatting())
    log = recording.log()
    assert len({event["session_id"] for event in log.events}) == 1
    prompts, system = log.of("prompt"), []
    if config is not None:
        system = [{"role": "system", "parts": [{"type": "text", "content": "Be brief."}]}]
    assert len(prompts) == len(provider.requests)
    for event, request in zip(prompts, provider.requests, strict=True):
        assert log.read.messages_of(event) == [*system, *joined(request.body["contents"])]
    if not (IS_OLD and turn is streamed):  # whose chats forget thoughts for one request, and then know them
        for event in prompts[1:]:  # each writes what is new, and nothing else
            assert len(event["content"].get("messages", [1])) == 1
    for call, result in zip(log.of("tool_call"), log.of("tool_result"), strict=True):
        assert result["extensions"]["reply_to"] == call["event_id"]


def test_thoughts_that_are_left_out_of_the_history(clients, recording):
    _, offered = clients["sync"]
    recording()
    config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=True))
    contents = [types.UserContent("Hello")]
    answer = offered.generate(model="gemini-2.5-flash", contents=contents, config=config)
    contents += [types.ModelContent(answer.text), types.UserContent("Count to 3")]
    offered.generate(model="gemini-2.5-flash", contents=contents, config=config)
    log = recording.log()
    first, second = log.of("completion")
    history = {"messages": 2, "after": first["event_id"], "omits": ["reasoning"]}
    assert log.of("prompt")[1]["extensions"]["history"] == history
    assert first["session_id"] == second["session_id"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("turn", [whole, streamed])
def test_two_chats_of_the_same_words_are_two(clients, recording, kind, turn):
    run, offered = clients[kind]
    recording()

    async def chatting():
        chats = [offered.chat(model="gemini-2.5-flash") for _ in range(2)]
        for text in TURNS:
            for session in chats:
                await turn(session, text)

    run(chatting())
    sessions = [event["session_id"] for event in recording.log().of("prompt")]
    assert sessions == sessions[:2] * 3
    assert sessions[0] != sessions[1]


def history(*parts):
    """A history that ends with what functions have returned."""
    return [
        types.UserContent("How is it?"),
        types.Content(role="model", parts=[part for call, _ in parts for part in call]),
        types.Content(role="user", parts=[part for _, result in parts for part in result]),
    ]


def called(name, identity=None, **arguments):
    return [types.Part(function_call=types.FunctionCall(id=identity, name=name, args=arguments))]


def returned(name, identity=None, **response):
    return [types.Part(function_response=types.FunctionResponse(id=identity, name=name, response=response))]


def test_results_get_the_ids_of_their_calls(clients, recording):
    _, offered = clients["sync"]
    contents = history(
        (called("f", "call_1", n=1), returned("f", result="one")),
        (called("g", "call_2"), returned("g", "call_2", result="two")),
        (called("f", "call_3", n=3), returned("f", result="three")),
    )
    recording()
    offered.generate(model="gemini-2.5-flash", contents=contents)
    results = recording.log().of("tool_result")
    assert [event["extensions"]["tool_call_id"] for event in results] == ["call_1", "call_2", "call_3"]
    assert [event["content"]["text"] for event in results] == [
        '{"result": "one"}',
        '{"result": "two"}',
        '{"result": "three"}',
    ]


def test_calls_without_an_id_are_linked_in_their_order(clients, recording):
    _, offered = clients["sync"]
    weather = {"name": "get_weather", "parameters": {"type": "OBJECT", "properties": {}}}
    config = types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=[weather, weather | {"name": "read_weather"}])],
    )
    contents = [types.UserContent("How is the weather?")]
    recording()
    answer = offered.generate(model="gemini-2.5-flash", contents=contents, config=config)
    contents.append(answer.candidates[0].content)
    names = [call.name for call in answer.function_calls]
    results = [part for name in reversed(names) for part in returned(name, result=name)]
    contents.append(types.Content(role="user", parts=results))
    offered.generate(model="gemini-2.5-flash", contents=contents, config=config)
    contents[-1] = types.Content(role="user", parts=[*results, types.Part(text="So?")])
    offered.generate(model="gemini-2.5-flash", contents=contents, config=config)  # the same results again
    log = recording.log()
    calls = {event["extensions"]["tool"]: event["event_id"] for event in log.of("tool_call")}
    assert list(calls) == names
    told = [(event["extensions"]["tool"], event["extensions"]["reply_to"]) for event in log.of("tool_result")]
    assert told == [(name, calls[name]) for name in reversed(names)]
