from __future__ import annotations

import uuid
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

import hilt_autolog
from hilt_autolog.errors import SessionError
from hilt_autolog.format import session_id_of
from hilt_autolog.integrations.langchain import HILTCallbackHandler
from tests.support.helper_logs import HELLO, events, summary

STEPS = ["started", "started", "completed", "completed"]


@pytest.fixture
def chain(client, async_client):
    """A prompt and a model."""
    model = ChatOpenAI(
        model="gpt-4o-mini",
        client=client.chat.completions,
        async_client=async_client.chat.completions,
        stream_usage=True,
        api_key="x",
    )
    return ChatPromptTemplate.from_messages([("user", "{q}")]) | model


def boundaries(log):
    return [one[2] for one in summary(log) if one[0] == "system"]


def calls(log):
    return [one for one in summary(log) if one[0] != "system"]


def test_a_chain_is_logged_with_its_model_call(session, chain):
    handler = HILTCallbackHandler(session, session_id="demo-chain")
    assert chain.invoke({"q": "hi"}, {"callbacks": [handler]}).content == HELLO
    assert [one[:3] for one in calls(session)] == [
        ("prompt", "human/user", "hi"),
        ("completion", "agent/gpt-4o-mini-2024-07-18", HELLO),
    ]
    assert boundaries(session) == STEPS
    assert {event["session_id"] for event in events(session)} == {session_id_of("demo-chain")}
    completion = next(event for event in events(session) if event["action"] == "completion")
    assert set(completion["metrics"]) == {"latency_ms", "tokens", "cost_usd"}


def test_a_stream_is_logged_piece_by_piece(session, chain):
    list(chain.stream({"q": "count to 3"}, {"callbacks": [HILTCallbackHandler(session)]}))
    assert [one[2] for one in calls(session)] == ["count to 3", "1", " 2", " 3", "1 2 3"]


def test_async_chains_are_logged_as_well(session, chain, runner):
    handler = HILTCallbackHandler(session)

    async def listen():
        await chain.ainvoke({"q": "hi"}, {"callbacks": [handler]})
        return [one async for one in chain.astream({"q": "count to 3"}, {"callbacks": [handler]})]

    runner.run(listen())
    assert [one[0] for one in calls(session)] == [
        *("prompt", "completion", "prompt"),
        *["completion_chunk"] * 3,
        "completion",
    ]
    assert boundaries(session) == STEPS * 2


def test_metrics_can_be_left_out(session, chain):
    chain.invoke({"q": "hi"}, {"callbacks": [HILTCallbackHandler(session, include_metrics=False)]})
    assert len(events(session)) == 6
    for event in events(session):
        assert "metrics" not in event
        assert "latency_ms" not in event.get("extensions", {})


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({"metadata": {"thread_id": "t-1"}}, "t-1"),
        ({"configurable": {"thread_id": "t-2"}, "metadata": {"session_id": "s-1"}}, "s-1"),
    ],
)
def test_without_a_session_id_the_metadata_names_the_conversation(session, chain, config, name):
    chain.invoke({"q": "hi"}, {"callbacks": [HILTCallbackHandler(session)], **config})
    assert {event["session_id"] for event in events(session)} == {session_id_of(name)}


def test_the_handlers_name_wins(session, chain):
    config = {"callbacks": [HILTCallbackHandler(session, "mine")], "metadata": {"session_id": "s-1"}}
    with hilt_autolog.conversation("around"):
        chain.invoke({"q": "hi"}, config)
    assert {event["session_id"] for event in events(session)} == {session_id_of("mine")}


class Library(BaseRetriever):
    """Finds one document."""

    def _get_relevant_documents(self, query, **_):
        return [Document("Orange.", metadata={"score": 0.5, "id": "d1"})]


@tool
def shout(words: str) -> str:
    """Say it loud."""
    return words.upper()


def test_tools_and_retrievers_are_logged(session):
    callbacks = {"callbacks": [HILTCallbackHandler(session)]}
    shout.invoke({"words": "hi"}, callbacks)
    Library().invoke("Which colour?", callbacks)
    assert (
        calls(session)
        == [
            ("tool_call", "agent/shout", "{'words': 'hi'}", None),
            ("tool_result", "tool/shout", "HI", 0),
            ("prompt", "human/user", "Which colour?", None),
            ("retrieval", "tool/Library", "Orange.", 2),
        ]
        or calls(session)[0][2] == '{"words": "hi"}'
    )
    fields = events(session)[-1]["extensions"]
    assert (fields["document_id"], fields["rank"], fields["score"]) == ("d1", 1, 0.5)


def test_failures_are_recorded_and_raised(session):
    def broken(_):
        raise KeyError("gone")

    with pytest.raises(KeyError):
        RunnableLambda(broken).invoke("x", {"callbacks": [HILTCallbackHandler(session)]})
    assert boundaries(session) == ["started", "failed"]
    assert events(session)[1]["extensions"]["error_type"] == "KeyError"


RESULT = LLMResult(generations=[[ChatGeneration(message=AIMessage("Hello"))]])


@pytest.mark.parametrize("run_id", ["run-1", uuid.UUID(int=7)])
def test_it_may_be_called_by_hand(session, run_id):
    handler = HILTCallbackHandler(session)
    handler.on_chat_model_start(None, [[HumanMessage("hi")]], run_id=run_id)
    handler.on_llm_new_token("Hel", run_id=run_id)
    handler.on_llm_new_token("lo", run_id=run_id, parent_run_id=None)
    handler.on_llm_end(RESULT, run_id=run_id)
    assert [(one[0], *one[2:]) for one in summary(session)] == [
        ("prompt", "hi", None),
        ("completion_chunk", "Hel", 0),
        ("completion_chunk", "lo", 0),
        ("completion", "Hello", 0),
    ]


def test_runs_by_hand_find_their_parents(session):
    handler = HILTCallbackHandler(session, "demo")
    handler.on_chain_start({}, {"q": "x"}, run_id="1")
    handler.on_llm_start({"id": ["llms", "Own"]}, ["hi"], run_id="2", parent_run_id="1", tags=["t"])
    handler.on_llm_error(ValueError("no"), run_id="2")
    handler.on_chain_end(None, run_id="1")
    log = events(session)
    assert [one[:3] for one in summary(session)] == [
        ("system", "system/chain", "started"),
        ("prompt", "human/user", "hi"),
        ("system", "system/own", "no"),
        ("system", "system/chain", "completed"),
    ]
    assert log[1]["provenance"]["langchain"] == {
        "run_id": "2",
        "parent_run_id": "1",
        "name": "Own",
        "tags": ["t"],
    }


def test_odd_words_by_hand_are_no_errors(session):
    handler = HILTCallbackHandler(session)
    handler.on_llm_start(None, [None], run_id="1")
    handler.on_llm_end(None, run_id="1")
    handler.on_llm_end({"generations": []}, run_id="never started")
    handler.on_llm_error(ValueError(), run_id="never started")
    handler.on_llm_new_token("x", run_id="never started")
    handler.on_chain_start(None, None, run_id="2", metadata=None, tags=None)
    handler.on_chain_error(ValueError(), run_id="2")
    handler.on_tool_start(None, None, run_id="3")
    handler.on_tool_end(None, run_id="3")
    handler.on_retriever_start(None, None, run_id="4")
    handler.on_retriever_end(None, run_id="4")
    handler.on_retriever_start(None, "q", run_id="5")
    handler.on_retriever_error(ValueError("no"), run_id="5")
    assert handler.recorder.runs == {}
    assert handler.recorder.open_activities == {}
    assert {one[0] for one in summary(session)} >= {"prompt", "completion", "tool_result", "system"}


def test_a_closed_session_is_reported_and_the_answer_is_returned(session, chain, caplog):
    session.close()
    assert chain.invoke({"q": "hi"}, {"callbacks": [HILTCallbackHandler(session)]}).content == HELLO
    assert "SessionError" in caplog.text
    with pytest.raises(SessionError):
        HILTCallbackHandler(session).on_llm_start(None, ["hi"], run_id="1")


# --- with capture on


def test_a_run_with_a_handler_is_only_in_its_session(session, chain, recording, runner):
    recording()
    config = {"callbacks": [HILTCallbackHandler(session, "demo")]}
    chain.invoke({"q": "hi"}, config)
    list(chain.stream({"q": "count to 2"}, config))
    runner.run(chain.ainvoke({"q": "hi"}, config))
    whole, chunks = ["prompt", "completion"], ["completion_chunk"] * 2
    assert [one[0] for one in calls(session)] == [*whole, "prompt", *chunks, "completion", *whole]
    assert boundaries(session) == STEPS * 3
    assert not recording.path.exists()
    ends = [event for event in events(session) if event["action"] == "completion"]
    assert all(end["provenance"]["request_id"] for end in ends)
    assert {event["session_id"] for event in events(session)} == {session_id_of("demo")}


def test_other_runs_are_recorded_as_ever(session, chain, recording):
    recording()
    chain.invoke({"q": "hi"}, {"callbacks": [HILTCallbackHandler(session)]})
    chain.invoke({"q": "hi"})
    assert [one[0] for one in calls(session)] == [one[0] for one in calls(recording.path)]
    assert boundaries(recording.path) == STEPS


def test_a_handler_on_the_model_records_only_the_model_call(session, chain, recording):
    recording()
    model = chain.last.model_copy(update={"callbacks": [HILTCallbackHandler(session)]})
    (chain.first | model).invoke({"q": "hi"})
    assert [one[0] for one in summary(session)] == ["prompt", "completion"]
    assert boundaries(recording.path) == STEPS
    assert calls(recording.path) == []


# --- functions under `@hilt_autolog.tool` that LangChain runs


@tool
@hilt_autolog.tool
def look_up(word: str) -> str:
    """Looks a word up, and a longer one by itself."""
    hilt_autolog.record_retrieval(documents=[word])
    return word if len(word) > 2 else LOOK_UP.func(word + "!")


LOOK_UP: Any = look_up  # it has its function as `func`


@tool("look_up_later")
@hilt_autolog.tool(name="look_up_later")
async def later(word: str) -> str:
    """Looks a word up."""
    hilt_autolog.record_retrieval(documents=[word])
    return word


LOOKED_UP = [("tool_call", None), ("retrieval", 0), ("tool_result", 0)]


def linked(log):
    return [(one[0], one[3]) for one in summary(log)]


@pytest.mark.parametrize("look", ["invoke", "ainvoke", "later"])
def test_a_tool_that_langchain_runs_is_recorded_once(recording, runner, look):
    recording()
    if look == "invoke":
        look_up.invoke("abc")
    else:
        runner.run((look_up if look == "ainvoke" else later).ainvoke("abc"))
    hilt_autolog.record_tool("after")
    assert linked(recording.path)[:3] == LOOKED_UP
    assert linked(recording.path)[3:] == [("tool_call", None), ("tool_result", 3)]


def test_calls_made_inside_are_recorded_as_usual(recording):
    recording()
    look_up.invoke("ab")
    assert [one[2:] for one in summary(recording.path) if one[0] == "tool_call"] == [
        ("ab", None),
        ('{"word": "ab!"}', 0),
    ]
    LOOK_UP.func("abc")
    assert linked(recording.path)[-3:] == [("tool_call", None), ("retrieval", 6), ("tool_result", 6)]


@pytest.mark.parametrize("is_captured", [False, True])
def test_a_tool_with_a_handler_is_recorded_in_its_session(session, recording, is_captured):
    if is_captured:
        recording()
    look_up.invoke("abc", {"callbacks": [HILTCallbackHandler(session)]})
    assert [one[0] for one in summary(session)] == ["tool_call", "tool_result"]
    if is_captured:
        assert linked(recording.path) == [("retrieval", None)]


def test_a_tool_with_its_own_session_is_recorded_there_too(session, recording):
    own = tool(hilt_autolog.tool(session=session)(LOOK_UP.func.__wrapped__))
    recording()
    own.invoke("abc")
    assert [one[0] for one in summary(session)] == ["tool_call", "tool_result"]
    assert [one[0] for one in summary(recording.path) if one[0] != "retrieval"] == [
        "tool_call",
        "tool_result",
    ]


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream"])
def test_after_a_chain_its_latest_answer_is_current(recording, chain, runner, way):
    recording()
    if way == "invoke":
        chain.invoke({"q": "hi"})
        hilt_autolog.record_feedback("good")
    elif way == "stream":
        list(chain.stream({"q": "hi"}))
        hilt_autolog.record_feedback("good")
    else:

        async def judge():
            await chain.ainvoke({"q": "hi"})
            hilt_autolog.record_feedback("good")

        runner.run(judge())
    log = events(recording.path)
    (answer,) = [one for one in log if one["action"] == "completion"]
    assert log[-1]["extensions"]["reply_to"] == answer["event_id"]
    assert log[-1]["session_id"] == answer["session_id"]


def test_streams_of_the_v3_protocol_are_recorded(session):
    handler = HILTCallbackHandler(session)
    handler.on_chat_model_start(None, [[HumanMessage("hi")]], run_id="1")
    handler.on_stream_event({"event": "message-start"}, run_id="1")
    for text in ("Hel", "lo"):
        handler.on_stream_event({"event": "content-block-delta", "delta": {"text": text}}, run_id="1")
    handler.on_llm_end(RESULT, run_id="1")
    assert [one[2] for one in summary(session)] == ["hi", "Hel", "lo", "Hello"]
