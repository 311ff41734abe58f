"""What a call costs, to the cent's last digit, and None where it is unknown."""

from __future__ import annotations

import calendar
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilt_autolog.pricing.cost import cost_usd

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
TEN = {"prompt": 10, "completion": 10, "total": 20}


def moment(*parts: int) -> float:
    return calendar.timegm((*parts, *[0] * (6 - len(parts))))


@pytest.mark.parametrize(
    ("provider", "model", "tokens", "dollars"),
    [
        ("openai", "gpt-4o", {"prompt": 1000, "completion": 500, "total": 1500}, 0.0075),
        ("openai", "gpt-4o", {"prompt": 1000, "completion": 500, "cached": 400, "total": 1500}, 0.007),
        ("openai", "gpt-4o", {"prompt": 1000, "completion": 500, "cached": 0, "reasoning": 500}, 0.0075),
        ("openai", "GPT-4o", {"prompt": 1000, "completion": 500}, 0.0075),
        ("openai", "text-embedding-3-small", {"prompt": 8, "total": 8}, 0.00000016),
        ("azure", "gpt-4o", {"prompt": 1000, "completion": 500}, 0.0075),
        ("anthropic", "claude-sonnet-4-5-20250929", {"prompt": 1000, "completion": 100}, 0.0045),
        (
            "anthropic",
            "claude-sonnet-4-5-20250929",
            {"prompt": 1000, "completion": 100, "cached": 500, "cache_creation": 300},
            0.003375,
        ),
        ("vertex", "claude-sonnet-4-5@20250929", {"prompt": 1000, "completion": 100}, 0.0045),
        ("openrouter", "qwen3-8b:free", {"prompt": 1000, "completion": 100}, 0.0),
    ],
)
def test_costs_what_the_list_says(provider, model, tokens, dollars):
    assert cost_usd(provider, model, tokens, at=NOW) == dollars


def test_a_long_prompt_raises_the_price_of_all_its_tokens():
    at_limit = {"prompt": 200_000, "completion": 100_000, "cached": 100_000}
    assert cost_usd("gemini", "gemini-2.5-pro", at_limit, at=NOW) == 1.1375
    assert cost_usd("gemini", "gemini-2.5-pro", at_limit | {"prompt": 200_001}, at=NOW) == 1.7750025


@pytest.mark.parametrize(
    ("tier", "dollars"),
    [(None, 0.0125), ("default", 0.0125), ("auto", 0.0125), ("flex", 0.00625), ("priority", 0.025)],
)
def test_a_service_tier_has_its_own_prices(tier, dollars):
    tokens = {"prompt": 2000, "completion": 1000}
    assert cost_usd("openai", "gpt-5", tokens, at=NOW, service_tier=tier) == dollars
    assert cost_usd("azure", "gpt-5", tokens, at=NOW, service_tier=tier) == 0.0125


def test_prices_change_by_the_hour_of_the_day():
    tokens = {"prompt": 1_000_000}
    at_night = cost_usd("deepseek", "deepseek-v4-pro", tokens, at=moment(2026, 11, 20, 0, 59, 59))
    by_day = cost_usd("deepseek", "deepseek-v4-pro", tokens, at=moment(2026, 11, 20, 1))
    assert (at_night, by_day) == (0.66, 1.32)


def test_prices_change_with_their_date():
    tokens = {"prompt": 1_000_000, "completion": 1_000_000}
    assert cost_usd("openai", "o3", tokens, at=moment(2025, 6, 9, 23, 59)) == 50
    assert cost_usd("openai", "o3", tokens, at=moment(2025, 6, 10)) == 10


def test_extra_units_are_charged_or_make_the_cost_unknown():
    searched = cost_usd("anthropic", "claude-sonnet-4-5", TEN, at=NOW, extra={"web_searches": 2})
    assert searched == 0.02018
    cached = {"prompt": 1000, "completion": 0, "cache_creation": 1000}
    assert cost_usd("anthropic", "claude-sonnet-4-5", cached, at=NOW) == 0.00375
    for_an_hour = {"cache_write_1h_tokens": 600}
    assert cost_usd("anthropic", "claude-sonnet-4-5", cached, at=NOW, extra=for_an_hour) == 0.0051
    for extra in ({"rerank_searches": 1}, {"no_such_unit": 1}, {"requests": 1}):
        assert cost_usd("anthropic", "claude-sonnet-4-5", TEN, at=NOW, extra=extra) is None
    assert cost_usd("anthropic", "claude-sonnet-4-5", TEN, at=NOW, extra={"rerank_searches": 0}) == 0.00018


def test_a_request_may_cost_by_itself():
    assert cost_usd("perplexity", "sonar-reasoning", TEN, at=NOW) == 0.01206


def test_short_audio_is_charged_as_ten_seconds():
    def cost(seconds):
        return cost_usd("groq", "whisper-large-v3", {}, at=NOW, extra={"audio_seconds": seconds})

    assert (cost(0), cost(3), cost(10), cost(3600)) == (0, 0.111 / 360, 0.111 / 360, 0.111)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-99"),
        ("openai", ""),
        ("openai", "claude-sonnet-4-5"),
        ("ollama", "gpt-4o"),
        ("", "gpt-4o"),
        ("OpenAI", "gpt-4o"),
        ("my-openai-proxy", "gpt-4o"),
        ("openai", "x" * 5_000_000),
        ("y" * 5_000_000, "gpt-4o"),
        (None, "gpt-4o"),
        ("openai", None),
        ("openai", b"gpt-4o"),
        ("openai", ["gpt-4o"]),
        (7, 7),
        ("cerebras", "qwen-3-coder-480b"),  # listed, with no price
    ],
)
def test_an_unknown_provider_or_model_has_no_cost(provider, model):
    assert cost_usd(provider, model, TEN, at=NOW) is None


@pytest.mark.parametrize(
    "tokens",
    [
        {},
        {"total": 20},
        {"prompt": None},
        {"prompt": -1, "completion": 5},
        {"prompt": 5, "completion": 5, "audio_prompt": -1},
        {"prompt": True, "completion": 5},
        {"prompt": "5", "completion": 5},
        {"prompt": math.nan, "completion": 5},
        {"prompt": math.inf, "completion": 5},
        {"prompt": 10**400, "completion": 5},
        {"prompt": 5, "completion": 5, "cached": 6},
        {"prompt": 5, "completion": 5, "cached": 3, "cache_creation": 3},
        {"completion": 5, "cached": 3},
        {"prompt": 5, "completion": 5, "surprise": 1},
        {"prompt": 5, "completion": 5, 7: 1},
        None,
        [],
        "prompt",
        5,
    ],
)
def test_counts_that_make_no_sense_have_no_cost(tokens):
    assert cost_usd("anthropic", "claude-sonnet-4-5", tokens, at=NOW) is None


def test_odd_but_clear_counts_are_charged():
    assert cost_usd("openai", "gpt-4o", {"prompt": 4.0, "completion": 5, "cached": None}, at=NOW) == 0.00006
    assert cost_usd("openai", "gpt-4o", {"prompt": 10**15, "completion": 0}, at=NOW) == 2.5e9
    assert cost_usd("openai", "gpt-4o", {"prompt": 0, "completion": 0}, at=NOW) == 0.0


@pytest.mark.parametrize("at", [None, "now", math.nan, math.inf, [], 1j])
def test_a_call_at_no_time_has_no_cost(at):
    assert cost_usd("openai", "gpt-4o", TEN, at=at) is None


@pytest.mark.parametrize("at", [0, -1e15, 10**400, 1e300, NOW])
def test_any_time_will_do(at):
    assert cost_usd("openai", "gpt-4o", TEN, at=at) == 0.000125


@pytest.mark.parametrize("tier", [7, ["flex"], b"flex", "x" * 5_000_000])
def test_a_tier_that_is_no_name_has_no_cost(tier):
    assert cost_usd("openai", "gpt-5", TEN, at=NOW, service_tier=tier) is None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=5,
)
units = st.sampled_from(
    ["prompt", "completion", "cached", "cache_creation", "reasoning", "audio_prompt", "total"]
)


calls = st.fixed_dictionaries(
    {
        "provider": st.sampled_from(["openai", "anthropic"]) | anything,
        "model": st.sampled_from(["gpt-4o", "gpt-5", "claude-sonnet-4-5"]) | anything,
        "tokens": st.dictionaries(units, st.integers() | anything) | anything,
        "at": st.just(NOW) | anything,
        "service_tier": st.none() | st.just("flex") | anything,
        "extra": st.none() | st.dictionaries(units, anything) | anything,
    }
)


@given(calls)
def test_no_input_raises(call):
    cost = cost_usd(**call)
    assert cost is None or (type(cost) is float and 0 <= cost < math.inf)
