"""Writes hilt_autolog/pricing/prices.json out of genai-prices: `python tests/pricing/generate_prices.py`.

The file holds, besides where it comes from and under which licence:

    units      unit -> its dimensions; one with more of them is part of each unit that has only some of these
    per        unit -> how many of it a price is for, where that is not a million
    shapes     lists of units; a price list is the number of one of these and a price for each of its units.
               A price that depends on the size of the prompt is [price, above, price, above, price ...]
    fallbacks  provider -> providers whose models it resells at their prices
    models     provider -> names -> prices, or [prices], [dated], [tiers], least; in the order of trying, as
               JSON without its brackets, in a string, so that only the requested model is parsed

Names are parted by blanks: one with a star at an end matches any text at that end, one that
starts with ^ is a regular expression, & joins both, and one that starts with + continues the last that does
not. `dated` are [when, prices], of which the last that holds replaces the first prices. `tiers` are [tier,
when, prices], laid over these, of which the first that holds wins. `when` is null, a day since 1970, or
[from, to] in seconds of a day (UTC). `least` is how many seconds of audio are charged at least.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genai_prices import types
from genai_prices.data import providers
from genai_prices.data_units import unit_data

from hilt_autolog.pricing.cost import SLOT, UNITS_PER_DOLLAR

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

TARGET = Path(__file__).parents[2] / "hilt_autolog" / "pricing" / "prices.json"
LICENCE = (
    "MIT, Copyright (c) Pydantic Services Inc. 2025 to present, https://github.com/pydantic/genai-prices"
)
MILLION = 10**6
OUR_NAMES = {
    "input_tokens": "prompt",
    "output_tokens": "completion",
    "cache_read_tokens": "cached",
    "cache_write_tokens": "cache_creation",
    "output_reasoning_tokens": "reasoning",
    "input_audio_tokens": "audio_prompt",
    "output_audio_tokens": "audio_completion",
}
UNIT_OF_PRICE = {unit.get("price_key", key): key for key, unit in unit_data.items()}
# A caller knows these as service tiers; other conditions (a search type, a route) have no prices here.
TIERS = {("processing", "batch"), ("speed", "fast")}
# genai-prices has this rule in its code.
LEAST_SECONDS = {("groq", "whisper-large-v3"): 10, ("groq", "whisper-large-v3-turbo"): 10}


def clauses(match: Any) -> Iterator[str]:
    """The globs and expressions any of which makes a model the one that matches."""
    match match:
        case types.ClauseOr():
            for clause in match.or_:
                yield from clauses(clause)
        case types.ClauseAnd():
            yield "&".join(part for clause in match.and_ for part in clauses(clause))
        case types.ClauseRegex():
            assert match.regex.startswith("^")
            yield match.regex
        case types.ClauseStartsWith():
            yield match.starts_with.lower() + "*"
        case types.ClauseEndsWith():
            yield "*" + match.ends_with.lower()
        case types.ClauseContains():
            yield "*" + match.contains.lower() + "*"
        case types.ClauseEquals():
            yield match.equals.lower()


def names(match: Any) -> str:
    """All names of a model in one string; sorted, so that what continues a name comes after it."""
    written: list[str] = []
    stem = "*"
    for name in sorted(set(clauses(match))):
        assert name
        assert name[0] != "+"
        assert " " not in name
        if stem[0] not in "*^" and stem[-1] == "*" and name.startswith(stem[:-1]):
            continue  # says nothing that its stem did not say
        if "*" not in stem and stem[0] != "^" and name.startswith(stem):
            written.append("+" + name.removeprefix(stem))
        else:
            stem = name
            written.append(name)
    return " ".join(written)


def number(price: Decimal, per: int) -> int | float:
    """A price as it is in the file; tails such as 0.19999999999999998 come from floating point."""
    scale = UNITS_PER_DOLLAR // per
    parts = round(price * scale)
    assert abs(parts - price * scale) * 10**12 <= parts, f"{price} is no whole number of parts"
    short = round(float(Fraction(parts, scale)), 15)
    assert round(short * scale) == parts
    return int(short) if short.is_integer() else short


def rate(price: Decimal | types.TieredPrices, per: int) -> Any:
    """One price, or one with what it becomes above each size of the prompt."""
    if isinstance(price, types.TieredPrices):
        steps = [part for tier in price.tiers for part in (tier.start, number(tier.price, per))]
        return [number(price.base, per), *steps]
    return number(price, per)


def when(constraint: Any) -> Any:
    """A condition in time as numbers."""
    match constraint:
        case types.StartDateConstraint():
            return (constraint.start_date - date(1970, 1, 1)).days
        case types.TimeOfDateConstraint():
            ends = (constraint.start_time, constraint.end_time)
            assert all(end.tzinfo is UTC for end in ends)
            seconds = [int(datetime.combine(date(1970, 1, 1), end).timestamp()) for end in ends]
            assert all(second % SLOT == 0 for second in seconds)
            return seconds
    assert constraint is None
    return None


def price_list(
    prices: types.ModelPrice, shapes: dict[tuple[str, ...], int], *, free: bool = False
) -> list[Any]:
    """The number of its shape, which may be a new one, and its prices."""
    prices_by_unit = {UNIT_OF_PRICE[key]: price for key, price in vars(prices).items() if price is not None}
    shape = tuple(OUR_NAMES.get(key, key) for key in prices_by_unit)
    rates = [rate(price, unit_data[key]["per"]) for key, price in prices_by_unit.items()]
    if free and not prices_by_unit:
        shape, rates = ("prompt", "completion"), [0, 0]
    return [shapes.setdefault(shape, len(shapes)), *rates]


def row(model: types.ModelInfo, provider: str, shapes: dict[tuple[str, ...], int]) -> list[Any]:
    """All prices of a model, without the empty end."""
    # The source leaves out prices of 0 as well as unknown ones: a model is free only if its name says so.
    free = ":free" in model.id
    first, *later = (
        model.prices if isinstance(model.prices, list) else [types.ConditionalPrice(prices=model.prices)]
    )
    tiers: list[Any] = [(*variant.when.items(), variant) for variant in model.price_variants or ()]
    columns: list[Any] = [
        price_list(first.prices, shapes, free=free),
        [[when(price.constraint), price_list(price.prices, shapes, free=free)] for price in later],
        [
            [tier, when(variant.constraint), price_list(variant.prices, shapes)]
            for (key, tier), variant in tiers
            if vars(variant.prices) and (key == "service_tier" or (key, tier) in TIERS)
        ],
        LEAST_SECONDS.get((provider, model.id), 0),
    ]
    while not columns[-1]:
        columns.pop()
    return columns if len(columns) > 1 else columns[0]


def table() -> str:
    """The whole file, one model a line."""
    shapes: dict[tuple[str, ...], int] = {}
    blocks = []
    for provider in providers:
        rows = {names(model.match): row(model, provider.id, shapes) for model in provider.models}
        assert len(rows) == len(provider.models)
        lines = [f"{compact(name)}:{compact(compact(columns)[1:-1])}" for name, columns in rows.items()]
        blocks.append(f"{compact(provider.id)}:{{\n" + ",\n".join(lines) + "}")
    head = {
        "snapshot": f"genai-prices {version('genai-prices')}",
        "licence": LICENCE,
        "units": {
            OUR_NAMES.get(key, key): " ".join(unit["dimensions"].values())
            for key, unit in unit_data.items()
            if key != "requests"  # is never reported: a call is one
        },
        "per": {key: unit["per"] for key, unit in unit_data.items() if unit["per"] != MILLION},
        "shapes": list(shapes),
        "fallbacks": {p.id: p.fallback_model_providers for p in providers if p.fallback_model_providers},
    }
    return compact(head)[:-1] + ',\n"models":{\n' + ",\n".join(blocks) + "}}\n"


def compact(value: Any) -> str:
    """JSON without blanks."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


if __name__ == "__main__":
    TARGET.write_bytes(table().encode())
