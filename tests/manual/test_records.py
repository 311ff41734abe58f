"""What a program records by itself of documents and people, linked to the current call."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

import hilt_autolog
from hilt_autolog.errors import SessionError
from hilt_autolog.format import session_id_of
from hilt_autolog.integrations.openai import log_chat_completion
from tests.support.helper_logs import answer, client_of, events, extensions, summary

TURNS = [("prompt", None), ("completion", 0)]


@pytest.fixture
def ask(client):
    """Ask the model something."""
    return lambda words="hi": client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": words}]
    )


def links(log):
    return [(action, reply_to) for action, _, _, reply_to in summary(log)]


def test_feedback_judges_the_latest_answer(recording, ask):
    recording()
    ask()
    event_id = hilt_autolog.record_feedback("nice", score=1, label="good", user_id="ada")
    assert summary(recording.path)[2] == ("feedback", "human/ada", "nice", 1)
    event = events(recording.path)[2]
    assert event["event_id"] == event_id
    assert (event["extensions"]["score"], event["extensions"]["label"]) == (1, "good")
    assert event["session_id"] == events(recording.path)[0]["session_id"]


def test_feedback_from_another_task_or_thread_names_the_conversation(recording, ask):
    recording()
    with hilt_autolog.conversation("ticket-42"):
        ask()

    def judge():
        with hilt_autolog.conversation("ticket-42"):
            hilt_autolog.record_feedback(score=0.5)

    thread = threading.Thread(target=judge)
    thread.start()
    thread.join()
    assert links(recording.path) == [*TURNS, ("feedback", 1)]
    assert {event["extensions"]["conversation"] for event in events(recording.path)} == {"ticket-42"}


def test_feedback_on_any_event(recording, ask):
    recording()
    ask()
    hilt_autolog.record_feedback(label="wrong", reply_to=events(recording.path)[0]["event_id"])
    assert links(recording.path)[2] == ("feedback", 0)


def test_feedback_without_any_call_replies_to_nothing(recording):
    recording()
    contextvars.Context().run(hilt_autolog.record_feedback, "hm")
    assert summary(recording.path) == [("feedback", "human/user", "hm", None)]


@pytest.mark.parametrize("given", [{}, {"score": float("nan")}, {"score": "high"}, {"score": float("inf")}])
def test_feedback_that_says_nothing_is_an_error(given):
    with pytest.raises(ValueError, match=r"feedback has a text|a score is a finite number"):
        hilt_autolog.record_feedback(**given)


def test_documents_reply_to_the_latest_prompt(recording, ask):
    recording()
    ask()
    hilt_autolog.record_retrieval(
        documents=[{"id": "d1", "text": "one", "score": 0.9}, "two"], retriever="shelf", latency_ms=3
    )
    assert summary(recording.path)[2:] == [
        ("retrieval", "tool/shelf", "one", 0),
        ("retrieval", "tool/shelf", "two", 0),
    ]
    event = events(recording.path)[2]
    assert event["metrics"] == {"latency_ms": 3}
    known = {name: event["extensions"][name] for name in ("document_id", "rank", "score", "latency_ms")}
    assert known == {"document_id": "d1", "rank": 1, "score": 0.9, "latency_ms": 3}


def test_a_query_is_a_prompt_when_none_is_open(recording, ask):
    recording()
    ask()
    written = hilt_autolog.record_retrieval("which colour?", ["orange"])
    assert len(written) == 1
    assert summary(recording.path)[2:] == [
        ("prompt", "human/user", "which colour?", 1),
        ("retrieval", "tool/retriever", "orange", 2),
    ]
    hilt_autolog.record_retrieval("the same, again?", ["red"])
    assert summary(recording.path)[4:] == [("retrieval", "tool/retriever", "red", 2)]


def test_a_search_and_the_next_call_share_a_named_conversation(recording, ask):
    recording()
    with hilt_autolog.conversation("t"):
        hilt_autolog.record_retrieval("which colour?", ["orange"])
        ask("Which colour? Orange.")
    assert links(recording.path) == [("prompt", None), ("retrieval", 0), ("prompt", None), ("completion", 2)]
    assert {event["session_id"] for event in events(recording.path)} == {session_id_of("t")}


@pytest.mark.parametrize("documents", [[], [None], [{}], [object()], [{"id": None, "score": "x"}]])
def test_odd_documents_are_no_errors(recording, documents):
    recording()
    hilt_autolog.record_retrieval("q", documents)
    assert [one[0] for one in summary(recording.path)][:1] == ["prompt"]


def test_where_nothing_is_recorded_nothing_happens(tmp_path):
    assert hilt_autolog.record_feedback("x") is None
    assert hilt_autolog.record_retrieval("q", ["d"]) == []
    assert hilt_autolog.record_tool("t", {}, "r") is None
    assert list(tmp_path.iterdir()) == []


def test_a_program_without_an_sdk_has_a_log_too(recording):
    recording(providers=["groq"])
    hilt_autolog.record_feedback("x")
    assert [one[0] for one in summary(recording.path)] == ["feedback"]


def test_into_a_session_of_ones_own(session, recording, ask):
    log_chat_completion(session, user_message="q", client=client_of(lambda **_: answer()))
    hilt_autolog.record_feedback("nice", session=session)
    hilt_autolog.record_retrieval("more", ["d"], session=session)
    hilt_autolog.record_tool("t", {"a": 1}, "r", session=session)
    assert links(session)[2:4] == [("feedback", 1), ("prompt", 1)]
    assert len({event["session_id"] for event in events(session)}) == 1
    session.close()
    with pytest.raises(SessionError):
        hilt_autolog.record_feedback("nice", session=session)


def test_a_call_in_another_log_is_not_replied_to(session, recording):
    recording()
    log_chat_completion(session, user_message="q", client=client_of(lambda **_: answer()))
    hilt_autolog.record_feedback("nice")
    assert summary(recording.path) == [("feedback", "human/user", "nice", None)]


def test_tasks_do_not_mix(recording, async_client, runner):
    recording()

    async def talk(name):
        with hilt_autolog.conversation(name):
            await async_client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": name}]
            )
            await asyncio.sleep(0.01)
            hilt_autolog.record_feedback(name)

    async def talks():
        await asyncio.gather(*(talk(f"t-{number}") for number in range(4)))

    runner.run(talks())
    by_id = {event["event_id"]: event for event in events(recording.path)}
    judged = [event for event in by_id.values() if event["action"] == "feedback"]
    assert len(judged) == 4
    for event in judged:
        replied = by_id[event["extensions"]["reply_to"]]
        assert (replied["action"], replied["session_id"]) == ("completion", event["session_id"])
        assert event["extensions"]["conversation"] == event["content"]["text"]


# --- tags


def test_tags_add_up(recording, ask):
    with recording(tags=["always"]):
        with hilt_autolog.tags("a"), hilt_autolog.tags("b", "a"):
            ask()
            hilt_autolog.record_feedback("x")
        ask()
    tags = [event["extensions"]["tags"] for event in events(recording.path)]
    assert tags == [*[["always", "a", "b"]] * 3, *[["always"]] * 2]


def test_tags_of_where_a_call_begins_hold_to_its_end(recording, client):
    recording()
    with hilt_autolog.tags("a"):
        stream = client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "count to 2"}], stream=True
        )
    list(stream)
    assert extensions(recording.path, "completion")["tags"] == ["a"]


def test_tags_of_a_function(recording, ask):
    recording()
    hilt_autolog.tags("a")(ask)()
    assert [event["extensions"]["tags"] for event in events(recording.path)] == [["a"]] * 2


def test_tags_of_helpers_and_tools(session):
    with hilt_autolog.tags("a"):
        log_chat_completion(session, user_message="q", client=client_of(lambda **_: answer()))
        hilt_autolog.record_tool("t", session=session)
    assert {tuple(event["extensions"]["tags"]) for event in events(session)} == {("a",)}
