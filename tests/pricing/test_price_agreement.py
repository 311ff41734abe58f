"""Every price of every model is the one that genai-prices, the list's source, works out by itself.

The two differ on purpose in this only: genai-prices charges nothing for what it has no price for, and nothing
for a model without any prices, and here the cost is unknown then, except for models that are named free.
"""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from hilt_autolog.pricing.cost import _IDS, cost_usd, snapshot

MISSING = "genai-prices, the list's source, is not installed"
genai_prices = pytest.importorskip("genai_prices", reason=MISSING)
if (installed := f"genai-prices {genai_prices.__version__}") != snapshot():
    pytest.skip(f"{installed} is installed, the list is of {snapshot()}", allow_module_level=True)
data_snapshot = pytest.importorskip("genai_prices.data_snapshot", reason=MISSING)
decompose = pytest.importorskip("genai_prices.decompose", reason=MISSING)
types = pytest.importorskip("genai_prices.types", reason=MISSING)
units = pytest.importorskip("genai_prices.units", reason=MISSING)
generate_prices = pytest.importorskip("generate_prices", reason=MISSING)

SOURCE = data_snapshot.get_snapshot()
RESELLERS = [provider for provider in SOURCE.providers if provider.fallback_model_providers]
UNITS = units._get_registry().units
REPORTED = [unit for unit in UNITS if unit != "requests"]
OUR_NAMES = generate_prices.OUR_NAMES
THEIR_NAMES = {ours: theirs for theirs, ours in OUR_NAMES.items()}
TIERS = ("default", "flex", "priority", "batch", "fast")
FREE = types.ModelPrice(input_mtok=Decimal(0), output_mtok=Decimal(0))
NOW = datetime(2026, 11, 20, 5, tzinfo=UTC)


def expected(provider, name, used, when, tier):
    """What genai-prices answers, or None where it has no price or finds fault with the counts."""
    usage = types.Usage(**{THEIR_NAMES.get(unit, unit): count for unit, count in used.items()})
    context = dict.fromkeys(("service_tier", "processing", "speed"), tier) if tier else None
    try:
        owner, model = SOURCE.find_provider_model(name, None, provider, None)
        answer = model.calc_price(usage, owner, genai_request_timestamp=when, price_context=context)
        prices, total = answer.model_price, answer.total_price
        if not vars(prices) and ":free" in model.id:
            prices, total = FREE, FREE.calc_price(usage)["total_price"]
    except (LookupError, ValueError):
        return None
    priced = [unit for unit in UNITS.values() if getattr(prices, unit.price_key) is not None]
    parts = [UNITS[THEIR_NAMES.get(unit, unit)] for unit, count in used.items() if count]
    if any(not any(decompose.is_descendant_or_self(whole, part) for whole in priced) for part in parts):
        return None
    return float(total) if used else None


def check(provider, name, used, when, tier):
    tokens = {unit: count for unit, count in used.items() if unit in THEIR_NAMES}
    extra = {unit: count for unit, count in used.items() if unit not in THEIR_NAMES}
    cost = cost_usd(provider, name, tokens, at=when.timestamp(), service_tier=tier, extra=extra)
    wanted = expected(provider, name, used, when, tier)
    if wanted is not None:
        wanted = pytest.approx(wanted, rel=1e-12, abs=0)
    assert cost == wanted, (provider, name, used, when, tier)


def names_of(model):
    """The model's id, and for each of its patterns something that it matches, or nearly does."""
    names = {model.id}
    for pattern in generate_prices.clauses(model.match):
        plain = pattern.partition("&")[0].strip("*^$").replace("\\", "").replace("d{8}", "20260229")
        names |= {plain, plain.replace("d{4}-d{2}-d{2}", "2026-01-31"), pattern.replace("*", "-x")}
    return sorted(names)


def listed_prices(model):
    return model.prices if isinstance(model.prices, list) else [types.ConditionalPrice(prices=model.prices)]


def moments(model, rng):
    """Each moment of a change of price and the second before it, and one at random."""
    times = [NOW + timedelta(seconds=rng.randint(-(10**8), 10**7))]
    for one in (*listed_prices(model), *(model.price_variants or ())):
        if isinstance(one.constraint, types.StartDateConstraint):
            edges = [datetime.combine(one.constraint.start_date, datetime.min.time(), UTC)]
        elif one.constraint:
            day = NOW.date() + timedelta(days=rng.randint(0, 30))
            edges = [
                datetime.combine(day, edge) for edge in (one.constraint.start_time, one.constraint.end_time)
            ]
        else:
            edges = []
        times += [edge - timedelta(seconds=before) for edge in edges for before in (0, 1)]
    return sorted(set(times))


def usage(model, rng):
    """Counts that mostly make sense, of what the model charges for and sometimes of something else."""
    prices = {key: price for one in listed_prices(model) for key, price in vars(one.prices).items()}
    own = [unit for unit in REPORTED if UNITS[unit].price_key in prices]
    tiers = [tier for price in prices.values() for tier in getattr(price, "tiers", ())]
    used = {}
    if not prices or "input_tokens" in own:
        steps = [tier.start + more for tier in tiers for more in (0, 1)]
        used["prompt"] = rng.choice([*steps, rng.randint(0, 5000), rng.randint(0, 10**7)])
    if not prices or "output_tokens" in own or rng.random() < 0.1:
        used["completion"] = rng.randint(0, 10**5)
    for unit in (*own, *(rng.choices(REPORTED, k=2) if rng.random() < 0.5 else ())):
        name = OUR_NAMES.get(unit, unit)
        if name not in used and rng.random() < 0.7:
            whole = used.get("completion" if unit.startswith("output") else "prompt", 0)
            used[name] = rng.randint(0, whole // rng.choice([1, 4]) if "tokens" in unit else 30)
    if used and rng.random() < 0.05:
        del used[rng.choice([*used])]
    return used


@pytest.mark.parametrize("provider", SOURCE.providers, ids=lambda provider: provider.id)
def test_every_model_costs_the_same(provider):
    rng = random.Random(provider.id)
    for model in provider.models:
        first, *others = names_of(model)
        for when in moments(model, rng) * 2:
            for tier in (None, *TIERS) if model.price_variants else (None, "flex"):
                check(provider.id, first, usage(model, rng), when, tier)
        for name in others:
            check(provider.id, name, usage(model, rng), NOW, rng.choice(TIERS))


@pytest.mark.parametrize("provider", RESELLERS, ids=lambda provider: provider.id)
def test_every_resold_model_costs_the_same(provider):
    rng = random.Random(provider.id)
    for owner in SOURCE.providers:
        for model in owner.models if owner.id in provider.fallback_model_providers else ():
            for name in names_of(model):
                check(
                    provider.id, name, usage(model, rng), rng.choice(moments(model, rng)), rng.choice(TIERS)
                )


def test_names_that_are_nearly_known_mean_the_same():
    rng = random.Random(1)
    models = [(provider.id, model) for provider in SOURCE.providers for model in provider.models]
    names = [(provider, name) for provider, model in models for name in names_of(model)]
    for provider, name in rng.sample(names, 1000):
        undashed = re.sub(r"-(20\d\d)-(\d\d)-(\d\d)", r"-\1\2\3", name)
        for spelling in (name.upper(), undashed, f"openai/{name}", f"{name}-20251231", f"{name}-20250231:x"):
            check(provider, spelling, {"prompt": 1000, "completion": 10}, NOW, None)
        check(rng.choice(names)[0], name[:-1], {"prompt": 1000, "completion": 10}, NOW, None)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "openai",
            "azure",
            "anthropic",
            "gemini",
            "vertex",
            "bedrock",
            "groq",
            "deepseek",
            "mistral",
            "together",
        ),
        *("openrouter", "xai", "fireworks", "perplexity", "cerebras", "cohere"),
    ],
)
def test_our_names_of_providers_mean_the_same(name):
    assert data_snapshot.find_provider_by_id(SOURCE.providers, name).id == _IDS.get(name, name)


def test_the_list_is_what_the_generator_makes_of_the_source():
    assert generate_prices.TARGET.read_bytes() == generate_prices.table().encode()
