"""Agents of LangGraph: one prompt and one end a request, one call and one result a tool."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, interrupt

from tests.support.langchain import OTHERS, OWN, TELLS_CALL_IDS

try:
    from langchain.agents import create_agent
except ImportError:  # langgraph 0.6 stands alone
    from langgraph.prebuilt import create_react_agent as create_agent  # type: ignore[no-redef]  # or the other

QUESTIONS = ("How is the weather in Paris?", "And what is the time in Rome?", "Thank you")
MODEL = "gpt-4o-mini-2024-07-18"
STORY = [
    "prompt user How is the weather in Paris?",
    f"completion {MODEL} -",
    f'tool_call {MODEL} {{"city": "Paris"}}',
    "tool_result get_weather sunny in Paris",
    "prompt get_weather sunny in Paris",
    f"completion {MODEL} I asked, and this is what the tool returned: sunny in Paris.",
    "prompt user And what is the time in Rome?",
    f"completion {MODEL} -",
    f'tool_call {MODEL} {{"city": "Rome"}}',
    "tool_result get_time noon in Rome",
    "prompt get_time noon in Rome",
    f"completion {MODEL} I asked, and this is what the tool returned: noon in Rome.",
    "prompt user Thank you",
    f'completion {MODEL} You said "Thank you", and I say so too.',
]


@tool
def get_weather(city: str) -> str:
    """Tells the weather of a city."""
    return f"sunny in {city}"


@tool
async def get_time_later(city: str) -> str:
    """Tells the time of a city."""
    await asyncio.sleep(0)
    return f"noon in {city}"


@tool
def get_time(city: str) -> str:
    """Tells the time of a city."""
    return f"noon in {city}"


async def invoke(agent, given, config):
    agent.invoke(given, config)


async def ainvoke(agent, given, config):
    await agent.ainvoke(given, config)


async def stream(agent, given, config):
    list(agent.stream(given, config))


async def astream(agent, given, config):
    [_ async for _ in agent.astream(given, config)]


async def messages(agent, given, config):
    list(agent.stream(given, config, stream_mode="messages"))


async def events(agent, given, config):
    [_ async for _ in agent.astream_events(given, config, version="v2")]


WAYS = {way.__name__: way for way in (invoke, ainvoke, stream, astream, messages, events)}


@pytest.mark.parametrize("way", WAYS)
def test_an_agent_with_two_tools_over_three_turns(runner, run_log, chat, way):
    agent = create_agent(chat(), [get_weather, get_time], checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "trip"}}
    for question in QUESTIONS:
        runner.run(WAYS[way](agent, {"messages": [("user", question)]}, config))
    log = run_log()
    assert log.model_events() == STORY
    assert log.is_linked()
    assert len(log.sessions()) == 1
    others = [event for event in log.events if event["action"] != "completion_chunk"]
    assert {event["extensions"]["conversation"] for event in others} == {"trip"}
    calls = {event["event_id"]: event["extensions"]["tool_call_id"] for event in log.of("tool_call")}
    results = {e["extensions"]["reply_to"]: e["extensions"]["tool_call_id"] for e in log.of("tool_result")}
    assert calls == results
    told = {event["event_id"]: event["content"]["text"] for event in log.of("tool_result")}
    after = [told.get(event["extensions"].get("reply_to")) for event in log.of("prompt")]
    assert after == [None, "sunny in Paris", None, "noon in Rome", None]


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession")  # google-genai's own
@pytest.mark.parametrize("package", OTHERS)
@pytest.mark.parametrize("way", WAYS)
def test_an_agent_over_another_sdk(runner, run_log, other, package, way):
    model, served_by = other(package)
    agent = create_agent(model, [get_weather, get_time], checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "trip"}}
    for question in QUESTIONS:
        runner.run(WAYS[way](agent, {"messages": [("user", question)]}, config))
    log = run_log()
    assert log.counts() == {"prompt": 5, "completion": 5, "tool_call": 2, "tool_result": 2}
    assert log.is_linked()
    assert len(log.sessions()) == 1
    asked = {event["event_id"]: event["extensions"]["tool"] for event in log.of("tool_call")}
    results = log.of("tool_result")
    assert [asked[event["extensions"]["reply_to"]] for event in results] == ["get_weather", "get_time"]
    assert [event["content"]["text"] for event in results] == ["sunny in Paris", "noon in Rome"]
    actors = [event["actor"]["id"] for event in log.of("prompt")]
    assert actors == ["user", "get_weather", "user", "get_time", "user"]
    after = [
        event["extensions"]["reply_to"] for event in log.of("prompt") if event["actor"]["type"] == "tool"
    ]
    assert after == [event["event_id"] for event in results]
    assert {event["actor"]["id"] for event in log.of("completion")} == {served_by.answers_as}


def test_without_a_thread_the_conversation_is_recognised(run_log, chat):
    agent = create_agent(chat(), [get_weather])
    state = agent.invoke({"messages": [("user", QUESTIONS[0])]})
    agent.invoke({"messages": [*state["messages"], ("user", "Thank you")]})
    log = run_log()
    ours = [event for event in log.events if event["actor"]["type"] != "system"]
    assert len({event["session_id"] for event in ours}) == 1
    assert [len(event["content"].get("messages", ())) for event in log.of("prompt")] == [0, 1, 0]


def test_many_agents_at_a_time(runner, run_log, chat):
    agent = create_agent(chat(), [get_weather, get_time_later], checkpointer=InMemorySaver())

    async def talk(number):
        given = {"messages": [("user", f"How is the weather in City{number}?")]}
        await agent.ainvoke(given, {"configurable": {"thread_id": f"thread-{number}"}})

    async def talk_all():
        await asyncio.gather(*map(talk, range(20)))

    runner.run(talk_all())
    log = run_log()
    assert len(log.sessions()) == 20
    assert log.counts() == {"prompt": 40, "completion": 40, "tool_call": 20, "tool_result": 20}
    for session in log.sessions():
        told = [event for event in log.events if event["session_id"] == session]
        (city,) = {event["extensions"]["conversation"] for event in told}
        words = [event["content"]["text"] for event in told if event["action"] == "tool_result"]
        assert words == [f"sunny in City{city.removeprefix('thread-')}"]


def test_two_tools_at_once(run_log):
    asking = AIMessage(
        "",
        tool_calls=[
            {"name": "get_weather", "args": {"city": "Rome"}, "id": "call_1"},
            {"name": "get_time", "args": {"city": "Rome"}, "id": "call_2"},
        ],
    )
    graph_of(ToolNode([get_weather, get_time])).invoke({"messages": [asking]}, THREAD)
    log = run_log()
    assert log.counts() == {"prompt": 0, "completion": 0, "tool_call": 2, "tool_result": 2}
    calls = {event["event_id"]: event["extensions"]["tool"] for event in log.of("tool_call")}
    assert {calls[e["extensions"]["reply_to"]]: e["actor"]["id"] for e in log.of("tool_result")} == {
        "get_weather": "get_weather",
        "get_time": "get_time",
    }


THREAD = {"configurable": {"thread_id": "t"}}


def graph_of(node, state=MessagesState):
    graph = StateGraph(state)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    return graph.compile(checkpointer=InMemorySaver())


def test_the_boundaries_of_a_graph(run_log):
    graph_of(lambda _: {"messages": ["hello"]}).invoke({"messages": []}, THREAD | {"tags": ["mine"]})
    log = run_log()
    assert log.short() == [
        "system LangGraph started",
        "system node started",
        "system node completed",
        "system LangGraph completed",
    ]
    graph, node = log.runs("system")[:2]
    assert OWN >= node.keys() >= {"run_id", "parent_run_id", "name", "metadata"}
    assert node["parent_run_id"] == graph["run_id"]
    assert graph["tags"] == ["mine"]
    assert node["metadata"]["langgraph_node"] == "node"
    started, inner, inner_end, end = log.events
    assert inner["extensions"]["reply_to"] == end["extensions"]["reply_to"] == started["event_id"]
    assert inner_end["extensions"]["reply_to"] == inner["event_id"]


# --- pauses


def test_a_langgraph_interrupt_is_no_failure(run_log):
    graph = graph_of(lambda _: {"messages": [interrupt({"may I": "?"})]})
    graph.invoke({"messages": []}, THREAD)
    graph.invoke(Command(resume="yes"), THREAD)
    log = run_log()
    assert [line.removeprefix("system ") for line in log.short()] == [
        "LangGraph started",
        "node started",
        "node paused",
        "LangGraph paused",
        "LangGraph started",
        "node started",
        "node completed",
        "LangGraph completed",
    ]
    (part,) = log.events[2]["content"]["messages"][0]["parts"]
    assert part["type"] == "interrupt"
    assert part["content"]["value"] == {"may I": "?"}
    assert not [event for event in log.events if "error_type" in event.get("extensions", {})]


def test_a_graph_within_a_chain_pauses_by_itself(run_log):
    graph = graph_of(lambda _: {"messages": [interrupt("?")]})
    chain = RunnableLambda(lambda inputs: inputs) | graph | RunnableLambda(lambda _: "done")
    assert chain.invoke({"messages": []}, THREAD) == "done"
    log = run_log()
    assert [line for line in log.short() if "paused" in line] == [
        "system node paused",
        "system LangGraph paused",
    ]
    assert log.short()[-1] == "system RunnableSequence completed"


def test_a_step_that_makes_up_for_a_pause_is_completed(run_log):
    def node(_):
        with contextlib.suppress(Exception):
            ask_human.invoke({"question": "really?"})
        return {"messages": []}

    graph_of(node).invoke({"messages": []}, THREAD)
    assert [line for line in run_log().short() if line.endswith(("paused", "completed"))] == [
        "system ask_human paused",
        "system node completed",
        "system LangGraph completed",
    ]


@tool
def ask_human(question: str) -> str:
    """Asks a human."""
    return interrupt(question)


def test_an_interrupted_tool_has_one_call_and_one_result(run_log):
    graph = graph_of(ToolNode([ask_human]))
    call = {"name": "ask_human", "args": {"question": "really?"}, "id": "call_1"}
    graph.invoke({"messages": [AIMessage("", tool_calls=[call])]}, THREAD)
    graph.invoke(Command(resume="yes"), THREAD)
    log = run_log()
    calls = 1 if TELLS_CALL_IDS else 2  # without its id a call that is resumed is not known again
    assert log.counts() == {"prompt": 0, "completion": 0, "tool_call": calls, "tool_result": 1}
    (result,) = log.of("tool_result")
    assert result["content"]["text"] == "yes"
    assert result["extensions"]["reply_to"] == log.of("tool_call")[-1]["event_id"]
    assert "system ask_human paused" in log.short()
