"""Responses that are answered later: one question, one answer, however it is fetched."""

from __future__ import annotations

from itertools import islice

import openai
import pytest

import hilt_autolog
from tests.support.in_process import client_over, offline, provided, response

HELLO = "Hello! I run on your own machine. Ask me anything: I cost nothing."
ASK = {"model": "gpt-4o", "input": "Hello", "background": True}


def asked(client):
    answer = client.responses.create(**ASK)
    assert answer.status == "queued"
    return answer.id


def test_polling_gives_one_answer(recording):
    recording()
    client = offline()
    name = asked(client)
    for _ in range(3):
        client.responses.retrieve(name)
    prompt, answer = recording.log().events
    assert answer["content"] == {"text": HELLO}
    assert answer["extensions"]["reply_to"] == prompt["event_id"]
    assert answer["extensions"]["finish_reason"] == "completed"
    assert answer["session_id"] == prompt["session_id"]


def test_still_waiting_says_nothing_yet(recording):
    pending = {"id": "resp_1", "status": "in_progress", "output": [], "model": "gpt-4o"}
    recording()
    client = client_over(lambda request: response(pending))
    name = asked_any(client)
    client.responses.retrieve(name)
    assert recording.log().actions == ["prompt"]


def asked_any(client):
    return client.responses.create(**ASK).id


def test_never_fetched_ends_with_the_recording(recording):
    with recording():
        asked(offline())
    prompt, answer = recording.log().events
    assert answer["action"] == "completion"
    assert answer["extensions"].items() >= {"partial": True, "ended": "exit"}.items()
    assert answer["extensions"]["reply_to"] == prompt["event_id"]


def test_a_stream_of_one_that_was_queued(recording):
    recording()
    client = offline()
    name = asked(client)
    for _ in client.responses.retrieve(name, stream=True):
        pass
    client.responses.retrieve(name)
    log = recording.log()
    assert log.actions == ["prompt", *["completion_chunk"] * 17, "completion"]
    assert {event["extensions"].get("reply_to") for event in log.events[1:]} == {log.events[0]["event_id"]}


def test_a_stream_is_taken_up_again(recording):
    """The first connection breaks; the program goes on with the second from where it was."""
    recording()
    client = offline()
    with client.responses.create(**ASK, stream=True) as stream:
        created, *_, last = islice(stream, 9)
    again = {"stream": True, "starting_after": last.sequence_number}
    for _ in client.responses.retrieve(created.response.id, **again):
        pass
    log = recording.log()
    assert log.actions.count("prompt") == 1
    whole = log.of("completion")[-1]
    assert whole["content"] == {"text": HELLO}
    assert "partial" not in whole["extensions"]
    assert "".join(chunk["content"]["text"] for chunk in log.of("completion_chunk")) == HELLO


def test_a_failure_that_is_fetched(recording):
    failed = {
        "id": "resp_1",
        "status": "failed",
        "output": [],
        "error": {"code": "server_error", "message": "No"},
    }
    queued = failed | {"status": "queued", "error": None}
    recording()
    client = client_over(lambda request: response(queued if request.method == "POST" else failed))
    client.responses.retrieve(asked(client))
    prompt, error = recording.log().events
    assert (error["action"], error["content"]) == ("system", {"text": "No"})
    assert error["extensions"]["reply_to"] == prompt["event_id"]


def test_what_another_process_asked_for(recording):
    store = {}
    name = asked(client_over(provided(store)))
    recording()
    client = client_over(provided(store))
    for _ in range(2):
        client.responses.retrieve(name)
    [answer] = recording.log().events
    assert (answer["action"], answer["content"]) == ("completion", {"text": HELLO})
    assert "reply_to" not in answer["extensions"]


def test_fetching_an_answer_that_the_log_has(recording):
    recording()
    client = offline()
    name = client.responses.create(model="gpt-4o", input="Hello").id
    client.responses.retrieve(name)
    assert recording.log().actions == ["prompt", "completion"]


def test_a_fetch_that_fails(recording):
    recording()
    client = offline()
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve("resp_unknown")
    [error] = recording.log().events
    assert (error["action"], error["extensions"]["status_code"]) == ("system", 404)


def test_cancelled_by_the_program(recording):
    with recording():
        client = offline()
        client.responses.cancel(asked(client))
    assert recording.log().actions == ["prompt", "completion"]
    assert hilt_autolog.status().enabled is False
