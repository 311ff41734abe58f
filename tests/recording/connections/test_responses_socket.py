"""The Responses API over a websocket: turns as over HTTP, in lanes if the program wants them."""

from __future__ import annotations

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.calling import entered, settled
from tests.support.realtime import OLD_WAY, answered, has_responses, until

pytestmark = [OLD_WAY, has_responses]


def ends(log):
    return [
        (event["action"], event.get("content", {}).get("text"), event["extensions"].get("ended"))
        for event in log.of("completion", "system")
    ]


def test_turns(call, recording):
    async def program(connection):
        first = await answered(connection, "Hi", instructions="Be brief.", temperature=0.5)
        await answered(connection, "More", previous_response_id=first.id)
        await answered(connection, "Something else")

    recording()
    call(program, "responses")
    log = recording.log()
    assert log.actions == ["prompt", *["completion_chunk"] * 3, "completion"] * 2 + [
        "prompt",
        *["completion_chunk"] * 4,
        "completion",
    ]
    first, more, other = log.of("prompt")
    answer = log.of("completion")[0]
    assert first["extensions"]["request"] == {"temperature": 0.5}
    assert [part["role"] for part in first["content"]["messages"]] == ["system", "user"]
    assert answer["content"] == {"text": "You said: Hi"}
    assert answer["metrics"]["tokens"] == {"prompt": 5, "completion": 3, "total": 8}
    assert answer["provenance"]["response_id"] == "resp_1"
    assert answer["provenance"]["operation"] == "responses"
    assert more["extensions"]["reply_to"] == answer["event_id"]
    assert more["session_id"] == first["session_id"] != other["session_id"]


def test_history_is_written_once(call, recording):
    async def program(connection):
        messages = [{"role": "user", "content": "One"}]
        await answered(connection, messages)
        messages += [
            {"role": "assistant", "content": "You said: One"},
            {"role": "user", "content": "Two"},
        ]
        await answered(connection, messages)

    recording()
    call(program, "responses")
    log = recording.log()
    assert [event["content"] for event in log.of("prompt")] == [{"text": "One"}, {"text": "Two"}]
    history = {"messages": 2, "after": log.of("completion")[0]["event_id"]}
    assert log.of("prompt")[1]["extensions"]["history"] == history


def test_a_tool(call, recording):
    async def program(connection):
        first = await answered(connection, "tool")
        output = [{"type": "function_call_output", "call_id": "call_1", "output": "sunny"}]
        await answered(connection, output, previous_response_id=first.id)

    recording()
    call(program, "responses")
    log = recording.log()
    actions = [action for action in log.actions if action != "completion_chunk"]
    assert actions == ["prompt", "completion", "tool_call", "tool_result", "prompt", "completion"]
    assert log.of("tool_result")[0]["extensions"]["reply_to"] == log.of("tool_call")[0]["event_id"]


@pytest.mark.parametrize(
    ("words", "kind", "expected"),
    [
        ("wrong", "error", [("system", "Wrong", None)]),
        ("fail", "response.failed", [("system", "Too much", None)]),
    ],
)
def test_errors(call, recording, words, kind, expected):
    async def program(connection):
        await settled(connection.response.create(model="gpt-5", input=words))
        await until(connection, kind)
        await answered(connection, "Next")

    recording()
    call(program, "responses")
    assert ends(recording.log()) == [*expected, ("completion", "You said: Next", None)]


@pytest.mark.parametrize(("words", "ended"), [("cut", "closed"), ("break", "error")])
def test_the_connection_ends_in_the_middle(call, recording, words, ended):
    async def program(connection):
        await settled(connection.response.create(model="gpt-5", input=words))
        with pytest.raises(ConnectionClosed):
            await until(connection, "never")

    recording()
    call(program, "responses")
    assert ends(recording.log())[0] == ("completion", "You", ended)
    assert len(ends(recording.log())) == (2 if ended == "error" else 1)


def test_one_request_after_another(call, recording):
    """The second is asked before the first is answered: the server answers in order."""

    async def program(connection):
        await settled(connection.response.create(model="gpt-5", input="One"))
        await settled(connection.response.create(model="gpt-5", input="Two"))
        await until(connection, "response.completed")
        await until(connection, "response.completed")

    recording()
    call(program, "responses")
    log = recording.log()
    prompts = {event["event_id"]: event["content"]["text"] for event in log.of("prompt")}
    answers = [
        (prompts[event["extensions"]["reply_to"]], event["content"]["text"]) for event in log.of("completion")
    ]
    assert answers == [("One", "You said: One"), ("Two", "You said: Two")]


def test_a_response_that_is_steered(call, recording):
    async def program(connection):
        if not hasattr(connection.response, "steer"):
            pytest.skip("this openai cannot steer")
        await settled(connection.response.create(model="gpt-5", input="wait"))
        begun = await until(connection, "response.created")
        await settled(connection.response.steer(previous_response_id=begun.response.id, input="Left"))
        await until(connection, "response.completed")

    recording()
    call(program, "responses")
    log = recording.log()
    [steered] = log.of("system")
    left = {"role": "user", "parts": [{"type": "text", "content": "Left"}]}
    assert steered["content"] == {"text": "response steered", "messages": [left]}
    assert steered["extensions"]["reply_to"] == log.of("prompt")[0]["event_id"]


def test_lanes(call, recording):
    lanes = pytest.importorskip("openai.lib.responses_websocket")
    kind = lanes.ResponsesWebSocketSession if call.kind == "sync" else lanes.AsyncResponsesWebSocketSession
    names = ("max_lanes", "max_events_per_lane", "max_events", "max_bytes_per_lane", "max_bytes")
    limits = lanes.ResponsesWebSocketLimits(**dict.fromkeys(names, 100_000))

    async def program(connection):
        async with entered(kind(connection, limits=limits)) as session:
            one, other = session.lane("one"), session.lane("other")
            await settled(one.send({"type": "response.create", "model": "gpt-5", "input": "One"}))
            await settled(other.send({"type": "response.create", "model": "gpt-5", "input": "Other"}))
            return [(await settled(lane.get_final_response())).output_text for lane in (other, one)]

    recording()
    assert call(program, "responses") == ["You said: Other", "You said: One"]
    log = recording.log()
    prompts = {event["event_id"]: event["content"]["text"] for event in log.of("prompt")}
    answers = {
        prompts[event["extensions"]["reply_to"]]: event["content"]["text"] for event in log.of("completion")
    }
    assert answers == {"One": "You said: One", "Other": "You said: Other"}
