"""With recording enabled: a helper's call is in its session, and nowhere else."""

from __future__ import annotations

import openai
import pytest

from hilt_autolog.integrations.openai import log_chat_completion, log_chat_streaming
from hilt_autolog.session.session import Session
from tests.support.helper_logs import answer, chunk, client_of, events, summary

ASKS = [{"role": "user", "content": "hi"}]


@pytest.fixture
def automatic(recording):
    """What automatic capture has logged."""
    recording()
    return lambda: summary(recording.path) if recording.path.exists() else []


def test_a_completion(session, client, automatic):
    log_chat_completion(session, user_message="hi", client=client, user_id="bob", assistant_id="Ann")
    assert [one[:2] for one in summary(session)] == [("prompt", "human/bob"), ("completion", "agent/Ann")]
    assert automatic() == []


def test_a_stream(session, client, automatic):
    text = log_chat_streaming(session, user_message="count to 3", client=client, assistant_id="Ann")
    assert text == "1 2 3"
    assert [one[0] for one in summary(session)] == ["prompt", *["completion_chunk"] * 3, "completion"]
    assert {one[1] for one in summary(session)[1:]} == {"agent/Ann"}
    assert automatic() == []


def test_the_session_has_request_ids_and_status_codes_too(session, client, automatic):
    log_chat_completion(session, user_message="hi", client=client)
    log_chat_streaming(session, user_message="count to 3", client=client)
    ends = [event for event in events(session) if event["action"] == "completion"]
    assert all(end["provenance"]["request_id"].startswith("req_") for end in ends)
    assert [end["extensions"]["status_code"] for end in ends] == [200, 200]


@pytest.mark.parametrize("log", [log_chat_completion, log_chat_streaming])
def test_a_failure(session, client, automatic, log):
    with pytest.raises(openai.RateLimitError):
        log(session, user_message="hi", client=client, model="fail-429")
    assert [one[0] for one in summary(session)] == ["prompt", "system"]
    assert automatic() == []


def test_a_stream_that_breaks_or_is_left(session, client, automatic):
    with pytest.raises(openai.APIError):
        log_chat_streaming(session, user_message="count to 9", client=client, model="fail-error")
    with pytest.raises(ZeroDivisionError):
        log_chat_streaming(session, user_message="count to 9", client=client, on_delta=lambda _: 1 // 0)
    ended = [event["extensions"].get("ended") for event in events(session)]
    assert [word for word in ended if word] == ["error", "closed"]
    assert [one[0] for one in summary(session)].count("system") == 1
    assert automatic() == []


def test_async_calls(session, async_client, runner, automatic):
    runner.run(log_chat_completion(session, user_message="hi", client=async_client))
    runner.run(log_chat_streaming(session, user_message="count to 2", client=async_client))
    chunks = ["completion_chunk"] * 2
    assert [one[0] for one in summary(session)] == ["prompt", "completion", "prompt", *chunks, "completion"]
    assert automatic() == []


def test_also_where_both_write_one_file(recording, client):
    recording()
    with Session(recording.path) as session:
        client.chat.completions.create(model="gpt-4o-mini", messages=ASKS)
        log_chat_completion(session, user_message="hi", client=client)
    assert [one[0] for one in summary(recording.path)] == ["prompt", "completion"] * 2


def test_other_calls_are_recorded_as_ever(session, client, automatic):
    """Also one that is made while a helper reads its stream, or by a client that asks another one."""

    def ask(_text=None, **_):
        return client.chat.completions.create(model="gpt-4o-mini", messages=ASKS)

    ask()
    log_chat_completion(session, user_message="hi", client=client)
    ask()
    made_up = client_of(lambda **_: [chunk("a")])
    log_chat_streaming(session, user_message="q", client=made_up, on_delta=ask)
    ask()
    assert [one[0] for one in automatic()] == ["prompt", "completion"] * 4
    assert len(summary(session)) == 5


def test_a_client_that_asks_another_one_is_that_ones_call(session, client, automatic):
    def create(**_):
        completion = client.chat.completions.create(model="gpt-4o-mini", messages=ASKS)
        return answer(completion.choices[0].message.content)

    log_chat_completion(session, user_message="hi", client=client_of(create))
    assert [one[0] for one in summary(session)] == ["prompt", "completion"]
    assert "request_id" in events(session)[1]["provenance"]
    assert automatic() == []


def test_a_closed_session_leaves_the_call_to_automatic_recording(session, client, automatic):
    session.close()
    with pytest.warns(RuntimeWarning, match="a call is not logged"):
        log_chat_completion(session, user_message="hi", client=client)
    assert [one[0] for one in automatic()] == ["prompt", "completion"]
