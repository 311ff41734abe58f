"""Retrievers: the question, and one event a document."""

from __future__ import annotations

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnablePassthrough
from langchain_core.tools import create_retriever_tool
from langchain_core.vectorstores import InMemoryVectorStore

from tests.support.langchain import fake


class Shelf(BaseRetriever):
    """Gives the documents that it was given."""

    documents: list

    def _get_relevant_documents(self, query, **_):
        if query == "fail":
            raise OSError("no disk")
        return self.documents


class Scoring(InMemoryVectorStore):
    """A vector store with the relevance of its documents."""

    def _select_relevance_score_fn(self):
        return lambda similarity: (similarity + 1) / 2


BOOKS = [
    Document(id="b1", page_content="Alpha", metadata={"source": "a.txt", "score": 0.75, "page": 3}),
    Document(page_content="Beta", metadata={"relevance_score": 1, "id": 17}),
    Document(page_content="Gamma"),
]


async def retrieved(retriever, way, query):
    return retriever.invoke(query) if way == "invoke" else await retriever.ainvoke(query)


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_each_document_is_an_event(runner, run_log, way):
    found = runner.run(retrieved(Shelf(documents=BOOKS), way, "Which?"))
    assert found == BOOKS
    log = run_log()
    assert log.short() == [
        "prompt user Which?",
        "retrieval Shelf Alpha",
        "retrieval Shelf Beta",
        "retrieval Shelf Gamma",
    ]
    prompt, *documents = log.events
    known = [
        {"rank": 1, "score": 0.75, "document_id": "b1"},
        {"rank": 2, "score": 1.0, "document_id": "17"},
        {"rank": 3},
    ]
    took = documents[0]["metrics"]
    assert [document["extensions"] for document in documents] == [
        {"reply_to": prompt["event_id"]} | one | took for one in known
    ]
    kept = [document["provenance"].get("retrieval") for document in documents]
    assert kept == [{"source": "a.txt", "score": 0.75, "page": 3}, {"relevance_score": 1, "id": 17}, None]
    assert log.runs("retrieval") == log.runs("prompt") * 3


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
@pytest.mark.parametrize(
    ("store", "search"),
    [
        (InMemoryVectorStore, {"search_kwargs": {"k": 2}}),
        (
            Scoring,
            {
                "search_type": "similarity_score_threshold",
                "search_kwargs": {"k": 2, "score_threshold": 0.0},
            },
        ),
    ],
    ids=["similarity", "threshold"],
)
def test_the_scores_of_a_vector_store(runner, run_log, way, store, search):
    shelf = store(DeterministicFakeEmbedding(size=8))
    shelf.add_documents([Document(id=name, page_content=name) for name in ("one", "two", "three")])
    found = runner.run(retrieved(shelf.as_retriever(**search), way, "Which?"))
    log = run_log()
    retrievals = log.of("retrieval")
    assert [event["extensions"]["document_id"] for event in retrievals] == [one.id for one in found]
    scores = [event["extensions"]["score"] for event in retrievals]
    expected = [score for _, score in shelf.similarity_search_with_score("Which?", k=2)]
    if store is Scoring:
        expected = [(score + 1) / 2 for score in expected]
    assert scores == pytest.approx(expected)
    assert scores == sorted(scores, reverse=True)


def test_a_question_is_answered_from_documents(run_log):
    ask = ChatPromptTemplate.from_template("{context} {question}")
    chain = {"context": Shelf(documents=BOOKS[:1]), "question": RunnablePassthrough()} | ask | fake("It is.")
    chain.invoke("Which?", {"metadata": {"conversation_id": "c-1"}})
    log = run_log()
    assert log.actions.count("prompt") == 2
    assert log.model_events()[:2] == ["prompt user Which?", "retrieval Shelf Alpha"]
    assert log.model_events()[-1] == "completion fakelistchatmodel It is."
    assert len(log.sessions()) == 1
    assert {event["extensions"]["conversation"] for event in log.events} == {"c-1"}


def test_a_tool_has_asked_already(run_log):
    search = create_retriever_tool(Shelf(documents=BOOKS[:2]), "search", "Searches.")
    search.invoke({"query": "Which?"})
    log = run_log()
    assert log.actions == ["tool_call", "retrieval", "retrieval", "tool_result"]
    assert [event["extensions"]["reply_to"] for event in log.events[1:]] == [log.events[0]["event_id"]] * 3


def test_without_content_the_metadata_of_documents_keep_numbers_only(recording):
    recording(content="none")
    Shelf(documents=BOOKS[:1]).invoke("Which?")
    (found,) = recording.log().of("retrieval")
    assert "content" not in found
    assert found["provenance"]["retrieval"] == {"score": 0.75, "page": 3}


def test_a_retriever_that_fails(run_log):
    with pytest.raises(OSError, match="no disk"):
        Shelf(documents=[]).invoke("fail")
    log = run_log()
    assert log.short() == ["prompt user fail", "system Shelf no disk"]
    assert log.events[1]["extensions"]["reply_to"] == log.events[0]["event_id"]


def test_nothing_is_found(run_log):
    assert Shelf(documents=[]).invoke("Which?") == []
    assert run_log().actions == ["prompt"]
