"""The price list, `prices.json`: which model a name means, and what that model cost at a moment.

`tests/pricing/generate_prices.py` makes it out of genai-prices (MIT) and describes its layout. It is read
when first asked for. Names are matched in the way of that package: a provider's models in their order, then
those of the providers that it falls back on.
"""

from __future__ import annotations

import os
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import re

DAY = 86400
_OPTIONAL: tuple[Any, ...] = ([], [], 0)  # no later prices, no service tiers, no least duration

# Dollars for a number of units (`per` in the list); where it depends on the size of the prompt, in tokens,
# [price, above, price, above, price ...].
Rate = float | list[float]


class Model(NamedTuple):
    """A model's prices through time."""

    prices: list[Any]
    dated: list[Any]
    tiers: list[Any]
    least_seconds: int  # shorter audio is charged as this


@cache
def table() -> dict[str, Any]:
    """The file as it stands."""
    import orjson

    loader: Any = __spec__.loader  # reads what lies beside this module, in a folder as in a zip file
    folder = os.path.dirname(__file__)
    content: dict[str, Any] = orjson.loads(loader.get_data(folder + os.sep + "prices.json"))
    return content


@cache
def extents() -> dict[str, frozenset[str]]:
    """The dimensions of each unit that can be reported; one with more of them is part of one with fewer."""
    return {unit: frozenset(dimensions.split()) for unit, dimensions in table()["units"].items()}


@lru_cache(maxsize=1024)
def find(seller: str, name: str) -> Model | None:
    """The model that a provider (its id in the list) means by a name, in any case of letters.

    A model of another provider, which this one resells, comes without service tiers. A date in one word, as
    routers write it, is tried with dashes too (`-20251211`, `-2025-12-11`).
    """
    name = name.lower()
    for spelling in dict.fromkeys((name, _dashed(name))):
        for owner in (seller, *table()["fallbacks"].get(seller, ())):
            row = _row(owner, spelling)
            if row is not None:
                prices, dated, tiers, least = (*row, *_OPTIONAL[len(row) - 1 :])
                return Model(prices, dated, tiers if owner == seller else [], least)
    return None


def rates(model: Model, tier: str, moment: int) -> dict[str, Rate]:
    """What each unit costs at a moment (seconds since 1970, UTC).

    The last of the later prices that holds then replaces the first; of the tier's own prices the first wins.
    """
    prices = model.prices
    for when, later in model.dated:
        if _holds(when, moment):
            prices = later
    result = _by_unit(prices)
    for name, when, own in reversed(model.tiers):
        if name == tier and _holds(when, moment):
            result |= _by_unit(own)
    return result


def _by_unit(prices: list[Any]) -> dict[str, Rate]:
    shape, *listed = prices
    return dict(zip(table()["shapes"][shape], listed, strict=True))


def _holds(when: int | list[int] | None, moment: int) -> bool:
    """Whether a moment is on or after a day, or within hours of its day; these may span midnight."""
    if when is None:
        return True
    if isinstance(when, int):
        return moment // DAY >= when
    start, end = when
    second = moment % DAY
    return start <= second < end if start <= end else second >= start or second < end


def _row(owner: str, name: str) -> list[Any] | None:
    """The first of a provider's models that goes by this name: [prices, dated, tiers, least], open-ended."""
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
    """A regular expression starts with ^; elsewhere a star at either end stands for anything."""
    if pattern[0] == "^":
        import re

        return re.search(pattern, name) is not None
    if pattern[-1] == "*":
        return pattern[1:-1] in name if pattern[0] == "*" else name.startswith(pattern[:-1])
    return name.endswith(pattern[1:]) if pattern[0] == "*" else name == pattern


def _dashed(name: str) -> str:
    import re

    return re.sub(r"-(20\d\d)(\d\d)(\d\d)(?=[-:]|$)", _dashed_date, name)


def _dashed_date(found: re.Match[str]) -> str:
    from datetime import date

    try:
        return f"-{date(*map(int, found.groups()))}"
    except ValueError:  # eight digits that are no date
        return found[0]
