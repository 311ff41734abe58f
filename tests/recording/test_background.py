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


def test_polling_gives_one_answer(watch):
    watch()
    client = offline()
    name = asked(client)
    for _ in range(3):
        client.responses.retrieve(name)
    prompt, answer = watch.log().events
    assert answer["content"] == {"text": HELLO}
    assert answer["extensions"]["reply_to"] == prompt["event_id"]
    assert answer["extensions"]["finish_reason"] == "completed"
    assert answer["session_id"] == prompt["session_id"]


def test_still_waiting_says_nothing_yet(watch):
    pending = {"id": "resp_1", "status": "in_progress", "output": [], "model": "gpt-4o"}
    watch()
    client = client_over(lambda request: response(pending))
    name = asked_any(client)
    client.responses.retrieve(name)
    assert watch.log().actions == ["prompt"]


def asked_any(client):
    return client.responses.create(**ASK).id


def test_never_fetched_ends_with_the_recording(watch):
    with watch():
        asked(offline())
    prompt, answer = watch.log().events
    assert answer["action"] == "completion"
    assert answer["extensions"].items() >= {"partial": True, "ended": "exit"}.items()
    assert answer["extensions"]["reply_to"] == prompt["event_id"]


def test_a_stream_of_one_that_was_queued(watch):
    watch()
    client = offline()
    name = asked(client)
    for _ in client.responses.retrieve(name, stream=True):
        pass
    client.responses.retrieve(name)
    log = watch.log()
    assert log.actions == ["prompt", *["completion_chunk"] * 17, "completion"]
    assert {event["extensions"].get("reply_to") for event in log.events[1:]} == {log.events[0]["event_id"]}


def test_a_stream_is_taken_up_again(watch):
    """The first connection breaks; the program goes on with the second from where it was."""
    watch()
    client = offline()
    with client.responses.create(**ASK, stream=True) as stream:
        created, *_, last = islice(stream, 9)
    again = {"stream": True, "starting_after": last.sequence_number}
    for _ in client.responses.retrieve(created.response.id, **again):
        pass
    log = watch.log()
    assert log.actions.count("prompt") == 1
    whole = log.of("completion")[-1]
    assert whole["content"] == {"text": HELLO}
    assert "partial" not in whole["extensions"]
    assert "".join(chunk["content"]["text"] for chunk in log.of("completion_chunk")) == HELLO


def test_a_failure_that_is_fetched(watch):
    failed = {
        "id": "resp_1",
        "status": "failed",
        "output": [],
        "error": {"code": "server_error", "message": "No"},
    }
    queued = failed | {"status": "queued", "error": None}
    watch()
    client = client_over(lambda request: response(queued if request.method == "POST" else failed))
    client.responses.retrieve(asked(client))
    prompt, error = watch.log().events
    assert (error["action"], error["content"]) == ("system", {"text": "No"})
    assert error["extensions"]["reply_to"] == prompt["event_id"]


def test_what_another_process_asked_for(watch):
    store = {}
    name = asked(client_over(provided(store)))
    watch()
    client = client_over(provided(store))
    for _ in range(2):
        client.responses.retrieve(name)
    [answer] = watch.log().events
    assert (answer["action"], answer["content"]) == ("completion", {"text": HELLO})
    assert "reply_to" not in answer["extensions"]


def test_fetching_an_answer_that_the_log_has(watch):
    watch()
    client = offline()
    name = client.responses.create(model="gpt-4o", input="Hello").id
    client.responses.retrieve(name)
    assert watch.log().actions == ["prompt", "completion"]


def test_a_fetch_that_fails(watch):
    watch()
    client = offline()
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve("resp_unknown")
    [error] = watch.log().events
    assert (error["action"], error["extensions"]["status_code"]) == ("system", 404)


def test_cancelled_by_the_program(watch):
    with watch():
        client = offline()
        client.responses.cancel(asked(client))
    assert watch.log().actions == ["prompt", "completion"]
    assert hilt_autolog.status().enabled is False
