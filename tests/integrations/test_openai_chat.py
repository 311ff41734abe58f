from __future__ import annotations

import importlib
import inspect
import sys
import warnings

import openai
import pytest

import hilt_autolog
from hilt_autolog.errors import SessionError
from hilt_autolog.format import session_id_of
from hilt_autolog.integrations.openai import log_chat_completion
from hilt_autolog.session.session import Session
from tests.support.helper_logs import HELLO, answer, client_of, events, extensions, summary

MODEL = "gpt-4o-mini-2024-07-18"


def test_a_completion_is_returned_and_logged(session, client):
    completion = log_chat_completion(session, user_message="hi", client=client, temperature=0.2)
    assert completion.choices[0].message.content == HELLO
    assert type(completion) is openai.types.chat.ChatCompletion
    prompt, event = events(session)
    assert prompt["session_id"] == event["session_id"] == session_id_of("openai_session")
    assert prompt["content"] == {"text": "hi"}
    assert prompt["extensions"] == {
        "model": "gpt-4o-mini",
        "request": {"temperature": 0.2},
        "conversation": "openai_session",
    }
    assert event["metrics"] == {
        "latency_ms": event["extensions"]["latency_ms"],
        "tokens": {"prompt": 4, "completion": 17, "total": 21},
        "cost_usd": 1.08e-05,
    }
    assert event["actor"] == {"type": "agent", "id": MODEL}
    assert event["extensions"]["reply_to"] == prompt["event_id"]
    assert event["extensions"]["status_code"] == 200
    assert event["provenance"]["provider"] == "openai"
    assert event["provenance"]["server"].startswith("127.0.0.1:")


def test_the_default_client_is_made_from_the_environment(session, provider, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    monkeypatch.setenv("OPENAI_BASE_URL", provider.base_url)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # nobody closes it
        assert log_chat_completion(session, user_message="hi").choices[0].message.content == HELLO


@pytest.mark.parametrize(
    ("named", "model", "actor"),
    [
        ({}, "gpt-4o-mini", MODEL),
        ({"model": "gpt-4o"}, "gpt-4o", "gpt-4o-2024-08-06"),
        ({"assistant_id": "gpt-4o"}, "gpt-4o", "gpt-4o"),
        ({"assistant_id": "Ann", "model": "gpt-4o"}, "gpt-4o", "Ann"),
    ],
)
def test_who_answers(session, client, named, model, actor):
    log_chat_completion(session, user_message="hi", client=client, user_id="bob", **named)
    prompt, completion = events(session)
    assert (prompt["actor"]["id"], prompt["extensions"]["model"]) == ("bob", model)
    assert completion["actor"]["id"] == actor


def test_what_goes_before_the_users_message_is_asked_and_logged(session, client, provider):
    history = [{"role": "user", "content": "Hm?"}, {"role": "assistant", "content": "Yes?"}]
    log_chat_completion(
        session, user_message="hi", client=client, system_prompt="Be brief.", messages=history
    )
    roles = ["system", "user", "assistant", "user"]
    assert [one["role"] for one in provider.requests[-1].body["messages"]] == roles
    (prompt, _) = session.read()
    assert [one["role"] for one in session.messages_of(prompt)] == roles


def test_a_conversation_that_goes_on_is_written_once(session, client):
    first = log_chat_completion(session, user_message="hi", client=client, session_id="demo")
    turns = [{"role": "user", "content": "hi"}, first.choices[0].message]
    log_chat_completion(session, user_message="count to 2", client=client, session_id="demo", messages=turns)
    rows = summary(session)
    assert [one[3] for one in rows] == [None, 0, 1, 2]
    assert events(session)[2]["extensions"]["history"]["messages"] == 2
    assert {event["session_id"] for event in events(session)} == {session_id_of("demo")}


@pytest.mark.parametrize(
    ("given", "conversation"),
    [(None, "t-42"), ("", "t-42"), ("demo", "demo"), (7, "7"), ("conv_1", "conv_1")],
)
def test_the_helpers_argument_names_the_conversation_before_the_context(session, client, given, conversation):
    with hilt_autolog.conversation("t-42"):
        log_chat_completion(session, user_message="hi", client=client, session_id=given)
    assert {event["session_id"] for event in events(session)} == {session_id_of(conversation)}


def test_a_failure_is_a_system_event_and_is_raised_unchanged(session, client):
    with pytest.raises(openai.RateLimitError) as raised:
        log_chat_completion(session, user_message="hi", client=client, model="fail-429")
    assert raised.value.status_code == 429
    assert [one[0] for one in summary(session)] == ["prompt", "system"]
    fields = extensions(session, "system")
    assert (fields["status_code"], fields["error_type"], fields["retry_after"]) == (
        429,
        "RateLimitError",
        1.0,
    )
    assert fields["reply_to"] == events(session)[0]["event_id"]
    assert events(session)[1]["metrics"]["latency_ms"] == fields["latency_ms"]


class RateLimitError(Exception):
    """As somebody makes it up."""

    status_code = 429


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (RateLimitError("slow down"), "rate_limit", 429),
        (RuntimeError("broken"), "api_error", None),
        (RuntimeError(), "api_error", None),
        (TimeoutError("late"), "timeout", None),
        (KeyboardInterrupt(), "cancelled", None),
    ],
)
def test_any_exception_is_recorded_and_raised_unchanged(session, error, code, status):
    def create(**_):
        raise error

    with pytest.raises(type(error)) as raised:
        log_chat_completion(session, user_message="hi", client=client_of(create))
    assert raised.value is error
    fields = extensions(session, "system")
    assert (fields["error_code"], fields.get("status_code")) == (code, status)


@pytest.mark.parametrize(
    "result",
    [
        answer(),
        answer(usage=None, model=None, id=None),
        {"choices": [{"message": {"role": "assistant", "content": "Hi"}}], "usage": {}},
    ],
    ids=["short", "absent", "dict"],
)
def test_a_client_that_somebody_made_up_is_as_good(session, result):
    assert log_chat_completion(session, user_message="q", client=client_of(lambda **_: result)) is result
    assert summary(session) == [
        ("prompt", "human/user", "q", None),
        ("completion", "agent/gpt-4o-mini", "Hi", 0),
    ]
    assert "tokens" not in events(session)[1]["metrics"]


@pytest.mark.parametrize(
    "result", [None, "text", 7, answer(None), answer(usage=object()), {}, [], {"choices": None}]
)
def test_an_odd_answer_is_returned_as_it_is(session, result):
    assert log_chat_completion(session, user_message="q", client=client_of(lambda **_: result)) is result
    assert [one[0] for one in summary(session)] == ["prompt", "completion"]


def test_usage_of_any_object_is_kept_and_counted(session):
    usage = type("Usage", (), {})()
    usage.prompt_tokens, usage.completion_tokens, usage.total_tokens = 10, 5, 15
    log_chat_completion(session, user_message="q", client=client_of(lambda **_: answer(usage=usage)))
    assert events(session)[1]["metrics"]["tokens"] == {"prompt": 10, "completion": 5, "total": 15}
    assert events(session)[1]["metrics"]["cost_usd"] == 4.5e-06


def test_an_odd_request_goes_out_all_the_same(session):
    class Odd:
        def __getattribute__(self, name):
            raise RuntimeError(name)

    odd = {"messages": [Odd(), None, 7], "tools": [Odd()], "stop": openai.NOT_GIVEN, "response_format": dict}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        assert log_chat_completion(session, user_message=Odd(), client=client_of(lambda **_: answer()), **odd)


def test_headers_and_time_limits_are_no_parameters_of_the_request(session):
    secret = {"extra_headers": {"x-key": "secret"}, "timeout": 3}
    log_chat_completion(session, user_message="q", client=client_of(lambda **_: answer()), seed=1, **secret)
    assert extensions(session, "prompt")["request"] == {"seed": 1}


def test_a_log_that_does_not_take_it_costs_no_answer(tmp_path, client):
    session = Session(tmp_path / "closed.hilt.jsonl")
    session.open()
    session.close()
    with pytest.warns(RuntimeWarning, match="a call is not logged: SessionError") as warnings:
        completion = log_chat_completion(session, user_message="hi", client=client)
    assert completion.choices[0].message.content == HELLO
    assert warnings[0].filename == __file__
    assert events(session) == []


def test_a_log_that_is_closed_meanwhile_costs_no_answer(session, monkeypatch):
    monkeypatch.setenv("HILT_STRICT", "0")

    def create(**_):
        session.close()
        return answer()

    assert log_chat_completion(session, user_message="q", client=client_of(create)).choices
    assert [one[0] for one in summary(session)] == ["prompt"]
    assert "SessionError" in hilt_autolog.status().faults.values()


@pytest.mark.parametrize("session_like", [None, 7, "log.jsonl", object()])
def test_a_wrong_session_is_an_error_before_the_call(session_like, client, provider):
    count = len(provider.requests)
    with pytest.raises(TypeError, match="events are appended to a Session, not to"):
        log_chat_completion(session_like, user_message="hi", client=client)
    assert len(provider.requests) == count


def test_a_client_without_the_method_is_an_error_before_writing(session):
    with pytest.raises(TypeError, match="create is a str, no function"):
        log_chat_completion(session, user_message="hi", client=client_of("create"))
    assert events(session) == []


def test_a_list_takes_events_as_well():
    taken = []
    log_chat_completion(taken, user_message="q", client=client_of(lambda **_: answer()))
    assert [event["action"] for event in taken] == ["prompt", "completion"]


def test_an_async_client_is_awaited(session, async_client, runner):
    result = log_chat_completion(session, user_message="hi", client=async_client)
    assert inspect.isawaitable(result)
    assert events(session) == []
    assert runner.run(result).choices[0].message.content == HELLO
    assert [one[0] for one in summary(session)] == ["prompt", "completion"]


def test_so_is_an_async_client_that_somebody_made_up(session, runner):
    async def create(**_):
        return answer()

    async def fails(**_):
        raise RateLimitError

    assert runner.run(log_chat_completion(session, user_message="q", client=client_of(create))).choices
    with pytest.raises(RateLimitError):
        runner.run(log_chat_completion(session, user_message="q", client=client_of(fails)))
    assert [one[0] for one in summary(session)] == ["prompt", "completion", "prompt", "system"]


def test_azure_is_recognized_by_its_class_name(session, provider):
    with openai.AzureOpenAI(
        api_key="x", api_version="2024-10-21", azure_endpoint=provider.url, azure_deployment="v1"
    ) as client:
        log_chat_completion(session, user_message="hi", client=client)
    assert events(session)[0]["provenance"]["provider"] == "azure"


def test_nothing_can_be_appended_to_a_session_that_reads(tmp_path, session, client):
    log_chat_completion(session, user_message="hi", client=client)
    with pytest.warns(RuntimeWarning, match="only reads"):
        log_chat_completion(Session(session.filepath, mode="r"), user_message="hi", client=client)
    with pytest.raises(SessionError):
        Session(session.filepath, mode="r").append(events(session)[0])


def test_a_stream_that_the_program_reads_by_itself_is_watched(session, client):
    stream = log_chat_completion(session, user_message="count to 2", client=client, stream=True)
    assert type(stream) is openai.Stream
    assert len(list(stream)) > 2
    chunks = ["completion_chunk"] * 2
    assert [one[0] for one in summary(session)] == ["prompt", *chunks, "completion"]


@pytest.mark.parametrize(
    ("module", "absent", "extra"),
    [("openai", "openai", "openai"), ("langchain", "langchain_core.callbacks", "langchain")],
)
def test_a_missing_sdk_is_named_with_its_extra(session, monkeypatch, module, absent, extra):
    monkeypatch.setitem(sys.modules, absent, None)
    monkeypatch.delitem(sys.modules, f"hilt_autolog.integrations.{module}", raising=False)
    with pytest.raises(ImportError, match=rf'pip install "hilt-autolog\[{extra}\]"'):
        importlib.import_module(f"hilt_autolog.integrations.{module}").log_chat_completion(
            session, user_message="hi"
        )
    assert events(session) == []
