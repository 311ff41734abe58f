"""The price list, `prices.json`: find a model by its name, and its prices at a time.

`tests/pricing/generate_prices.py` makes the file from genai-prices (MIT) and describes its layout. It is
loaded when it is first used. Names are matched as in that package: a provider's models in their order, then
those of its fallback providers.
"""

from __future__ import annotations

import os
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import re

    from hilt_autolog.contracts.types import JsonObject

DAY = 86400  # seconds
_DEFAULTS: tuple[Any, ...] = ([], [], 0)  # no later prices, no service tiers, no least duration

# Dollars for a number of units (`per` in the list); where it depends on the size of the prompt, in tokens,
# [price, above, price, above, price ...].
Rate = float | list[float]


class Model(NamedTuple):
    """A model's prices through time, in the layout of the file.

    Attributes:
        prices: the first prices.
        dated: [when, prices], of which the last that applies replaces the first prices.
        tiers: [service tier, when, prices], of which the first that applies is merged into them.
        least_seconds: shorter audio is charged as this.
    """

    prices: list[Any]
    dated: list[Any]
    tiers: list[Any]
    least_seconds: int


@cache
def table() -> JsonObject:
    """Return the content of the file."""
    import orjson

    loader: Any = __spec__.loader  # reads files beside this module, in a directory as in a zip file
    folder = os.path.dirname(__file__)
    content: JsonObject = orjson.loads(loader.get_data(folder + os.sep + "prices.json"))
    return content


@cache
def unit_dimensions() -> dict[str, frozenset[str]]:
    """Return the dimensions of each unit; a sub-unit has all dimensions of its whole, and more."""
    return {unit: frozenset(dimensions.split()) for unit, dimensions in table()["units"].items()}


@lru_cache(maxsize=1024)
def find(provider: str, name: str) -> Model | None:
    """Return the model of a provider (its id in the list) by name, in upper or lower case.

    A model of another provider, which this one resells, comes without service tiers. A date in one word, as
    routers write it, is also tried with dashes (`-20251211`, `-2025-12-11`).
    """
    name = name.lower()
    for variant in dict.fromkeys((name, _dashed(name))):
        for owner in (provider, *table()["fallbacks"].get(provider, ())):
            row = _find_row(owner, variant)
            if row is not None:
                prices, dated, tiers, least = (*row, *_DEFAULTS[len(row) - 1 :])
                return Model(prices, dated, tiers if owner == provider else [], least)
    return None


def rates(model: Model, tier: str, time: int) -> dict[str, Rate]:
    """Return the price of each unit at a time (seconds since 1970, UTC).

    The last of the later prices that applies then replaces the first; of the tier's own prices the first one
    that applies counts.
    """
    prices = model.prices
    for when, later in model.dated:
        if _applies(when, time):
            prices = later
    result = _by_unit(prices)
    for name, when, own in reversed(model.tiers):
        if name == tier and _applies(when, time):
            result |= _by_unit(own)
    return result


def _by_unit(prices: list[Any]) -> dict[str, Rate]:
    shape, *values = prices
    return dict(zip(table()["shapes"][shape], values, strict=True))


def _applies(when: int | list[int] | None, time: int) -> bool:
    """Return whether a time is on or after a day, or within hours of its day; these may span midnight."""
    if when is None:
        return True
    if isinstance(when, int):
        return time // DAY >= when
    start, end = when
    second = time % DAY
    return start <= second < end if start <= end else second >= start or second < end


def _find_row(owner: str, name: str) -> list[Any] | None:
    """Return a provider's first model that matches a name: [prices, dated, tiers, least], open-ended."""
    for patterns, row in table()["models"].get(owner, {}).items():
        if _is_named(patterns, name):
            import orjson

            content: list[Any] = orjson.loads(f"[{row}]")
            return content if isinstance(content[0], list) else [content]
    return None


def _is_named(patterns: str, name: str) -> bool:
    stem = ""
    for pattern in patterns.split(" "):
        if pattern[0] != "+":
            stem = whole = pattern
        else:
            whole = stem + pattern[1:]
        if all(_matches(part, name) for part in whole.split("&")):
            return True
    return False


def _matches(pattern: str, name: str) -> bool:
    """Return whether a pattern matches: a regular expression from ^ on, else with a star at either end."""
    if pattern[0] == "^":
        import re

        return re.search(pattern, name) is not None
    if pattern[-1] == "*":
        return pattern[1:-1] in name if pattern[0] == "*" else name.startswith(pattern[:-1])
    return name.endswith(pattern[1:]) if pattern[0] == "*" else name == pattern


def _dashed(name: str) -> str:
    import re

    return re.sub(r"-(20\d\d)(\d\d)(\d\d)(?=[-:]|$)", _dashed_date, name)


def _dashed_date(match: re.Match[str]) -> str:
    from datetime import date

    try:
        return f"-{date(*map(int, match.groups()))}"
    except ValueError:  # eight digits that are not a date
        return match[0]
