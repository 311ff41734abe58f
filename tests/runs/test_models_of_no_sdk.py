"""Models that no SDK of ours serves are logged from LangChain's own data."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys

import pytest
from langchain_core.language_models import FakeListLLM
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

import hilt_autolog
from tests.support.langchain import STREAMS, WAYS, Acting, Waiting, fake

SHORT = ["prompt user Hi", "completion fakelistchatmodel Hello there"]


@pytest.mark.parametrize("way", WAYS)
def test_each_way_of_calling(runner, run_log, way):
    assert runner.run(WAYS[way](fake(), "Hi", {"metadata": {"thread_id": 7}})) == "Hello there"
    log = run_log()
    assert log.short() == SHORT
    assert log.is_linked()
    assert log.runs("prompt") == log.runs("completion")
    assert {event["extensions"]["conversation"] for event in log.of("prompt", "completion")} == {"7"}
    chunks = log.of("completion_chunk")
    said = "".join(chunk["content"]["text"] for chunk in chunks)
    assert said == ("Hello there" if way in STREAMS else "")
    assert log.of("completion")[0]["extensions"].get("chunks") == (len(chunks) or None)


def test_what_an_answer_brings(run_log):
    call = {"name": "look", "args": {"at": "Oslo"}, "id": "call_1", "type": "tool_call"}
    usage = {"input_tokens": 30, "output_tokens": 5, "total_tokens": 35}
    usage |= {"input_token_details": {"cache_read": 20}, "output_token_details": {"reasoning": 2}}
    answer = AIMessage(
        [{"type": "reasoning", "reasoning": "Hm."}, {"type": "text", "text": "I look."}],
        tool_calls=[call],
        usage_metadata=usage,
        response_metadata={"model_name": "claude-sonnet-4-5", "stop_reason": "tool_use", "id": "msg_1"},
    )
    model = GenericFakeChatModel(messages=iter([answer]))
    model.invoke("Where?", {"metadata": {"ls_provider": "anthropic"}})
    log = run_log()
    assert log.short() == [
        "prompt user Where?",
        "completion claude-sonnet-4-5 I look.",
        'tool_call claude-sonnet-4-5 {"at": "Oslo"}',
    ]
    completion, tool_call = log.events[1:]
    assert completion["content"]["messages"] == [
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "Hm."},
                {"type": "text", "content": "I look."},
                {"type": "tool_call", "id": "call_1", "name": "look", "arguments": '{"at": "Oslo"}'},
            ],
            "finish_reason": "tool_use",
        }
    ]
    tokens = {"prompt": 30, "completion": 5, "total": 35, "cached": 20, "reasoning": 2}
    assert completion["metrics"]["tokens"] == tokens
    assert completion["extensions"]["usage"] == usage
    assert completion["extensions"]["finish_reason"] == "tool_use"
    assert completion["provenance"]["response_id"] == "msg_1"
    assert tool_call["extensions"]["tool_call_id"] == "call_1"


def test_a_conversation_is_recognised_and_written_once(run_log):
    model, history = fake("one", "two"), [("system", "Be brief."), ("user", "first")]
    answer = model.invoke(history)
    model.invoke([*history, answer, ("user", "second")])
    log = run_log()
    assert len(log.sessions()) == 1
    second = log.of("prompt")[1]
    assert second["content"] == {"text": "second"}
    assert second["extensions"]["history"]["messages"] == 3
    assert second["extensions"]["reply_to"] == log.of("completion")[0]["event_id"]
    roles = [message["role"] for message in log.read.messages_of(log.of("completion")[1])]
    assert roles == ["system", "user", "assistant", "user", "assistant"]


def test_what_the_program_says_of_the_conversation_wins(run_log):
    with hilt_autolog.conversation("mine"):
        fake().invoke("Hi", {"metadata": {"session_id": "theirs"}})
    assert {event["extensions"]["conversation"] for event in run_log().events} == {"mine"}


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "batch", "abatch"])
def test_texts_without_roles(runner, run_log, way):
    model = FakeListLLM(responses=["one", "two"])
    given = ["a", "b"] if "batch" in way else "a"
    answers = getattr(model, way)(given)
    if way.startswith("a"):
        runner.run(_awaited(answers))
    log = run_log()
    assert log.short()[: len(given)] == [f"prompt user {words}" for words in given]
    assert len(log.of("completion")) == len(given)
    assert {event["provenance"]["operation"] for event in log.events} == {"llm"}


async def _awaited(coroutine):
    return await coroutine


def test_keys_and_headers_are_not_logged(run_log):
    class Keyed(Acting):
        api_key: str = "s3cret"
        default_headers: str = "s3cret"
        temperature: float = 0.5

        @property
        def _identifying_params(self):
            return self.__dict__

        @property
        def _llm_type(self):
            return "keyed"

    Keyed(acts=lambda _: "yes").invoke("Hi", {"metadata": {"x_api_key": "s3cret"}})
    log = run_log()
    assert "s3cret" not in json.dumps(log.all)
    assert log.of("prompt")[0]["extensions"]["request"]["temperature"] == 0.5


# --- ends


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
def test_an_exception(runner, run_log, way):
    class Limited(Exception):  # noqa: N818  a name as libraries have it
        status_code = 429

        def __init__(self):
            super().__init__("not so fast")
            self.status_code = 429

    def refuse(_):
        raise Limited

    with pytest.raises(Limited):
        runner.run(WAYS[way](Acting(acts=refuse), "Hi", None))
    log = run_log()
    assert log.short() == ["prompt user Hi", "system acting not so fast"]
    known = log.events[1]["extensions"]
    assert known["reply_to"] == log.events[0]["event_id"]
    assert (known["error_type"], known["error_code"], known["status_code"]) == ("Limited", "rate_limit", 429)


class Breaking(Acting):
    """Streams half of its answer."""

    acts: object = None

    def _stream(self, *_args, **_kwargs):
        yield ChatGenerationChunk(message=AIMessageChunk("Hel"))
        raise ConnectionResetError("gone")


def test_a_stream_that_breaks_keeps_what_was_said(run_log):
    with pytest.raises(ConnectionResetError):
        list(Breaking().stream("Hi"))
    log = run_log()
    assert log.actions == ["prompt", "completion_chunk", "completion", "system"]
    partial, error = log.events[2:]
    assert partial["content"]["text"] == "Hel"
    assert (partial["extensions"]["partial"], partial["extensions"]["ended"]) == (True, "error")
    assert error["extensions"]["error_code"] == "connection"


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_stream_that_is_left(runner, run_log, way):
    async def leave():
        if way == "stream":
            stream = fake().stream("Hi")
            next(stream)
            stream.close()
        else:
            stream = fake().astream("Hi")
            await anext(stream)
            await stream.aclose()

    runner.run(leave())
    log = run_log()
    assert log.actions == ["prompt", "completion_chunk", "completion"]
    assert log.events[-1]["content"]["text"] == "H"
    assert log.events[-1]["extensions"]["ended"] == "closed"


def test_a_cancelled_async_call_ends_without_a_langchain_callback(runner, run_log):
    async def skip_stat():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(Waiting().ainvoke("Hi"), 0.01)

    runner.run(skip_stat())
    gc.collect()
    log = run_log()
    assert log.short() == ["prompt user Hi", "system waiting CancelledError"]
    assert log.events[1]["extensions"]["error_code"] == "cancelled"


def test_a_call_that_is_open_when_the_recording_ends(run_log):
    stream = fake().stream("Hi")
    next(stream)
    hilt_autolog.disable()
    log = run_log()
    assert log.events[-1]["action"] == "completion"
    assert log.events[-1]["extensions"]["ended"] == "exit"
    assert len(list(stream)) >= 10
    assert run_log().actions == log.actions


DYING = """
import os
import hilt_autolog
from langchain_core.language_models.chat_models import SimpleChatModel

class Dying(SimpleChatModel):
    _llm_type = "dying"
    def _call(self, *args, **kwargs):
        os._exit(9)

hilt_autolog.enable(path="log.hilt.jsonl")
Dying().invoke("Remember me")
"""


def test_the_prompt_is_on_disk_before_the_model_is_asked(tmp_path):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HILT_")}
    done = subprocess.run([sys.executable, "-c", DYING], cwd=tmp_path, env=environ, check=False)
    assert done.returncode == 9
    prompts = [
        event for event in hilt_autolog.read(tmp_path / "log.hilt.jsonl") if event["action"] == "prompt"
    ]
    assert [event["content"]["text"] for event in prompts] == ["Remember me"]
