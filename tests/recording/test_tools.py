"""Tools: each call and each result is recorded once, and linked across the turns of a conversation."""

from __future__ import annotations

import pytest

from tests.support.in_process import client_over, offline, response


def tool(name, **properties):
    parameters = {"type": "object", "properties": properties, "required": [*properties]}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


TOOLS = [tool("get_weather", city={"type": "string"}), tool("get_time")]
ASK = {"role": "user", "content": "How is the weather in Paris, and the time?"}


def chat(client, messages, *, stream, **more):
    """The answer's message, as a dict."""
    arguments = {"model": "gpt-4o", "messages": messages, "tools": TOOLS, **more}
    if not stream:
        return client.chat.completions.create(**arguments).choices[0].message.to_dict()
    with client.chat.completions.stream(**arguments) as events:
        return events.get_final_completion().choices[0].message.to_dict()


@pytest.mark.parametrize("stream", [False, True])
def test_calls_and_results_are_linked(recording, stream):
    recording()
    client, messages = offline(), [ASK]
    answer = chat(client, messages, stream=stream)
    weather, time = [call["id"] for call in answer["tool_calls"]]
    messages += [answer, result(weather, "18 degrees"), result(time, "noon")]
    messages.append(chat(client, messages, stream=stream))
    messages.append({"role": "user", "content": "Thanks!"})
    chat(client, messages, stream=stream)
    log = recording.log()
    assert [event for event in log.actions if event != "completion_chunk"] == [
        *["prompt", "completion", "tool_call", "tool_call"],
        *["tool_result", "tool_result", "prompt", "completion"],
        *["prompt", "completion"],
    ]
    assert [(event["action"], *facts(event)) for event in log.of("tool_call", "tool_result")] == [
        ("tool_call", weather, "get_weather", '{"city": "Paris"}'),
        ("tool_call", time, "get_time", "{}"),
        ("tool_result", weather, "get_weather", "18 degrees"),
        ("tool_result", time, "get_time", "noon"),
    ]
    assert links(log) == [None, 0, 1, 1, 2, 3, 5, 6, 7, 8]
    assert {event["session_id"] for event in log.events} == {log.events[0]["session_id"]}
    assert log.of("prompt")[1]["actor"] == {"type": "tool", "id": "get_time"}


def result(identity, content):
    return {"role": "tool", "tool_call_id": identity, "content": content}


def facts(event):
    extensions = event["extensions"]
    return extensions.get("tool_call_id"), extensions.get("tool"), event["content"]["text"]


def links(log):
    """What each event replies to, by its place in the log; chunks left out."""
    told = [event for event in log.events if event["action"] != "completion_chunk"]
    places = {event["event_id"]: place for place, event in enumerate(told)}
    return [places.get(event["extensions"].get("reply_to")) for event in told]


def test_a_stream_records_the_arguments_as_they_come(recording):
    recording()
    chat(offline(), [ASK], stream=True)
    log = recording.log()
    chunks = log.of("completion_chunk")
    assert {chunk["extensions"]["kind"] for chunk in chunks} == {"tool_arguments"}
    assert [chunk["extensions"]["index"] for chunk in chunks] == list(range(len(chunks)))
    said = "".join(chunk["content"]["text"] for chunk in chunks)
    assert said == "".join(call["content"]["text"] for call in log.of("tool_call"))


@pytest.mark.parametrize("stream", [False, True])
def test_responses(recording, stream):
    recording()
    client = offline()
    tools = [{"type": "function", **one["function"]} for one in TOOLS]
    items = [ASK]
    for _ in range(2):
        arguments = {"model": "gpt-4o", "input": items, "tools": tools}
        if stream:
            with client.responses.stream(**arguments) as events:
                output = events.get_final_response().output
        else:
            output = client.responses.create(**arguments).output
        items += [item.to_dict() for item in output]
        items += [
            {"type": "function_call_output", "call_id": item.call_id, "output": item.name}
            for item in output
            if item.type == "function_call"
        ]
    log = recording.log()
    assert [event for event in log.actions if event != "completion_chunk"] == [
        *["prompt", "completion", "tool_call", "tool_call"],
        *["tool_result", "tool_result", "prompt", "completion"],
    ]
    assert links(log) == [None, 0, 1, 1, 2, 3, 5, 6]
    assert [event["content"]["text"] for event in log.of("tool_result")] == ["get_weather", "get_time"]


def test_a_result_that_is_sent_again_is_recorded_once(recording):
    recording()
    client = offline()
    answer = chat(client, [ASK], stream=False)
    results = [result(call["id"], "x") for call in answer["tool_calls"]]
    for words in ("So?", "And?", "Hm."):
        chat(client, [ASK, answer, *results, {"role": "user", "content": words}], stream=False)
    assert len(recording.log().of("tool_result")) == 2


def test_a_result_whose_call_nobody_saw(recording):
    recording()
    called = {"id": "call_1", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
    asked = {"role": "assistant", "tool_calls": [called]}
    chat(offline(), [ASK, asked, result("call_1", "noon"), result("call_9", "?")], stream=False)
    known, unknown = recording.log().of("tool_result")
    assert facts(known) == ("call_1", "get_time", "noon")
    assert unknown["extensions"] == {"tool_call_id": "call_9"}
    assert unknown["actor"] == {"type": "tool", "id": "tool"}


def said(**message):
    choice = {"index": 0, "message": {"role": "assistant"} | message, "finish_reason": "tool_calls"}
    return {"id": "c_1", "model": "m", "choices": [choice]}


CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}


def with_arguments(arguments):
    return {"tool_calls": [CALL | {"function": {"name": "f", "arguments": arguments}}]}


CUSTOM = {"id": "call_1", "type": "custom", "custom": {"name": "f", "input": "as it is"}}
ODD_CALLS = {  # the answer's message: what is told of its calls
    "half of the arguments": (with_arguments('{"a'), [("call_1", "f", '{"a')]),
    "no arguments": (with_arguments(""), [("call_1", "f", "")]),
    "an object": (with_arguments({"a": 1}), [("call_1", "f", '{"a": 1}')]),
    "no id": ({"tool_calls": [CALL | {"id": None}]}, [(None, "f", '{"a": 1}')]),
    "no name": ({"tool_calls": [CALL | {"function": {"arguments": "{}"}}]}, [("call_1", None, "{}")]),
    "the same twice": ({"tool_calls": [CALL, CALL]}, [("call_1", "f", '{"a": 1}')]),
    "a custom tool": ({"tool_calls": [CUSTOM]}, [("call_1", "f", "as it is")]),
    "the older form": ({"function_call": {"name": "f", "arguments": "{}"}}, [(None, "f", "{}")]),
    "nothing": ({"tool_calls": []}, []),
    "null": ({"tool_calls": None}, []),
}


@pytest.mark.parametrize("name", ODD_CALLS)
def test_odd_calls(recording, name):
    message, expected = ODD_CALLS[name]
    recording()
    client = client_over(lambda request: response(said(content=None, **message)))
    client.chat.completions.create(model="m", messages=[ASK], tools=TOOLS)
    extensions = [event["extensions"] for event in recording.log().of("tool_call")]
    texts = [event["content"]["text"] for event in recording.log().of("tool_call")]
    told = [
        (one.get("tool_call_id"), one.get("tool"), text) for one, text in zip(extensions, texts, strict=True)
    ]
    assert told == expected


def test_choices_that_ask_for_the_same_call(recording):
    recording()
    choice = said(tool_calls=[CALL])["choices"][0]
    answer = said() | {"choices": [choice, choice | {"index": 1}]}
    client = client_over(lambda request: response(answer))
    client.chat.completions.create(model="m", messages=[ASK], n=2)
    assert len(recording.log().of("tool_call")) == 1


def test_a_call_that_was_cut_off_is_no_call(recording):
    """Half of the arguments have come when the program closes the stream: nobody will run that tool."""
    recording()
    stream = offline().chat.completions.create(model="gpt-4o", messages=[ASK], tools=TOOLS, stream=True)
    for chunk in stream:
        calls = chunk.choices[0].delta.tool_calls
        if calls and calls[0].function.arguments:
            break
    stream.close()
    log = recording.log()
    assert log.of("tool_call") == []
    assert log.of("completion")[0]["content"]["messages"][0]["parts"][0]["type"] == "tool_call"
