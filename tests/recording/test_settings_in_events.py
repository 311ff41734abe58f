"""What the settings make of the events: chunks, the person who asks, tags, the conversation."""

from __future__ import annotations

import uuid

import openai
import pytest

import hilt_autolog
from tests.support.calling import joined
from tests.support.in_process import client_over, offline, response

HELLO = "Hello! I run on your own machine. Ask me anything: I cost nothing."
ASK = [{"role": "user", "content": "Hello"}]


def chat(client, content="Hello", **more):
    messages = [{"role": "user", "content": content}]
    answer = client.chat.completions.create(model="my-reasoner", messages=messages, **more)
    return list(answer) if more.get("stream") else answer


def session(name):
    """The rule of hilt-python."""
    return "conv_" + uuid.uuid5(uuid.UUID("a8f7e6d5-c4b3-4a21-9f0e-1d2c3b4a5e6f"), name).hex[:12]


def test_chunks_are_joined_by_kind_and_choice(recording):
    recording(chunks="merged")
    chat(offline(), stream=True)
    log = recording.log()
    chunks = [(chunk["extensions"]["kind"], chunk["content"]["text"]) for chunk in log.of("completion_chunk")]
    thought = "The question has 5 characters. "
    assert "".join(text for kind, text in chunks if kind == "reasoning") == thought
    assert "".join(text for kind, text in chunks if kind == "text") == HELLO
    assert len(chunks) < log.of("completion")[0]["extensions"]["chunks"] / 2
    assert [chunk["extensions"]["index"] for chunk in log.of("completion_chunk")] == list(range(len(chunks)))


def test_chunks_that_are_held_back_come_before_the_end(recording):
    recording(chunks="merged")
    stream = offline().chat.completions.create(model="gpt-4o", messages=ASK, stream=True)
    for _, _ in zip(range(3), stream, strict=False):
        pass
    stream.close()
    log = recording.log()
    assert log.actions == ["prompt", "completion_chunk", "completion"]
    assert joined(log.of("completion_chunk")) == log.of("completion")[0]["content"]["text"] != ""


def test_chunks_are_left_out(recording):
    recording(chunks="off")
    chat(offline(), stream=True)
    log = recording.log()
    assert log.actions == ["prompt", "completion"]
    assert log.of("completion")[0]["extensions"]["chunks"] > 17
    assert "ttft_ms" in log.of("completion")[0]["metrics"]


def test_the_person_and_the_tags(recording):
    recording(user="ada", tags=("trial", "eu"))
    chat(offline(), stream=True)
    offline().embeddings.create(model="text-embedding-3-small", input="Hello")
    with pytest.raises(openai.APIStatusError):
        client_over(lambda request: response({}, status=500)).moderations.create(input="Hello")
    events = recording.log().events
    assert events[0]["actor"] == {"type": "human", "id": "ada"}
    tagged = [event for event in events if event["action"] != "completion_chunk"]
    assert [event["extensions"].get("tags") for event in tagged] == [["trial", "eu"]] * len(tagged)


def test_one_conversation_for_the_process(recording):
    recording(conversation="night shift")
    for words in ("Hello", "Count to 3"):
        chat(offline(), words, stream=True)
    events = recording.log().events
    assert {event["session_id"] for event in events} == {session("night shift")}
    told = {event["extensions"].get("conversation") for event in recording.log().of("prompt", "completion")}
    assert told == {"night shift"}


def test_the_program_names_conversations(recording):
    recording()
    client = offline()
    with hilt_autolog.conversation("ticket-42") as outer:
        chat(client)
        with hilt_autolog.conversation("conv_given") as inner:
            chat(client)
        chat(client, "Count to 3")
    chat(client)
    sessions = [event["session_id"] for event in recording.log().of("prompt")]
    assert sessions[:3] == [outer, inner, outer] == [session("ticket-42"), "conv_given", session("ticket-42")]
    assert sessions[3] not in sessions[:3]
    names = [event["extensions"].get("conversation") for event in recording.log().of("prompt")]
    assert names == ["ticket-42", "conv_given", "ticket-42", None]


def test_the_api_names_a_conversation(recording):
    recording()
    client = offline()
    name = client.conversations.create().id
    for conversation in (name, {"id": name}):
        client.responses.create(model="gpt-4o", input="Hello", conversation=conversation)
    assert {event["session_id"] for event in recording.log().events} == {name}
    assert recording.log().actions == ["prompt", "completion"] * 2


def test_a_response_that_goes_on_from_another(recording):
    recording()
    client = offline()
    first = client.responses.create(model="gpt-4o", input="Hello")
    second = client.responses.create(model="gpt-4o", input="Count to 3", previous_response_id=first.id)
    client.responses.create(model="gpt-4o", input="And again", previous_response_id=second.id)
    log = recording.log()
    assert {event["session_id"] for event in log.events} == {log.events[0]["session_id"]}
    ids = [event["event_id"] for event in log.events]
    assert [event["extensions"].get("reply_to") for event in log.events] == [None, *ids[:-1]]
