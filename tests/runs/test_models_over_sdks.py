"""Models that an SDK serves: one group of events each, with the SDK's numbers and the framework's run."""

from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI, OpenAI

from tests.support.langchain import ANSWER, OTHERS, OWN, QUESTION, STREAMS, WAYS, Acting, fake

PROMPT = f"prompt user {QUESTION}"
MODEL = "gpt-4o-mini-2024-07-18"
CONFIG = {"metadata": {"session_id": "s-1"}, "tags": ["t"], "run_name": "asking"}


def direct(provider, question):
    with openai.OpenAI(api_key="x", base_url=provider.base_url) as client:
        messages = [{"role": "user", "content": question}]
        completion = client.chat.completions.create(model="gpt-4o", messages=messages)
    return completion.choices[0].message.content


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("way", WAYS)
def test_each_way_of_calling_gives_one_group_of_events(runner, run_log, chat, way, api):
    model = chat(use_responses_api=api == "responses", stream_usage=True, output_version="v0")
    said = runner.run(WAYS[way](model, QUESTION, CONFIG))
    log = run_log()
    assert said == ANSWER
    assert log.short() == [PROMPT, f"completion {MODEL} {ANSWER}"]
    assert bool(log.of("completion_chunk")) is (way in STREAMS)
    (prompt,), (completion,) = log.of("prompt"), log.of("completion")
    assert completion["extensions"]["reply_to"] == prompt["event_id"]
    assert completion["metrics"]["tokens"]["total"] > 0
    assert completion["metrics"]["cost_usd"] > 0
    assert completion["extensions"]["status_code"] == 200
    for event in (prompt, completion):
        assert event["provenance"]["sdk"] == f"openai {openai.__version__}"
        assert event["provenance"]["operation"] == ("responses" if api == "responses" else "chat.completions")
        run = event["provenance"]["langchain"]
        assert OWN - {"parent_run_id"} <= run.keys() <= OWN
        assert (run["name"], run["tags"]) == ("asking", ["t"])
        assert event["extensions"]["conversation"] == run["metadata"]["session_id"] == "s-1"


@pytest.mark.filterwarnings("ignore:Unexpected type for token usage")  # LangChain's, of a null in one
@pytest.mark.parametrize("way", ["generate", "agenerate", "batch", "abatch"])
def test_many_at_once_each_bear_their_own_run(runner, run_log, chat, way):
    questions = [f"Tell me of {number}" for number in range(5)]
    lists = [[HumanMessage(question)] for question in questions]
    answers = getattr(chat(), way)(questions if way.endswith("batch") else lists)
    if way.startswith("a"):
        runner.run(answers)
    log = run_log()
    prompts = {event["event_id"]: event for event in log.of("prompt")}
    assert sorted(event["content"]["text"] for event in prompts.values()) == questions
    assert len({run["run_id"] for run in log.runs("prompt")}) == 5
    for completion in log.of("completion"):
        prompt = prompts.pop(completion["extensions"]["reply_to"])
        assert prompt["content"]["text"] in completion["content"]["text"]
        assert prompt["provenance"]["langchain"] == completion["provenance"]["langchain"]
    assert prompts == {}


@pytest.mark.parametrize("way", ["batch", "abatch"])
def test_prompts_that_go_out_in_one_request_are_one_call(runner, run_log, provider, connections, way):
    options = {"api_key": "x", "base_url": provider.base_url, "max_retries": 0} | connections
    model = OpenAI(model="gpt-3.5-turbo-instruct", **options)
    answers = getattr(model, way)(["one", "two"])
    assert len(runner.run(answers) if way == "abatch" else answers) == 2
    log = run_log()
    assert log.actions == ["prompt", "completion"]
    assert [len(event["content"]["messages"]) for event in log.events] == [2, 2]
    assert log.runs("prompt") == log.runs("completion") != [None]


# --- whose call it is


def test_a_direct_call_is_logged_as_itself(run_log, chat, provider):
    direct(provider, "before")
    chat().invoke(QUESTION)
    direct(provider, "after")
    log = run_log()
    assert [bool(run) for run in log.runs("prompt", "completion")] == [False, False, True, True, False, False]


def test_a_direct_call_between_chunks_is_separate(run_log, chat, provider):
    for model in (chat(), fake("ab")):
        stream = model.stream("count to 2")
        next(stream)
        direct(provider, "between")
        list(stream)
    log = run_log()
    asked = [(event["content"]["text"], "langchain" in event["provenance"]) for event in log.of("prompt")]
    assert asked == [("count to 2", True), ("between", False)] * 2


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_a_model_of_ones_own_that_calls_an_sdk(runner, run_log, provider, way):
    """Its prompt was written before that was known: the call goes on with it."""
    model = Acting(acts=lambda messages: direct(provider, messages[0].content))
    assert runner.run(WAYS[way](model, QUESTION, None)) == ANSWER
    log = run_log()
    assert log.short() == [PROMPT, f"completion gpt-4o-2024-08-06 {ANSWER}"]
    assert [event["provenance"]["operation"] for event in log.events] == ["chat_model", "chat.completions"]
    assert log.runs("prompt") == log.runs("completion")
    assert log.of("completion")[0]["extensions"]["reply_to"] == log.of("prompt")[0]["event_id"]


def test_a_model_that_calls_twice(run_log, provider):
    Acting(acts=lambda _: direct(provider, "one") + direct(provider, "two")).invoke(QUESTION)
    log = run_log()
    assert log.actions == ["prompt", "completion", "prompt", "completion"]
    assert [bool(run) for run in log.runs("prompt")] == [True, False]


def test_a_model_that_calls_in_two_threads_at_once(run_log, provider):
    def ask_twice(_):
        with ThreadPoolExecutor(2) as pool:
            contexts = [contextvars.copy_context() for _ in range(2)]
            asking = [pool.submit(context.run, direct, provider, "two") for context in contexts]
            return "".join(one.result() for one in asking)

    Acting(acts=ask_twice).invoke(QUESTION)
    log = run_log()
    assert sorted(log.actions) == ["completion", "completion", "prompt", "prompt"]
    assert sorted(map(bool, log.runs("prompt"))) == [False, True]
    assert {event["event_id"] for event in log.of("prompt")} == {
        event["extensions"]["reply_to"] for event in log.of("completion")
    }


def test_a_model_that_calls_another(run_log, chat):
    Acting(acts=lambda messages: chat().invoke(messages).content).invoke(QUESTION)
    log = run_log()
    assert log.short() == [PROMPT, PROMPT, f"completion {MODEL} {ANSWER}", f"completion acting {ANSWER}"]
    assert len({run["run_id"] for run in log.runs("prompt")}) == 2
    assert log.is_linked()


class Brief(ChatOpenAI):
    """A model made from one of LangChain's own."""


def test_a_class_made_from_langchain_s_own_is_known(run_log, provider):
    Brief(model="gpt-4o-mini", api_key="x", base_url=provider.base_url).invoke(QUESTION)
    assert run_log().of("prompt")[0]["provenance"]["operation"] == "chat.completions"


# --- when there is no call


def test_a_cached_answer_is_recorded_by_the_framework_without_cost(run_log, chat):
    model = chat(cache=InMemoryCache())
    assert model.invoke(QUESTION).content == model.invoke(QUESTION).content == ANSWER
    log = run_log()
    assert log.short() == [PROMPT, f"completion {MODEL} {ANSWER}"] * 2
    called, cached = log.of("completion")
    assert called["provenance"]["operation"] == "chat.completions"
    assert cached["provenance"]["operation"] == "chat_model"
    assert "cost_usd" not in cached["metrics"] or "usage" in cached["extensions"]


def test_a_fallback_is_a_call_of_its_own(run_log, chat):
    model = chat(model="fail-429").with_fallbacks([chat()])
    assert model.invoke(QUESTION).content == ANSWER
    log = run_log()
    kinds = [event["action"] for event in log.events if "provider" in event["provenance"]]
    assert kinds == ["prompt", "system", "prompt", "completion"]
    (error,) = [event for event in log.of("system") if event["actor"]["id"] == "openai"]
    assert error["extensions"]["status_code"] == 429


def test_an_exception_before_the_call_is_recorded_by_the_framework(run_log, chat):
    with pytest.raises(TypeError):
        chat().invoke(QUESTION, no_such_parameter=1)
    log = run_log()
    assert log.actions == ["prompt", "system"]
    assert log.of("system")[0]["extensions"]["error_type"] == "TypeError"


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
def test_an_error_of_the_provider_is_recorded_once(runner, run_log, chat, way):
    with pytest.raises(openai.RateLimitError):
        runner.run(WAYS[way](chat(model="fail-429"), QUESTION, None))
    log = run_log()
    assert log.actions == ["prompt", "system"]
    assert log.of("system")[0]["extensions"]["status_code"] == 429
    assert log.runs("prompt") == log.runs("system")


def test_a_cancelled_call_is_recorded_once(runner, run_log, chat):
    async def skip_stat():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(chat(model="fail-slow").ainvoke(QUESTION), 0.2)

    runner.run(skip_stat())
    log = run_log()
    assert log.actions == ["prompt", "system"]
    assert log.of("system")[0]["extensions"]["error_code"] == "cancelled"


def test_calls_of_an_unpatched_sdk_are_recorded_by_the_framework(recording, chat):
    recording(providers=["langchain_core"])
    chat().invoke(QUESTION)
    list(chat(stream_usage=True).stream(QUESTION))
    log = recording.log()
    assert log.actions[:2] == ["prompt", "completion"]
    assert {event["provenance"]["operation"] for event in log.of("prompt", "completion")} == {"chat_model"}
    for completion in log.of("completion"):
        assert completion["content"]["text"] == ANSWER
        assert completion["provenance"]["provider"] == "openai"
        assert completion["metrics"]["tokens"] == {"prompt": 9, "completion": 15, "total": 24}
        assert completion["metrics"]["cost_usd"] > 0


# --- the other packages: a row each


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession")  # google-genai's own
@pytest.mark.parametrize("package", OTHERS)
@pytest.mark.parametrize("way", WAYS)
def test_models_of_the_other_packages_are_recorded_once(runner, run_log, other, package, way):
    model, served_by = other(package)
    assert runner.run(WAYS[way](model, QUESTION, CONFIG)) == ANSWER
    log = run_log()
    assert log.short() == [PROMPT, f"completion {served_by.answers_as} {ANSWER}"]
    assert bool(log.of("completion_chunk")) is (way in STREAMS)
    (prompt,), (completion,) = log.of("prompt"), log.of("completion")
    assert completion["extensions"]["reply_to"] == prompt["event_id"]
    assert completion["metrics"]["cost_usd"] > 0
    for event in (prompt, completion):
        assert event["provenance"]["provider"] == served_by.provider
        assert event["provenance"]["sdk"].startswith(f"{served_by.sdk} ")
        assert event["provenance"]["langchain"]["name"] == "asking"
        assert event["extensions"]["conversation"] == "s-1"
