from __future__ import annotations

from types import SimpleNamespace as Made

import pytest

from hilt_autolog.errors import SessionError
from hilt_autolog.integrations.openai import log_rag_interaction
from tests.support.helper_logs import events, summary

ASKED = {"user_message": "What is alpha?", "answer": "Alpha is first."}


def test_prompt_documents_and_answer_are_linked(session):
    log_rag_interaction(
        session,
        **ASKED,
        retrieved_documents=[
            {"id": "doc-1", "text": "Alpha doc", "score": 0.9, "metadata": {"page": 3}},
            {"id": "doc-2", "snippet": "Alpha note", "score": 0.4, "title": "Notes"},
        ],
        answer_metrics={"tokens": {"prompt": 10, "completion": 5}, "latency_ms": 12},
        retrieval_latency_ms=7,
        session_id="demo",
    )
    assert summary(session) == [
        ("prompt", "human/user", "What is alpha?", None),
        ("retrieval", "tool/retriever", "Alpha doc", 0),
        ("retrieval", "tool/retriever", "Alpha note", 0),
        ("completion", "agent/gpt-4o-mini", "Alpha is first.", 0),
    ]
    _, first, second, completion = events(session)
    assert first["metrics"] == {"latency_ms": 7}
    assert first["provenance"] == {"retrieval": {"page": 3}}
    assert second["provenance"] == {"retrieval": {"title": "Notes"}}
    known = [
        [one["extensions"][name] for name in ("document_id", "rank", "score")] for one in (first, second)
    ]
    assert known == [["doc-1", 1, 0.9], ["doc-2", 2, 0.4]]
    assert completion["extensions"]["retrieved_ids"] == ["doc-1", "doc-2"]
    tokens = {"prompt": 10, "completion": 5, "total": 15}
    assert completion["metrics"] == {"latency_ms": 12, "tokens": tokens, "cost_usd": 4.5e-06}
    assert completion["extensions"]["latency_ms"] == 12


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        (None, {}),
        ({}, {}),
        ({"tokens": None, "cost_usd": None, "latency_ms": None}, {}),
        ({"cost_usd": 0.5}, {"cost_usd": 0.5}),
        ({"tokens": 15}, {"tokens": {"total": 15}}),
        ({"tokens": {"prompt": "many"}}, {}),
        (
            {"tokens": {"prompt_tokens": 10, "completion_tokens": 5}, "cost_usd": 0.5},
            {"tokens": {"prompt": 10, "completion": 5, "total": 15}, "cost_usd": 0.5},
        ),
        (
            {"tokens": {"input": 10, "output": 0, "total": 10, "cached": 4}, "cost_usd": 1},
            {"tokens": {"prompt": 10, "completion": 0, "total": 10, "cached": 4}, "cost_usd": 1.0},
        ),
    ],
)
def test_what_is_not_measured_is_left_out(session, metrics, expected):
    log_rag_interaction(session, **ASKED, answer_metrics=metrics)
    assert events(session)[-1].get("metrics", {}) == expected


@pytest.mark.parametrize(
    ("document", "text", "known"),
    [
        ("just text", "just text", {}),
        (("a pair", 0.25), "a pair", {"score": 0.25}),
        ({}, None, {}),
        ({"id": None, "text": None, "score": None, "metadata": None}, None, {}),
        ({"id": 7, "text": 7, "score": "high", "metadata": "none"}, None, {"document_id": "7"}),
        ({"id": 0, "content": "c", "score": float("nan")}, "c", {"document_id": "0"}),
        ({"doc_id": "d", "text": "", "score": True}, "", {"document_id": "d"}),
        (
            Made(id="x", page_content="of LangChain", metadata={"score": 1}),
            "of LangChain",
            {"document_id": "x", "score": 1.0},
        ),
        (object(), None, {}),
    ],
)
def test_a_document_says_what_it_has(session, document, text, known):
    log_rag_interaction(session, **ASKED, retrieved_documents=[document])
    event = events(session)[1]
    fields = {name: event["extensions"].get(name) for name in ("document_id", "score")}
    assert event.get("content", {}).get("text") == text
    assert {name: one for name, one in fields.items() if one is not None} == known


@pytest.mark.parametrize("documents", [None, [], [None], iter(())])
def test_no_documents_are_no_retrievals(session, documents):
    log_rag_interaction(session, **ASKED, retrieved_documents=documents)
    assert [one[0] for one in summary(session)] == ["prompt", "completion"]


@pytest.mark.parametrize(("answer", "text"), [(None, None), ("", None), (42, "42")])
def test_an_answer_may_say_nothing(session, answer, text):
    log_rag_interaction(session, user_message="q", answer=answer)
    assert summary(session)[1] == ("completion", "agent/gpt-4o-mini", text, 0)


def test_who_answers_may_be_named(session):
    log_rag_interaction(session, **ASKED, assistant_id="library", model="gpt-4o", user_id="bob")
    assert [event["actor"]["id"] for event in events(session)] == ["bob", "library"]
    assert events(session)[1]["extensions"]["model"] == "gpt-4o"


def test_a_session_that_is_closed_says_so(session):
    session.close()
    with pytest.raises(SessionError, match="is closed"):
        log_rag_interaction(session, **ASKED)


@pytest.mark.parametrize("documents", ["one text", {"text": "one text"}, ["one text"]])
def test_one_document_need_not_be_in_a_list(session, documents):
    log_rag_interaction(session, **ASKED, retrieved_documents=documents)
    assert [one[2] for one in summary(session) if one[0] == "retrieval"] == ["one text"]


@pytest.mark.parametrize(
    ("user", "assistant", "actors"),
    [(42, 7, ["42", "7"]), (None, None, ["user", "gpt-4o-mini"]), ("", "", ["user", "gpt-4o-mini"])],
)
def test_ids_of_any_kind_are_names(session, user, assistant, actors):
    log_rag_interaction(session, **ASKED, user_id=user, assistant_id=assistant, model="gpt-4o-mini")
    assert [event["actor"]["id"] for event in events(session)] == actors


@pytest.mark.parametrize(("given", "told"), [(12.6, 13), (0, 0), ("soon", None), (-1, None), (None, None)])
def test_durations_are_whole_milliseconds(session, given, told):
    log_rag_interaction(
        session,
        **ASKED,
        answer_metrics={"latency_ms": given},
        retrieved_documents="x",
        retrieval_latency_ms=given,
    )
    assert [event.get("metrics", {}).get("latency_ms") for event in events(session)] == [None, told, told]


def test_a_question_may_be_absent(session):
    log_rag_interaction(session, user_message=None, answer=None)
    assert [one[:2] for one in summary(session)] == [
        ("prompt", "human/user"),
        ("completion", "agent/gpt-4o-mini"),
    ]
