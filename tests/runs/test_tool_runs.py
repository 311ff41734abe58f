"""Tools that LangChain runs."""

from __future__ import annotations

import asyncio
import gc

import openai
import pytest
from langchain_core.callbacks.manager import CallbackManager
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool

from tests.support.langchain import TELLS_CALL_IDS, Acting, words

CALL = {"name": "look", "args": {"at": "Oslo"}, "id": "call_1", "type": "tool_call"}


@tool
def look(at: str) -> str:
    """Looks."""
    if at == "nowhere":
        raise LookupError("there is nothing")
    return f"{at} seen"


@tool
async def wait(seconds: float) -> str:
    """Waits."""
    await asyncio.sleep(seconds)
    return "done"


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_a_tool_that_the_program_calls(runner, run_log, way):
    if way == "invoke":
        look.invoke({"at": "Oslo"})
    else:
        runner.run(look.ainvoke({"at": "Oslo"}))
    log = run_log()
    assert log.short() == ['tool_call look {"at": "Oslo"}', "tool_result look Oslo seen"]
    assert log.is_linked()
    call, result = log.events
    assert call["extensions"] == {"tool": "look"}
    told = {"reply_to": call["event_id"], "tool": "look"}
    assert result["extensions"] == told | result["metrics"]
    assert result["actor"] == {"type": "tool", "id": "look"}
    assert log.runs("tool_call") == log.runs("tool_result")


def test_a_loop_of_ones_own(run_log, chat):
    """What the model asks for, what the tool says, what the model gets: each once, in one conversation."""
    question = ("user", "Please look at Oslo")
    asked = chat().bind_tools([look]).invoke([question])
    told = look.invoke(asked.tool_calls[0])
    chat().invoke([question, asked, told])
    log = run_log()
    assert log.actions == ["prompt", "completion", "tool_call", "tool_result", "prompt", "completion"]
    assert len(log.sessions()) == 1
    assert log.of("tool_result")[0]["extensions"]["reply_to"] == log.of("tool_call")[0]["event_id"]
    assert log.of("tool_result")[0]["actor"]["id"] == log.of("prompt")[1]["actor"]["id"] == "look"


def test_a_remote_tools_result_comes_with_the_next_request(run_log, chat):
    question = ("user", "Please look at Oslo")
    asked = chat().bind_tools([look]).invoke([question])
    chat().invoke([question, asked, ToolMessage("Oslo seen", tool_call_id=asked.tool_calls[0]["id"])])
    assert run_log().actions == ["prompt", "completion", "tool_call", "tool_result", "prompt", "completion"]


def test_a_call_that_nobody_is_known_to_have_asked_for(run_log):
    look.invoke(CALL)
    log = run_log()
    assert log.actions == ["tool_call", "tool_result"]
    known = [event["extensions"].get("tool_call_id") for event in log.events]
    assert known == ["call_1" if TELLS_CALL_IDS else None, "call_1"]


def test_an_older_langchain_has_the_id_at_the_end_only(run_log):
    """A tool that an answer has asked for waits with its call: it is not to be written again."""
    GenericFakeChatModel(messages=iter([AIMessage("", tool_calls=[CALL])])).invoke("Look!")
    for output in (ToolMessage("seen", tool_call_id="call_1"), "seen"):
        CallbackManager([]).on_tool_start({"name": "look"}, "Oslo", inputs={"at": "Oslo"}).on_tool_end(output)
    log = run_log()
    assert log.actions == ["prompt", "completion", *["tool_call", "tool_result"] * 2]
    identities = [event["extensions"].get("tool_call_id") for event in log.events[2:]]
    assert identities == ["call_1", "call_1", None, None]


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("words", "words"),
        ("", ""),
        (7, "7"),
        (None, "null"),
        ({"a": [1, None]}, '{"a":[1,null]}'),
        (["x", 1], '["x",1]'),
        (object, "object"),
        ([{"type": "text", "text": "from a server"}], "from a server"),
        (ToolMessage([{"type": "text", "text": "in "}, "parts"], tool_call_id="c"), "in parts"),
    ],
    ids=str,
)
def test_what_tools_return(run_log, output, text):
    @tool
    def give(x: str):
        """Gives."""
        return output

    give.invoke({"x": ""})
    result = run_log().of("tool_result")[0]["content"]["text"]
    assert result == text or (output is object and text in result)


@pytest.mark.parametrize(
    "call", [{"at": "nowhere"}, CALL | {"args": {"at": "nowhere"}}], ids=["plain", "call"]
)
def test_a_tool_that_fails(run_log, call):
    with pytest.raises(LookupError):
        look.invoke(call)
    log = run_log()
    assert log.short() == ['tool_call look {"at": "nowhere"}', "system look there is nothing"]
    known = log.events[1]["extensions"]
    assert (known["error_type"], known["tool"]) == ("LookupError", "look")
    assert known["reply_to"] == log.events[0]["event_id"]


def test_arguments_that_do_not_fit(run_log):
    with pytest.raises(ValueError, match="validation"):
        look.invoke({})
    log = run_log()
    assert log.actions == ["tool_call", "system"]
    assert log.events[1]["extensions"]["error_type"] == "ValidationError"


def test_a_tool_that_is_cancelled(runner, run_log):
    async def skip_stat():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wait.ainvoke({"seconds": 30}), 0.01)

    runner.run(skip_stat())
    gc.collect()
    log = run_log()
    assert log.actions == ["tool_call", "system"]
    assert log.events[1]["extensions"]["error_code"] == "cancelled"


def test_a_direct_sdk_call_in_a_tool_is_recorded_separately(run_log, provider):
    @tool
    def ask(question: str) -> str:
        """Asks."""
        with openai.OpenAI(api_key="x", base_url=provider.base_url) as client:
            messages = [{"role": "user", "content": question}]
            answer = client.chat.completions.create(model="gpt-4o", messages=messages)
        return answer.choices[0].message.content or ""

    ask.invoke({"question": "What is a flight recorder?"})
    log = run_log()
    assert log.actions == ["tool_call", "prompt", "completion", "tool_result"]
    assert log.runs("prompt", "completion") == [None, None]


def test_a_model_in_a_tool(run_log):
    @tool
    def think(about: str) -> str:
        """Thinks."""
        return words(Acting(acts=lambda _: "thought").invoke(about))

    think.invoke({"about": "life"})
    log = run_log()
    assert log.actions == ["tool_call", "prompt", "completion", "tool_result"]
    assert len(log.sessions()) == 1
