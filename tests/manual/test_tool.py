"""The tools that a program runs by itself: `record_tool`, and functions under `@tool`."""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
import json
import pickle
import traceback

import pytest

import hilt_autolog
from hilt_autolog import record_tool, tool
from hilt_autolog.log.file_names import app_name
from tests.support.helper_logs import events, extensions, summary

MODEL = "agent/gpt-4o-mini-2024-07-18"


def offered(name):
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


@pytest.fixture
def talk(client):
    """Let a model call tools: `ask` returns its calls, `answer` brings the results."""

    class Talk:
        def __init__(self):
            self.messages = []
            self.tools = [offered("get_weather")]

        def create(self):
            completion = client.chat.completions.create(
                model="gpt-4o-mini", messages=self.messages, tools=self.tools
            ).choices[0]
            self.messages.append(completion.message)
            return completion.message.tool_calls

        def ask(self, words="weather in Paris?"):
            self.messages.append({"role": "user", "content": words})
            return self.create()

        def answer(self, **results):
            for identity, result in results.items():
                self.messages.append({"role": "tool", "tool_call_id": identity, "content": result})
            return self.create()

    return Talk()


@tool
def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


ASKED = [
    ("prompt", "human/user", "weather in Paris?", None),
    ("completion", MODEL, None, 0),
    ("tool_call", MODEL, '{"city": "Paris"}', 1),
]


def run_by_decorator(call):
    return get_weather(**json.loads(call.function.arguments))


def run_by_record(call):
    record_tool("get_weather", json.loads(call.function.arguments), "sunny in Paris")
    return "sunny in Paris"


def run_by_id(call):
    record_tool("get_weather", result="sunny in Paris", tool_call_id=call.id)
    return "sunny in Paris"


@pytest.mark.parametrize("run", [run_by_decorator, run_by_record, run_by_id])
def test_a_requested_tool_has_one_call_and_one_result(recording, talk, run):
    recording()
    (call,) = talk.ask()
    talk.answer(**{call.id: run(call)})
    assert summary(recording.path)[:5] == [
        *ASKED,
        ("tool_result", "tool/get_weather", "sunny in Paris", 2),
        ("prompt", "tool/get_weather", "sunny in Paris", 3),
    ]
    assert [one[0] for one in summary(recording.path)][5:] == ["completion"]
    assert extensions(recording.path, "tool_result")["tool_call_id"] == call.id
    assert len({event["session_id"] for event in events(recording.path)}) == 1


def test_the_call_with_the_same_arguments_is_meant(recording, talk):
    """The model asks twice in turn; the second is run first."""
    recording()
    talk.ask("weather in Paris?")
    talk.messages.pop()
    talk.messages[-1] = {"role": "user", "content": "weather in Rome?"}
    with hilt_autolog.conversation(events(recording.path)[0]["session_id"]):
        talk.create()
        get_weather("Rome")
        get_weather(city="Paris")
    by_id = {event["event_id"]: event for event in events(recording.path)}
    results = [event for event in by_id.values() if event["action"] == "tool_result"]
    pairs = [
        (by_id[one["extensions"]["reply_to"]]["content"]["text"], one["content"]["text"]) for one in results
    ]
    assert pairs == [('{"city": "Rome"}', "sunny in Rome"), ('{"city": "Paris"}', "sunny in Paris")]


def test_a_call_with_other_arguments_is_the_programs_own(recording, talk):
    recording()
    (call,) = talk.ask()
    get_weather("Rome")
    talk.answer(**{call.id: get_weather(**json.loads(call.function.arguments))})
    assert summary(recording.path)[3:7] == [
        ("tool_call", f"agent/{app_name()}", '{"city": "Rome"}', 0),
        ("tool_result", "tool/get_weather", "sunny in Rome", 3),
        ("tool_result", "tool/get_weather", "sunny in Paris", 2),
        ("prompt", "tool/get_weather", "sunny in Paris", 5),
    ]


@pytest.mark.parametrize(
    "arguments", [None, {"city": "Paris", "database": object()}, '{"city":"Paris"}', {}, ["Paris"], "Paris"]
)
def test_arguments_that_do_not_contradict_are_those_of_the_call(recording, talk, arguments):
    recording()
    talk.ask()
    record_tool("get_weather", arguments, "sunny")
    assert summary(recording.path)[3:] == [("tool_result", "tool/get_weather", "sunny", 2)]


def test_an_unrequested_tool_run_has_its_own_tool_call(recording):
    recording()
    with hilt_autolog.conversation("t"):
        event_id = record_tool("search", {"q": "x"}, ["a", {"b": object}], latency_ms=4)
    assert summary(recording.path) == [
        ("tool_call", f"agent/{app_name()}", '{"q": "x"}', None),
        ("tool_result", "tool/search", '["a",{"b":"<class builtins.object>"}]', 0),
    ]
    event = events(recording.path)[1]
    assert (event["event_id"], event["metrics"]) == (event_id, {"latency_ms": 4})


def test_a_tool_that_ran_longer_ago_has_no_latency(session):
    record_tool("search", session=session)
    assert "metrics" not in events(session)[1]
    assert [one[2] for one in summary(session)] == ["{}", "null"]


def test_a_failed_tool_is_a_system_event_and_may_rerun(recording, talk):
    recording()
    (call,) = talk.ask()
    record_tool("get_weather", {"city": "Paris"}, error=TimeoutError("late"))
    talk.answer(**{call.id: get_weather("Paris")})
    rows = summary(recording.path)
    assert rows[3] == ("system", "system/get_weather", "late", 2)
    assert rows[4] == ("tool_result", "tool/get_weather", "sunny in Paris", 2)
    assert extensions(recording.path, "system")["error_code"] == "timeout"


def test_calls_without_an_id_are_answered_in_their_order(recording, provider):
    import google.genai

    client = google.genai.Client(api_key="x", http_options={"base_url": provider.url})
    recording()
    declared = {"name": "get_weather", "parameters": {"type": "OBJECT", "properties": {}}}
    client.models.generate_content(
        model="gemini-2.5-flash",
        contents="weather in Paris?",
        config={"tools": [{"function_declarations": [declared]}]},
    )
    client.close()
    get_weather("Paris")
    rows = [one for one in summary(recording.path) if one[0].startswith("tool")]
    assert [one[0] for one in rows] == ["tool_call", "tool_result"]


# --- functions


def test_a_function_stays_what_it_was():
    assert list(inspect.signature(get_weather).parameters) == ["city"]
    assert (get_weather.__name__, get_weather.__doc__) == ("get_weather", "Tell the weather of a city.")
    assert get_weather("Rome") == "sunny in Rome"
    assert inspect.isfunction(get_weather)


class Toolbox:
    """Tools as methods."""

    @tool(name="own")
    def method(self, a, *rest, b=2, **more):
        return a

    @tool
    @classmethod
    def of_class(cls, a):
        return cls.__name__ + a

    @tool
    @staticmethod
    def static(a):
        return a


def test_methods_are_tools_without_their_instance(session, recording):
    recording()
    box = Toolbox()
    assert (box.method("x", 1, c=3), Toolbox.method(box, "y")) == ("x", "y")
    assert (box.of_class("x"), Toolbox.static("x")) == ("Toolboxx", "x")
    called = [
        (one[2], event["extensions"]["tool"])
        for one, event in zip(summary(recording.path), events(recording.path), strict=True)
    ]
    assert called[::2] == [
        ('{"a": "x", "rest": [1], "c": 3}', "own"),
        ('{"a": "y"}', "own"),
        ('{"a": "x"}', "of_class"),
        ('{"a": "x"}', "static"),
    ]


def test_coroutines_are_awaited(recording, runner):
    @tool
    async def wait(words):
        return words.upper()

    recording()
    assert inspect.iscoroutinefunction(wait)
    assert runner.run(wait("hi")) == "HI"
    assert [one[2] for one in summary(recording.path)] == ['{"words": "hi"}', "HI"]


def in_turn(function):
    """A decorator that makes a plain function of a coroutine function."""

    @functools.wraps(function)
    def wrapper(*args):
        return asyncio.run(function(*args))

    return wrapper


def passed_on(function):
    """A decorator that knows nothing of coroutines and generators."""

    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


def test_a_plain_function_that_returns_a_coroutine_is_awaited(recording):
    @tool
    @in_turn
    async def shout(words):
        return words.upper()

    recording()
    assert shout("hi") == "HI"
    assert [one[2] for one in summary(recording.path)] == ['{"words": "hi"}', "HI"]


class Shouting:
    """A coroutine function in the form of an object."""

    async def __call__(self, words):
        record_tool("inner", words, words)
        return words.upper()


@pytest.mark.parametrize("decorated", [Shouting(), passed_on(Shouting().__call__)])
def test_what_returns_a_coroutine_has_the_result_of_it(recording, runner, decorated):
    async def both():
        return await asyncio.gather(shout("hi"), shout("ho"))

    shout = tool(name="shout")(decorated)
    recording()
    assert runner.run(both()) == ["HI", "HO"]
    record_tool("after")
    rows = summary(recording.path)
    results = [(one[2], rows[one[3]][2]) for one in rows if one[:2] == ("tool_result", "tool/shout")]
    assert results == [("HI", '{"words": "hi"}'), ("HO", '{"words": "ho"}')]
    inner = [one for one in rows if one[:2] == ("tool_call", f"agent/{app_name()}") and one[2][0] != "{"]
    assert [(one[2], rows[one[3]][2]) for one in inner] == [
        ("hi", '{"words": "hi"}'),
        ("ho", '{"words": "ho"}'),
    ]
    assert rows[-2][3] is None  # what comes after is inside of nothing


def test_a_coroutine_that_fails_or_is_cancelled_is_recorded(recording, runner):
    @tool
    @passed_on
    async def wait(seconds):
        await asyncio.sleep(seconds)
        raise LookupError("gone")

    recording()
    with pytest.raises(LookupError):
        runner.run(wait(0))
    with pytest.raises(TimeoutError):
        runner.run(asyncio.wait_for(wait(9), 0.01))
    assert [one[2] for one in summary(recording.path) if one[0] == "system"] == ["gone", "CancelledError"]


def test_functions_are_pickled_and_copied_as_ever(recording):
    assert pickle.loads(pickle.dumps(get_weather)) is get_weather
    assert copy.deepcopy({"tools": [get_weather]})["tools"][0] is copy.copy(get_weather) is get_weather
    recording()
    method, of_class = pickle.loads(pickle.dumps((Toolbox().method, Toolbox.of_class)))
    assert (method("x"), of_class("y")) == ("x", "Toolboxy")
    assert len(summary(recording.path)) == 4


def test_generators_are_recorded_when_they_end(recording, runner):
    @tool
    def pieces(count):
        yield from map(str, range(count))

    @tool
    async def later(count):
        for number in range(count):
            yield number

    async def collect():
        return [one async for one in later(3)]

    recording()
    assert list(pieces(3)) == ["0", "1", "2"]
    assert runner.run(collect()) == [0, 1, 2]
    for _ in pieces(9):
        break
    assert [one[2] for one in summary(recording.path) if one[0] == "tool_result"] == ["012", "[0,1,2]", "0"]


def test_an_exception_comes_through_with_its_own_traceback(recording):
    @tool
    def broken():
        raise LookupError("gone")

    recording()
    with pytest.raises(LookupError, match="gone") as raised:
        broken()
    assert traceback.extract_tb(raised.value.__traceback__)[-1].name == "broken"
    assert summary(recording.path)[1] == ("system", "system/broken", "gone", 0)


def test_arguments_that_do_not_fit_are_the_functions_error(recording):
    recording()
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        get_weather()
    assert [one[0] for one in summary(recording.path)] == ["tool_call", "system"]


def test_a_retrieval_inside_a_tool_replies_to_its_call(recording, talk):
    @tool(name="get_weather")
    def look_up(city):
        hilt_autolog.record_retrieval(f"weather of {city}", ["sunny"])
        return "sunny"

    recording()
    (call,) = talk.ask()
    talk.answer(**{call.id: look_up("Paris")})
    assert [(one[0], one[3]) for one in summary(recording.path)[2:6]] == [
        ("tool_call", 1),
        ("retrieval", 2),
        ("tool_result", 2),
        ("prompt", 4),
    ]
    hilt_autolog.record_feedback("nice")
    assert summary(recording.path)[-1][3] == 6  # the answer: what was inside of the tool is over


def test_arguments_of_any_kind_are_no_errors(session):
    class Odd:
        def __repr__(self):
            raise ValueError

    @tool(session=session)
    def take(one, **_):
        return one

    for one in (Odd(), {1, 2}, b"bytes", float("nan"), {"x": Odd()}, None, "\ud800"):
        assert take(one) is one
    assert len(events(session)) == 14


def test_a_log_that_fails_costs_no_result(session, monkeypatch):
    monkeypatch.setenv("HILT_STRICT", "0")

    @tool(session=session)
    def take():
        return "result"

    session.close()
    assert take() == "result"
    assert "SessionError" in hilt_autolog.status().faults.values()
