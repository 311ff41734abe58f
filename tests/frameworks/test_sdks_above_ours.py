"""Frameworks above the SDKs: each call through one of them is recorded once, as the SDK's."""

from __future__ import annotations

import asyncio
import gc
import importlib

import anthropic
import openai
import pytest

pytestmark = [  # what these warn of by themselves
    pytest.mark.filterwarnings("ignore::UserWarning:pydantic"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed"),
    pytest.mark.filterwarnings("ignore:Exception ignored in"),
]
HELLO, WEATHER = "Hello", "How is the weather in Paris?"
SUNNY = "18 degrees and sunny"
ANSWERED = ["prompt", "completion"]
TOOLED = ["prompt", "completion", "tool_call", "tool_result", "prompt", "completion"]


@pytest.fixture
def clients(provider, runner):
    """Make clients of the SDKs, asynchronous ones, as these want them; they are closed afterwards."""
    made = []

    def make(kind, **options):
        made.append(kind(api_key="x", **options))
        return made[-1]

    yield make
    for client in made:
        runner.run(client.close())


@pytest.fixture
def recorded_calls(recording):
    """Enable recording, and return the actions, without chunks, and the operations that they were of."""
    recording()

    def recorded_calls(*, streamed=None):
        log = recording.log()
        assert streamed in (None, "completion_chunk" in log.actions)
        actions = [action for action in log.actions if action != "completion_chunk"]
        ids = [
            (call["extensions"]["tool"], call["extensions"]["tool_call_id"]) for call in log.of("tool_call")
        ]
        assert [one["extensions"]["tool_call_id"] for one in log.of("tool_result")] in (
            [],
            [i for _, i in ids],
        )
        return actions, {
            call["provenance"]["operation"] for call in log.of("prompt", "completion", "embedding")
        }

    return recorded_calls


def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"{SUNNY} in {city}"


# --- LiteLLM

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tell the weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture
def litellm(monkeypatch):
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # it would ask the network as it is imported
    litellm = pytest.importorskip("litellm")
    yield litellm
    litellm.in_memory_llm_clients_cache.flush_cache()
    gc.collect()  # while the warnings of what it leaves open are passed over


@pytest.fixture
def asked(provider):
    """What LiteLLM is asked; with another question, if there is one."""

    def ask(words=HELLO, model="openai/gpt-4o-mini", **more):
        messages = [{"role": "user", "content": words}]
        return {"model": model, "messages": messages, "api_base": provider.base_url, "api_key": "x", **more}

    return ask


def test_litellm(litellm, asked, recorded_calls):
    litellm.completion(**asked())
    assert recorded_calls() == (ANSWERED, {"chat.completions"})


def test_litellm_in_a_stream(litellm, asked, recorded_calls):
    list(litellm.completion(**asked(), stream=True))
    assert recorded_calls(streamed=True) == (ANSWERED, {"chat.completions"})


def test_litellm_async(litellm, asked, recorded_calls, runner):
    runner.run(litellm.acompletion(**asked()))
    assert recorded_calls() == (ANSWERED, {"chat.completions"})


def test_litellm_async_in_a_stream(litellm, asked, recorded_calls, runner):
    async def drain():
        return [chunk async for chunk in await litellm.acompletion(**asked(), stream=True)]

    assert runner.run(drain())
    assert recorded_calls(streamed=True) == (ANSWERED, {"chat.completions"})


def test_litellm_with_a_tool(litellm, asked, recorded_calls):
    asking = asked(WEATHER, tools=[TOOL])
    answer = litellm.completion(**asking).choices[0].message
    (call,) = answer.tool_calls
    result = {"role": "tool", "tool_call_id": call.id, "content": get_weather("Paris")}
    litellm.completion(**asking | {"messages": [*asking["messages"], answer, result]})
    assert recorded_calls() == (TOOLED, {"chat.completions"})


def test_litellm_embeddings(litellm, provider, recorded_calls):
    litellm.embedding("openai/text-embedding-3-small", ["Hello"], api_base=provider.base_url, api_key="x")
    assert recorded_calls() == (["embedding"], {"embeddings"})


@pytest.mark.parametrize("model", ["cerebras/a-model", "perplexity/sonar"])
def test_what_litellm_calls_through_openai_s_sdk(litellm, asked, recorded_calls, model):
    litellm.completion(**asked(model=model))
    assert recorded_calls() == (ANSWERED, {"chat.completions"})


@pytest.mark.parametrize("model", ["anthropic/claude-haiku-4-5", "groq/a-model", "mistral/a-model"])
def test_what_litellm_calls_by_itself_is_not_seen(litellm, asked, provider, recorded_calls, model):
    """A limit, named in hilt_autolog/docs/limits.md."""
    where = {"api_base": provider.url} if "claude" in model else {}
    litellm.completion(**asked(model=model) | where)
    assert recorded_calls() == ([], set())


# --- the OpenAI Agents SDK


@pytest.fixture(params=["chat.completions", "responses"])
def agents(request, provider, clients):
    """The operation that the agent goes by, and how to make the agent."""
    agents = pytest.importorskip("agents")
    agents.set_tracing_disabled(True)

    def make():
        client = clients(openai.AsyncOpenAI, base_url=provider.base_url)
        kind = {"chat.completions": "OpenAIChatCompletionsModel", "responses": "OpenAIResponsesModel"}
        model = getattr(agents, kind[request.param])("gpt-4o-mini", client)
        return agents.Agent("an agent", tools=[agents.function_tool(get_weather)], model=model)

    return request.param, make, agents.Runner


def test_agents(agents, recorded_calls, runner):
    operation, make, agent_runner = agents
    runner.run(agent_runner.run(make(), HELLO))
    assert recorded_calls() == (ANSWERED, {operation})


def test_agents_sync(agents, recorded_calls):
    operation, make, agent_runner = agents
    agent = make()
    loop = asyncio.new_event_loop()  # which the Agents SDK leaves unfit for others
    asyncio.set_event_loop(loop)
    agent_runner.run_sync(agent, HELLO)
    loop.run_until_complete(agent.model._client.close())
    asyncio.set_event_loop(None)
    loop.close()
    assert recorded_calls() == (ANSWERED, {operation})


def test_agents_with_a_tool(agents, recorded_calls, runner):
    operation, make, agent_runner = agents
    result = runner.run(agent_runner.run(make(), WEATHER))
    assert SUNNY in result.final_output
    assert recorded_calls() == (TOOLED, {operation})


def test_agents_with_a_tool_in_a_stream(agents, recorded_calls, runner):
    operation, make, agent_runner = agents

    async def drain():
        result = agent_runner.run_streamed(make(), WEATHER)
        return [event async for event in result.stream_events()]

    assert runner.run(drain())
    assert recorded_calls(streamed=True) == (TOOLED, {operation})


# --- PydanticAI


@pytest.fixture(params=["chat.completions", "responses", "messages"])
def pydantic_ai(request, provider, clients):
    """The operation that the agent goes by, and how to make the agent."""
    pydantic_ai = pytest.importorskip("pydantic_ai")

    def make():
        if request.param == "messages":
            models = pytest.importorskip("pydantic_ai.models.anthropic")
            providers = importlib.import_module("pydantic_ai.providers.anthropic")
            client = clients(anthropic.AsyncAnthropic, base_url=provider.url)
            known = providers.AnthropicProvider(anthropic_client=client)
            model = models.AnthropicModel("claude-haiku-4-5", provider=known)
        else:
            models = pytest.importorskip("pydantic_ai.models.openai")
            providers = importlib.import_module("pydantic_ai.providers.openai")
            client = clients(openai.AsyncOpenAI, base_url=provider.base_url)
            kind = {"chat.completions": "OpenAIChatModel", "responses": "OpenAIResponsesModel"}
            known = providers.OpenAIProvider(openai_client=client)
            model = getattr(models, kind[request.param])("gpt-4o-mini", provider=known)
        return pydantic_ai.Agent(model, tools=[get_weather])

    return request.param, make


def test_pydantic_ai(pydantic_ai, recorded_calls, runner):
    operation, make = pydantic_ai
    runner.run(make().run(HELLO))
    assert recorded_calls() == (ANSWERED, {operation})


def test_pydantic_ai_with_a_tool(pydantic_ai, recorded_calls, runner):
    operation, make = pydantic_ai
    assert SUNNY in runner.run(make().run(WEATHER)).output
    assert recorded_calls() == (TOOLED, {operation})


def test_pydantic_ai_in_a_stream(pydantic_ai, recorded_calls, runner):
    operation, make = pydantic_ai

    async def drain():
        async with make().run_stream(HELLO) as result:
            return [text async for text in result.stream_text()]

    assert runner.run(drain())
    assert recorded_calls(streamed=True) == (ANSWERED, {operation})
