from __future__ import annotations

from types import SimpleNamespace as Made

import anthropic
import google.genai
import pytest

from hilt_autolog.errors import SessionError
from hilt_autolog.format import session_id_of
from hilt_autolog.integrations.anthropic import log_claude_interaction
from hilt_autolog.integrations.gemini import log_gemini_interaction
from tests.support.generativeai import genai as generativeai
from tests.support.helper_logs import events, summary

CLAUDE, GEMINI = "claude-haiku-4-5-20251001", "gemini-2.5-flash"


def test_what_claude_has_answered(session, provider):
    with anthropic.Anthropic(api_key="x", base_url=provider.url) as client:
        response = client.messages.create(
            model="claude-haiku-4-5", max_tokens=99, messages=[{"role": "user", "content": "hi"}]
        )
    log_claude_interaction(session, user_message="hi", response=response, user_id="bob", latency_ms=5)
    prompt, completion = events(session)
    assert summary(session) == [
        ("prompt", "human/bob", "hi", None),
        ("completion", f"agent/{CLAUDE}", response.content[0].text, 0),
    ]
    assert {prompt["session_id"], completion["session_id"]} == {session_id_of("claude_session")}
    usage = response.usage
    total = usage.input_tokens + usage.output_tokens
    assert completion["metrics"]["tokens"] == {
        "prompt": usage.input_tokens,
        "completion": usage.output_tokens,
        "total": total,
    }
    assert completion["metrics"]["cost_usd"] > 0
    assert completion["metrics"]["latency_ms"] == completion["extensions"]["latency_ms"] == 5
    assert completion["extensions"]["status_code"] == 200
    assert completion["extensions"]["finish_reason"] == "end_turn"


TOOL = {"type": "tool_use", "id": "t1", "name": "search", "input": {"q": "x"}}


@pytest.mark.parametrize(
    ("response", "text"),
    [
        (Made(content=[{"text": "Hello"}], usage=Made(input_tokens=3)), "Hello"),
        (Made(content=[Made(type="text", text="Hel"), Made(text="lo")], usage=None), "Hello"),
        ({"content": [{"type": "text", "text": "Hello"}], "usage": {}}, "Hello"),
        ({"content": "Hello"}, "Hello"),
        ("Hello", "Hello"),
        ({"content": ["Hel", "lo", None]}, "Hello"),
        ({"content": []}, None),
        ({"content": None}, None),
        ({}, None),
        (None, None),
        (7, None),
        ({"content": [{"type": "text", "text": None}]}, None),
    ],
)
def test_whatever_has_claudes_form_is_as_good(session, response, text):
    log_claude_interaction(session, user_message="q", response=response)
    assert summary(session) == [("prompt", "human/user", "q", None), ("completion", "agent/claude", text, 0)]


def test_a_tool_that_claude_asks_for_is_a_call(session):
    log_claude_interaction(session, user_message="q", response={"content": [{"text": "Let me see"}, TOOL]})
    assert summary(session)[2] == ("tool_call", "agent/claude", '{"q": "x"}', 1)


def test_what_gemini_has_answered(session, provider):
    client = google.genai.Client(api_key="x", http_options={"base_url": provider.url})
    response = client.models.generate_content(model=GEMINI, contents="hi")
    client.close()
    log_gemini_interaction(session, user_message="hi", response=response, session_id="demo")
    _, completion = events(session)
    assert completion["actor"]["id"] == GEMINI
    assert completion["content"]["text"] == response.text
    assert completion["session_id"] == session_id_of("demo")
    assert completion["metrics"]["tokens"]["prompt"] == response.usage_metadata.prompt_token_count
    assert completion["metrics"]["cost_usd"] > 0
    assert completion["extensions"]["finish_reason"] == "STOP"


def test_what_gemini_has_answered_to_the_older_sdk(session, provider):
    generativeai.configure(api_key="x", transport="rest", client_options={"api_endpoint": provider.url})
    response = generativeai.GenerativeModel(GEMINI).generate_content("hi")
    log_gemini_interaction(session, user_message="hi", response=response)
    _, completion = events(session)
    assert completion["content"]["text"] == response.text
    assert completion["metrics"]["tokens"]["total"] == response.usage_metadata.total_token_count
    assert completion["session_id"] == session_id_of("gemini_session")


PARTS = [{"text": "Hel"}, {"text": "lo"}]
CALL = {"function_call": {"name": "search", "args": {"the_query": "x"}}}


@pytest.mark.parametrize(
    ("response", "text"),
    [
        ({"candidates": [{"content": {"parts": PARTS}}], "usageMetadata": {"promptTokenCount": 3}}, "Hello"),
        ({"candidates": [{"content": {"parts": PARTS}}], "usage_metadata": None}, "Hello"),
        (Made(candidates=[Made(content=Made(parts=[Made(text="Hello")]))]), "Hello"),
        (Made(text="Hello", candidates=None), "Hello"),
        ("Hello", "Hello"),
        ({"candidates": []}, None),
        ({"candidates": [None, {}, {"content": None}, {"content": {"parts": None}}]}, None),
        (Made(usage_metadata=Made(prompt_token_count=None)), None),
        ({}, None),
        (None, None),
        (7, None),
    ],
)
def test_whatever_has_geminis_form_is_as_good(session, response, text):
    log_gemini_interaction(session, user_message="q", response=response)
    assert summary(session) == [("prompt", "human/user", "q", None), ("completion", "agent/gemini", text, 0)]


def test_a_function_that_gemini_calls_keeps_its_arguments(session):
    response = {"candidates": [{"content": {"parts": [CALL]}}]}
    log_gemini_interaction(session, user_message="q", response=response, model=GEMINI)
    assert summary(session)[2] == ("tool_call", f"agent/{GEMINI}", '{"the_query": "x"}', 1)


@pytest.mark.parametrize("log", [log_claude_interaction, log_gemini_interaction])
def test_a_session_that_is_closed_says_so(session, log):
    session.close()
    with pytest.raises(SessionError, match="is closed"):
        log(session, user_message="q", response="a")


@pytest.mark.parametrize("log", [log_claude_interaction, log_gemini_interaction])
def test_a_name_that_is_none_is_an_error(session, log):
    with pytest.raises(TypeError, match="session_id is the name of a conversation, not list"):
        log(session, user_message="q", response="a", session_id=["x"])
