"""The pipeline: a field on every event is added in one place, whoever makes the event."""

from __future__ import annotations

import json

import openai
import pytest

import hilt_autolog
from hilt_autolog.format import ACTIONS
from hilt_autolog.recording.conversations import ConversationPosition
from hilt_autolog.recording.processors import add_context, add_cost, pipeline
from tests.support.in_process import client_over, offline, response

ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {}}}


def users(log):
    """Of each event but chunks its action and user."""
    return [
        (event["action"], event["extensions"].get("user"))
        for event in log.events
        if event["action"] != "completion_chunk"
    ]


def test_a_call_is_made_on_behalf_of_a_user(recording):
    recording()
    with hilt_autolog.user("alice"):
        offline().chat.completions.create(**ASK)
    offline().chat.completions.create(**ASK)
    assert users(recording.log()) == [
        ("prompt", "alice"),
        ("completion", "alice"),
        ("prompt", None),
        ("completion", None),
    ]


def test_the_actor_of_a_prompt_stays_that_of_the_setting(recording):
    recording(user="ada")
    with hilt_autolog.user("alice"):
        offline().chat.completions.create(**ASK)
    prompt, _ = recording.log().events
    assert (prompt["actor"], prompt["extensions"]["user"]) == ({"type": "human", "id": "ada"}, "alice")


def test_the_inner_block_names_the_user(recording):
    recording()
    with hilt_autolog.user("alice"):
        with hilt_autolog.user("bob"):
            offline().chat.completions.create(**ASK)
        offline().chat.completions.create(**ASK)
    assert [user for _, user in users(recording.log())] == ["bob", "bob", "alice", "alice"]


def test_a_stream_read_outside_of_its_block(recording):
    recording()
    with hilt_autolog.user("alice"):
        stream = offline().chat.completions.create(**ASK, stream=True)
    list(stream)
    log = recording.log()
    assert users(log) == [("prompt", "alice"), ("completion", "alice")]
    assert not any("user" in chunk["extensions"] for chunk in log.of("completion_chunk"))


def test_tool_calls_results_and_records_have_the_user(recording):
    recording()
    question = {"role": "user", "content": "How is the weather?"}
    with hilt_autolog.user("alice"):
        client = offline()
        answer = client.chat.completions.create(model="gpt-4o", messages=[question], tools=[TOOL])
        message = answer.choices[0].message
        hilt_autolog.record_tool("get_weather", {}, "18 degrees", tool_call_id=message.tool_calls[0].id)
        hilt_autolog.record_retrieval(documents=["Paris: 18 degrees"])
        hilt_autolog.record_feedback("good")
    assert users(recording.log()) == [
        (action, "alice")
        for action in ("prompt", "completion", "tool_call", "tool_result", "retrieval", "feedback")
    ]


def test_failures_and_embeddings_have_the_user(recording):
    recording()
    with hilt_autolog.user("alice"):
        offline().embeddings.create(model="text-embedding-3-small", input="Hello")
        client = client_over(lambda _: response({"error": {"message": "no such model"}}, status=404))
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(**ASK)
    assert users(recording.log()) == [("embedding", "alice"), ("prompt", "alice"), ("system", "alice")]


def test_the_runs_of_a_framework_have_the_user(recording):
    from langchain_core.runnables import RunnableLambda
    from langchain_core.tools import tool

    @tool
    def double(number: int) -> int:
        """Double a number."""
        return 2 * number

    recording()
    with hilt_autolog.user("alice"):
        RunnableLambda(lambda number: double.invoke({"number": number})).invoke(2)
    assert users(recording.log()) == [
        ("system", "alice"),
        ("tool_call", "alice"),
        ("tool_result", "alice"),
        ("system", "alice"),
    ]


def test_a_session_of_a_program_has_the_user(session, client):
    from hilt_autolog.integrations.openai import log_chat_completion

    with hilt_autolog.user("alice"):
        log_chat_completion(session, user_message="Hello", client=client, model="gpt-4o-mini")
    assert [event.extensions["user"] for event in session.read()] == ["alice", "alice"]


def test_the_lines_of_the_process_have_no_user(recording):
    recording()
    with hilt_autolog.user("alice"):
        offline().chat.completions.create(**ASK)
        hilt_autolog.disable()
    opened, *_, closed = recording.log().all
    assert [line["content"]["text"] for line in (opened, closed)] == ["session opened", "session closed"]
    assert not any("user" in line["extensions"] for line in (opened, closed))


def test_without_content_the_user_stays(recording):
    recording(content="none")
    with hilt_autolog.user("alice"):
        offline().chat.completions.create(**ASK)
    log = recording.log()
    assert users(log) == [("prompt", "alice"), ("completion", "alice")]
    assert not any("content" in event for event in log.events)


def test_each_action_has_its_processors_in_order():
    steps = pipeline("full")
    assert steps.keys() == set(ACTIONS)
    assert steps["completion"] == (add_context, add_cost)
    assert steps["prompt"] == (add_context,)
    assert steps["completion_chunk"] == ()
    withheld = pipeline("none")
    assert [len(withheld[action]) - len(steps[action]) for action in ACTIONS] == [1] * len(ACTIONS)


def test_the_context_is_that_of_the_position():
    position = ConversationPosition("conv_1", "ticket", {"conversation": "ticket", "user": "alice"})
    event = add_context({"action": "feedback"}, position)
    assert event == {"action": "feedback", "extensions": {"conversation": "ticket", "user": "alice"}}


@pytest.mark.parametrize(
    ("name", "expected"), [("", None), (" ", None), (None, None), (5, "5"), (" a ", "a")]
)
def test_a_user_is_a_text_or_nobody(recording, name, expected):
    recording()
    with hilt_autolog.user("alice"), hilt_autolog.user(name):
        offline().chat.completions.create(**ASK)
    assert [user for _, user in users(recording.log())] == [expected, expected]


def withholding(*withheld):
    """A pipeline that lets no event of these actions be written."""
    return lambda _content: {action: (lambda *_: None,) if action in withheld else () for action in ACTIONS}


@pytest.mark.parametrize("chunks", ["each", "merged"])
def test_nothing_of_a_withheld_event_is_written(chunks, recording, monkeypatch):
    monkeypatch.setattr("hilt_autolog.recording.recorder.pipeline", withholding("completion_chunk", "system"))
    recording(chunks=chunks)
    list(offline().chat.completions.create(**ASK, stream=True))
    hilt_autolog.disable()
    lines = recording.path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["action"] for line in lines] == ["prompt", "completion"]
