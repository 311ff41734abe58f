"""What is read from LangChain's objects, however odd they are."""

from __future__ import annotations

import base64
from types import SimpleNamespace

import pytest
from langchain_core.callbacks.manager import CallbackManager
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, Generation, GenerationChunk, LLMResult

from hilt_autolog.contracts.framework import ToolOutput
from hilt_autolog.contracts.sdk_objects import fields
from hilt_autolog.providers._langchain import messages
from hilt_autolog.providers._langchain.response import ChunkAccumulator, parse_response
from hilt_autolog.providers._langchain.results import (
    parse_documents,
    parse_error,
    parse_scores,
    parse_tool_output,
)

PNG = base64.b64encode(b"\x89PNG...").decode()
TEXT = {"type": "text", "content": "hi"}
BLOB = {"type": "blob", "modality": "image", "mime_type": "image/png", "data": PNG}
CALL = {"name": "look", "args": {"at": "x"}, "id": "c1", "type": "tool_call"}
CALL_PART = {"type": "tool_call", "id": "c1", "name": "look", "arguments": '{"at": "x"}'}


@pytest.mark.parametrize(
    ("given", "role", "parts"),
    [
        (HumanMessage("hi"), "user", [TEXT]),
        (SystemMessage("hi"), "system", [TEXT]),
        (AIMessage("hi"), "assistant", [TEXT]),
        (AIMessage(""), "assistant", []),
        (ChatMessage("hi", role="critic"), "critic", [TEXT]),
        (HumanMessage(["hi"]), "user", [TEXT]),
        (
            ToolMessage("hi", tool_call_id="c1"),
            "tool",
            [{"type": "tool_call_response", "id": "c1", "response": "hi"}],
        ),
        (
            ToolMessage([{"type": "text", "text": "hi"}], tool_call_id="c1"),
            "tool",
            [{"type": "tool_call_response", "id": "c1", "response": [TEXT]}],
        ),
        (AIMessage("hi", tool_calls=[CALL]), "assistant", [TEXT, CALL_PART]),
        (
            AIMessage(
                [{"type": "tool_use", "id": "c1", "name": "look", "input": {"at": "x"}}], tool_calls=[CALL]
            ),
            "assistant",
            [CALL_PART],
        ),
        (
            AIMessage(
                "",
                invalid_tool_calls=[
                    {"name": "look", "args": '{"at":', "id": "c1", "error": "", "type": "invalid_tool_call"}
                ],
            ),
            "assistant",
            [CALL_PART | {"arguments": '{"at":'}],
        ),
        (
            AIMessage(
                [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "hi"}]
            ),
            "assistant",
            [{"type": "reasoning", "content": "hm"}, TEXT],
        ),
        (
            AIMessage("hi", additional_kwargs={"reasoning_content": "hm"}),
            "assistant",
            [{"type": "reasoning", "content": "hm"}, TEXT],
        ),
        (
            HumanMessage([{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}]),
            "user",
            [BLOB],
        ),
        (HumanMessage([{"type": "image", "base64": PNG, "mime_type": "image/png"}]), "user", [BLOB]),
        (
            HumanMessage([{"type": "image", "source_type": "base64", "data": PNG, "mime_type": "image/png"}]),
            "user",
            [BLOB],
        ),
        (
            HumanMessage([{"type": "file", "file_id": "f1"}]),
            "user",
            [{"type": "file", "modality": "document", "file_id": "f1"}],
        ),
        (
            HumanMessage([{"type": "image", "url": "https://x/y.png"}]),
            "user",
            [{"type": "uri", "modality": "image", "uri": "https://x/y.png"}],
        ),
        (HumanMessage([{"type": "riddle", "words": 1}]), "user", [{"type": "riddle", "words": 1}]),
        (HumanMessage([{"mystery": 1}]), "user", [{"type": "unknown", "mystery": 1}]),
    ],
    ids=lambda value: None if isinstance(value, str) else type(value).__name__,
)
def test_messages(given, role, parts):
    assert messages.parse_messages([given]) == [{"role": role, "parts": parts}]


def test_names_are_kept():
    assert messages.parse_messages([HumanMessage("hi", name="ada")])[0]["name"] == "ada"


# --- answers


ODD = (None, 0, "x", [], {}, [None], [[None]], [["x"]], object(), iter([1]))
NAMES = [repr(odd).partition(" object at")[0] for odd in ODD]


@pytest.mark.parametrize("odd", ODD, ids=NAMES)
def test_an_answer_may_be_anything(odd):
    for result in (odd, SimpleNamespace(generations=odd), SimpleNamespace(generations=[[odd]])):
        assert parse_response(fields(result)).tokens == {}
    for field in ("content", "tool_calls", "usage_metadata", "response_metadata", "additional_kwargs", "id"):
        spoilt = AIMessage("hi")
        spoilt.__dict__[field] = odd
        response = parse_response({"generations": [[ChatGeneration.model_construct(message=spoilt)]]})
        assert field == "content" or response.text == "hi"


@pytest.mark.parametrize("odd", ODD, ids=NAMES)
def test_a_model_may_answer_anything_and_the_run_ends(run_log, odd):
    for field in ("usage_metadata", "response_metadata", "tool_calls", "additional_kwargs"):
        spoilt = AIMessage("hi")
        spoilt.__dict__[field] = odd
        (run,) = CallbackManager([]).on_chat_model_start({}, [[HumanMessage("ask")]])
        run.on_llm_end(
            LLMResult.model_construct(generations=[[ChatGeneration.model_construct(message=spoilt)]])
        )
        log = run_log()
        assert log.actions[-2:] == ["prompt", "completion"]
        assert log.events[-1]["content"]["text"] == "hi"


@pytest.mark.parametrize("odd", ODD, ids=NAMES)
def test_a_start_may_bring_anything(run_log, odd):
    """What cannot be read is not logged, and no call of the program is touched."""
    manager = CallbackManager([])
    manager.on_llm_start({"id": odd, "name": odd}, ["ask"], invocation_params=odd)[0].on_llm_end(odd)
    manager.on_chain_start(odd if isinstance(odd, dict | None) else {"id": odd}, odd).on_chain_end(odd)
    manager.on_tool_start({"name": odd}, "text", inputs=odd, tool_call_id=odd).on_tool_end(odd)
    manager.on_retriever_start({"id": odd}, "which").on_retriever_end(odd)
    log = run_log()
    assert log.actions[:4] == ["prompt", "completion", "system", "system"]
    assert log.actions.count("tool_call") == log.actions.count("tool_result") == 1


def test_choices():
    response = parse_response(
        {
            "generations": [
                [Generation(text="one", generation_info={"finish_reason": "stop"}), Generation(text="two")]
            ]
        }
    )
    assert response.text == "one\n\ntwo"
    assert [message.get("finish_reason") for message in response.messages] == ["stop", None]


def test_the_usage_of_models_that_answer_with_texts():
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    response = parse_response(
        {
            "generations": [[Generation(text="x")]],
            "llm_output": {"token_usage": usage, "model_name": "gpt-3.5-turbo-instruct"},
        }
    )
    assert (response.tokens, response.usage) == ({"prompt": 3, "completion": 4, "total": 7}, usage)
    assert response.model == "gpt-3.5-turbo-instruct"


# --- streams


def piece(content="", **more):
    return ChatGenerationChunk(message=AIMessageChunk(content, **more))


def call_piece(args, identity=None, name=None):
    chunk = {"name": name, "args": args, "id": identity, "index": 0, "type": "tool_call_chunk"}
    return piece(tool_call_chunks=[chunk])


@pytest.mark.parametrize(
    ("chunk", "deltas"),
    [
        (piece("hi"), [("text", "hi", 0)]),
        (piece(""), []),
        (piece([{"type": "text", "text": "hi"}]), [("text", "hi", 0)]),
        (piece([{"type": "thinking", "thinking": "hm"}]), [("reasoning", "hm", 0)]),
        (piece(additional_kwargs={"reasoning_content": "hm"}), [("reasoning", "hm", 0)]),
        (call_piece('{"a"', "c1", "look"), [("tool_arguments", '{"a"', 0)]),
        (GenerationChunk(text="hi"), [("text", "hi", 0)]),
        ("hi", [("text", "hi", 0)]),
        (
            {"event": "content-block-delta", "delta": {"type": "text-delta", "text": "hi"}},
            [("text", "hi", 0)],
        ),
        ({"event": "message-start"}, []),
        (None, []),
        (object(), []),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_chunk_newly_says(chunk, deltas):
    assert list(ChunkAccumulator().add(chunk)) == deltas


def test_a_stream_so_far():
    accumulator = ChunkAccumulator()
    for chunk in (piece("I "), piece("look"), call_piece('{"at":', "c1", "look"), call_piece('"x"}')):
        accumulator.add(chunk)
    response = accumulator.response()
    assert response.text == "I look"
    assert response.tool_calls == [("c1", "look", '{"at":"x"}')]


def test_a_model_that_reports_its_stream_twice_is_recorded_once():
    accumulator = ChunkAccumulator()
    chunks = [{"event": "content-block-delta", "delta": {"text": "hi"}}, piece("hi")]
    assert [list(accumulator.add(chunk)) for chunk in chunks] == [[("text", "hi", 0)], []]


class Calling(GenericFakeChatModel):
    """Streams a call of a tool."""

    def _stream(self, *_, **__):
        yield call_piece('{"at":1}', "c1", "look")


def test_a_stream_of_tool_arguments(run_log):
    list(Calling(messages=iter(())).stream("hi"))
    log = run_log()
    assert log.actions == ["prompt", "completion_chunk", "completion", "tool_call"]
    assert log.events[1]["extensions"]["kind"] == "tool_arguments"


# --- tools, documents, exceptions


@pytest.mark.parametrize("odd", ODD, ids=NAMES)
def test_tools_and_retrievers_may_return_anything(odd):
    assert isinstance(parse_tool_output(odd), ToolOutput)
    assert len(parse_documents(odd, {})) == (len(odd) if isinstance(odd, list) else 0)
    assert parse_scores(odd) == {}


def test_a_command_that_holds_a_message():
    message = ToolMessage("done", tool_call_id="c1")
    command = SimpleNamespace(update={"messages": [HumanMessage("x"), message]})
    assert parse_tool_output(command) == ("c1", "done")


def test_scores():
    one, two = Document("a"), Document("b")
    assert parse_scores([(one, 0.5), (two, True), (one,), "x"]) == {id(one): 0.5}
    assert parse_scores([(one, 0.5, [0.1])]) == {id(one): 0.5}


class Throttled(Exception):  # noqa: N818  a name as libraries have it
    """As boto's."""


Throttled.__name__ = "ThrottlingException"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValueError("x"), "api_error"),
        (TimeoutError(), "timeout"),
        (ConnectionRefusedError(), "connection"),
        (Throttled("slow down"), "rate_limit"),
        (KeyboardInterrupt(), "cancelled"),
    ],
    ids=repr,
)
def test_codes_of_exceptions(error, code):
    error_info = parse_error(error)
    assert (error_info.code, error_info.status) == (code, None)
    assert error_info.text == (str(error) or type(error).__name__)
