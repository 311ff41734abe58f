from __future__ import annotations

import inspect

import openai
import pytest

from hilt_autolog.integrations.openai import log_chat_streaming
from tests.support.helper_logs import answer, chunk, client_of, events, extensions, summary

COUNTED = [
    ("prompt", "human/user", "count to 3", None),
    *(("completion_chunk", "agent/gpt-4o-mini", text, 0) for text in ("1", " 2", " 3")),
    ("completion", "agent/gpt-4o-mini-2024-07-18", "1 2 3", 0),
]


def test_a_stream_is_consumed_and_logged_in_chunks(session, client):
    assert log_chat_streaming(session, user_message="count to 3", client=client) == "1 2 3"
    assert summary(session) == COUNTED
    event = events(session)[-1]
    assert event["metrics"]["tokens"] == {"prompt": 6, "completion": 3, "total": 9}
    assert set(event["metrics"]) == {"latency_ms", "ttft_ms", "tokens", "cost_usd"}
    assert (event["extensions"]["status_code"], event["extensions"]["chunks"]) == (200, 3)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, {"include_usage": True}),
        ({"stream_options": {"include_usage": False}}, {"include_usage": False}),
        ({"stream_options": None}, None),
    ],
)
def test_token_counts_are_requested_unless_the_program_declines(session, client, provider, given, sent):
    log_chat_streaming(session, user_message="count to 3", client=client, **given)
    assert provider.requests[-1].body.get("stream_options") == sent
    assert ("tokens" in events(session)[-1]["metrics"]) is (sent == {"include_usage": True})


def test_each_piece_can_be_shown_as_it_comes(session, client):
    shown = []
    log_chat_streaming(session, user_message="count to 3", client=client, on_delta=shown.append)
    assert shown == ["1", " 2", " 3"]


def test_an_assistant_with_a_name_says_every_piece(session, client):
    log_chat_streaming(
        session, user_message="count to 3", client=client, assistant_id="Ann", model="gpt-4o-mini"
    )
    assert {one[1] for one in summary(session)[1:]} == {"agent/Ann"}


def test_a_stream_that_breaks_keeps_what_was_said(session, client):
    with pytest.raises(openai.APIError):
        log_chat_streaming(session, user_message="count to 9", client=client, model="fail-error")
    actions = [one[0] for one in summary(session)]
    assert actions[0] == "prompt"
    assert actions[-2:] == ["completion", "system"]
    fields = extensions(session, "completion")
    assert (fields["partial"], fields["ended"]) == (True, "error")
    assert "status_code" not in fields
    assert events(session)[-2]["content"]["text"].startswith("1 2")


def test_a_stream_that_cannot_begin_is_a_system_event(session, client):
    with pytest.raises(openai.RateLimitError):
        log_chat_streaming(session, user_message="hi", client=client, model="fail-429")
    assert [one[0] for one in summary(session)] == ["prompt", "system"]


class Enough(Exception):  # noqa: N818  no error
    """Stop here."""


def stop(text):
    if text == " 2":
        raise Enough


def test_a_listener_that_stops_ends_the_stream(session, client):
    with pytest.raises(Enough):
        log_chat_streaming(session, user_message="count to 9", client=client, on_delta=stop)
    fields = extensions(session, "completion")
    assert (fields["partial"], fields["ended"]) == (True, "closed")
    assert events(session)[-1]["content"]["text"] == "1 2"


@pytest.mark.parametrize(
    "chunks",
    [
        lambda: [chunk("a"), chunk("b")],
        lambda: (chunk(text) for text in "ab"),
        lambda: iter([chunk("a"), {"choices": []}, None, 7, chunk(None), chunk("b")]),
    ],
    ids=["list", "generator", "odd"],
)
def test_chunks_that_somebody_made_up_are_as_good(session, chunks):
    text = log_chat_streaming(session, user_message="q", client=client_of(lambda **_: chunks()))
    assert text == "ab"
    assert [one[2] for one in summary(session)] == ["q", "a", "b", "ab"]


def test_a_generator_that_fails_is_closed_and_recorded(session):
    def broken(**_):
        yield chunk("a")
        raise RuntimeError("gone")

    with pytest.raises(RuntimeError, match="gone"):
        log_chat_streaming(session, user_message="q", client=client_of(broken))
    assert [one[0] for one in summary(session)] == ["prompt", "completion_chunk", "completion", "system"]


def test_what_is_no_stream_is_an_error(session):
    with pytest.raises(TypeError, match="not an iterator"):
        log_chat_streaming(session, user_message="q", client=client_of(lambda **_: answer()))


def test_a_stream_that_says_nothing_is_an_empty_text(session):
    assert log_chat_streaming(session, user_message="q", client=client_of(lambda **_: [])) == ""


def test_a_closed_session_costs_no_answer(session, client):
    session.close()
    with pytest.warns(RuntimeWarning, match="a call is not logged"):
        assert log_chat_streaming(session, user_message="count to 3", client=client) == "1 2 3"


def test_an_async_stream_is_awaited(session, async_client, runner):
    shown = []
    result = log_chat_streaming(
        session, user_message="count to 3", client=async_client, on_delta=shown.append
    )
    assert inspect.isawaitable(result)
    assert runner.run(result) == "1 2 3"
    assert (summary(session), shown) == (COUNTED, ["1", " 2", " 3"])


def test_an_async_stream_ends_as_a_plain_one_does(session, async_client, runner):
    for model, error in (("fail-error", openai.APIError), ("gpt-4o-mini", Enough)):
        with pytest.raises(error):
            runner.run(
                log_chat_streaming(
                    session, user_message="count to 9", client=async_client, model=model, on_delta=stop
                )
                if error is Enough
                else log_chat_streaming(session, user_message="count to 9", client=async_client, model=model)
            )
    ends = [event["extensions"].get("ended") for event in events(session) if "chunks" in event["extensions"]]
    assert ends == ["error", "closed"]


def test_async_chunks_that_somebody_made_up_are_as_good(session, runner):
    async def chunks():
        for text in "ab":
            yield chunk(text)

    async def create(**_):
        return chunks()

    assert runner.run(log_chat_streaming(session, user_message="q", client=client_of(create))) == "ab"
