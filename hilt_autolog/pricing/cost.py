"""Price a call in US dollars, by a price list that ships with this package: offline, and exact or not at all.

The tests compare every price with genai-prices, from which the list is made. A model's rates are computed
once for each service tier and quarter of an hour; after that a call costs two look-ups and a short sum. Sums
are integers, in money units of 1 / `UNITS_PER_DOLLAR`, so that no amount has a rounding error.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from . import price_list

if TYPE_CHECKING:
    from collections.abc import Mapping

UNITS_PER_DOLLAR = 9 * 10**12  # money units: every price of one token, second ... is an integer
SLOT = 900  # seconds: prices change at quarters of an hour only; the generator of the list checks both
LONGEST_NAMES = 2048  # characters: more than any model has, and short enough for the caches
LARGEST_COUNT = 10**15

# Our names of providers where genai-prices has another id; every other name must be one of its ids.
_IDS = {"gemini": "google", "vertex": "google", "bedrock": "aws", "xai": "x-ai"}


_PAIR = frozenset(("prompt", "completion"))
_SIMPLE_KEYS = _PAIR | {"total"}

_Names = tuple[str, ...]


class _UnitRate(NamedTuple):
    """The price of one unit: a token, a second of audio, a search ...

    Attributes:
        unit: the unit's name.
        rate: its price, in money units.
        sub_units: the indices of earlier rates in the same bracket, whose units are included in this one.
        overlaps: names of units that, used together, cannot be priced where this unit's count is absent.
        overlap_names: all the names in `overlaps`.
    """

    unit: str
    rate: int
    sub_units: tuple[int, ...]
    overlaps: tuple[_Names, ...]
    overlap_names: frozenset[str]


class _Tariff(NamedTuple):
    """The prices of a model's calls.

    Attributes:
        brackets: rates by the size of the prompt: (above how many tokens, rates), the largest first.
        fixed: the price of the request itself, in money units.
        simple: the same brackets for calls without sub-units: (above, rate of the prompt, of the completion).
        covered: the units that have a price, or are a sub-unit of one that has.
        least_seconds: shorter audio is charged as this.
    """

    brackets: tuple[tuple[int, tuple[_UnitRate, ...]], ...]
    fixed: int
    simple: tuple[tuple[int, int, int], ...]
    covered: frozenset[str]
    least_seconds: int


def cost_usd(  # noqa: PLR0913  the facts of a call, each by its name
    provider: str,
    model: str,
    tokens: Mapping[str, int],
    *,
    at: float,
    service_tier: str | None = None,
    extra: Mapping[str, float] | None = None,
) -> float | None:
    """Price one call.

    Args:
        provider: the provider of the answer, as in `provenance.provider`: `openai`, `azure`, `anthropic`,
            `gemini`, `vertex`, `bedrock`, `xai`, or an id of genai-prices. One that is not listed has no
            prices: each provider has its own for a model of the same name.
        model: the model that answered, by the provider's name.
        tokens: `metrics.tokens`. `prompt` and `completion` are wholes; `cached`, `cache_creation`,
            `reasoning`, `audio_prompt`, `audio_completion` are sub-units of them; `total` is ignored. An
            absent sub-unit is charged as its whole; one whose whole is absent cannot be priced.
        at: the time of the call, in seconds since 1970 (UTC).
        service_tier: as the provider reports it (`flex`, `priority`, `batch`, `fast` ...). One without prices
            of its own is charged as standard, and so is any tier of a model that the provider only resells.
        extra: other units that were used, by genai-prices' names: `cache_write_1h_tokens`, `web_searches`,
            `cache_audio_read_tokens`, `input_image_tokens`, `audio_seconds`, `input_characters`,
            `input_document_pages` ...

    Returns:
        US dollars, the float nearest to the exact sum; 0.0 only where the price in the list is 0. None, and
        never an exception, if the list does not have the provider, the model, or a price for each unit that
        was used, or if no count is reported, or an invalid one.
    """
    tier = "" if service_tier is None else service_tier
    if not (isinstance(provider, str) and isinstance(model, str) and isinstance(tier, str)):
        return None
    if len(provider) + len(model) + len(tier) > LONGEST_NAMES:
        return None
    try:
        slot = int(at // SLOT)
        used = {**tokens, **extra} if extra else tokens
        is_simple = used.keys() == _SIMPLE_KEYS
    except (AttributeError, TypeError, ValueError, OverflowError):  # no time (a text, infinity), no mapping
        return None
    tariff = _tariff(_IDS.get(provider, provider), model, tier, slot)
    if tariff is None:
        return None
    if is_simple and tariff.simple:
        amount: float | None = _simple_amount(tariff, used["prompt"], used["completion"])
    else:
        amount = _amount(tariff, used) if _is_covered(used, tariff.covered) else None
    return None if amount is None else amount / UNITS_PER_DOLLAR


def snapshot() -> str:
    """Return the source of the price list, with its version: `genai-prices 0.2.3`."""
    return str(price_list.table()["snapshot"])


def _simple_amount(tariff: _Tariff, prompt: object, completion: object) -> int | None:
    """Return the price of a plain prompt and completion, as most calls have them, in money units."""
    if type(prompt) is not int or type(completion) is not int:
        return None
    if not (0 <= prompt <= LARGEST_COUNT and 0 <= completion <= LARGEST_COUNT):
        return None
    for above, rate, other in tariff.simple:
        if prompt > above:
            return tariff.fixed + prompt * rate + completion * other
    return None


def _is_covered(used: Mapping[str, Any], covered: frozenset[str]) -> bool:
    """Return whether there is a count, all counts are valid, and every unit that was used has a price."""
    reported = False
    for unit, count in used.items():
        if count is None or unit == "total":
            continue
        kind = type(count)  # exactly: True is not a count
        if (kind is not int and kind is not float) or not 0 <= count <= LARGEST_COUNT:
            return False
        if count and unit not in covered:
            return False
        reported = True
    return reported


def _amount(tariff: _Tariff, used: Mapping[str, Any]) -> float | None:
    """Return the price in money units; a unit is charged without the count of its sub-units."""
    if tariff.least_seconds:
        used = _with_least_seconds(used, tariff.least_seconds)
    prompt = used.get("prompt") or 0
    for above, bracket in tariff.brackets:
        rates = bracket
        if prompt > above:
            break
    amount: float = tariff.fixed
    charged: list[float] = []
    for unit, rate, sub_units, overlaps, overlap_names in rates:
        count = used.get(unit)
        if count is None:
            if not overlap_names.isdisjoint(used) and any(all(map(used.get, names)) for names in overlaps):
                return None
            count = 0
        for index in sub_units:
            count -= charged[index]
        if count < 0:
            return None
        charged.append(count)
        amount += count * rate
    return amount


def _with_least_seconds(used: Mapping[str, Any], least: int) -> Mapping[str, Any]:
    """Return the counts with at least so many seconds of audio, under either name."""
    seconds = used.get("audio_seconds") or used.get("input_audio_seconds")
    if not seconds:
        return used
    return {**used} | dict.fromkeys(("audio_seconds", "input_audio_seconds"), max(seconds, least))


@lru_cache(maxsize=1024)
def _tariff(provider: str, name: str, tier: str, slot: int) -> _Tariff | None:
    """Return the prices of a model at a time, or None if the list does not have it."""
    model = price_list.find(provider, name)
    if model is None:
        return None
    rates = price_list.rates(model, tier, slot * SLOT)
    fixed = _unit_price("requests", rates.pop("requests", 0), -1)
    steps = {step for rate in rates.values() if isinstance(rate, list) for step in rate[1::2]}
    brackets = tuple((int(above), _unit_rates(rates, above)) for above in sorted({-1, *steps}, reverse=True))
    simple = () if model.least_seconds else _simple_rates(brackets)
    return _Tariff(brackets, fixed, simple, _covered(frozenset(rates)), model.least_seconds)


def _simple_rates(
    brackets: tuple[tuple[int, tuple[_UnitRate, ...]], ...],
) -> tuple[tuple[int, int, int], ...]:
    """Return the rates of a prompt and a completion; empty if other rates affect calls of just these."""
    simple = []
    for above, unit_rates in brackets:
        rates = {item.unit: item.rate for item in unit_rates}
        others = (item for item in unit_rates if item.unit not in _PAIR)
        if not rates.keys() >= _PAIR or any(item.overlap_names & _PAIR for item in others):
            return ()
        simple.append((above, rates["prompt"], rates["completion"]))
    return tuple(simple)


def _unit_rates(rates: Mapping[str, price_list.Rate], above: float) -> tuple[_UnitRate, ...]:
    """Return the rates for prompts of more than so many tokens, sub-units before their wholes."""
    return tuple(
        _UnitRate(unit, _unit_price(unit, rates[unit], above), sub_units, overlaps, overlap_names)
        for unit, sub_units, overlaps, overlap_names in _layout(frozenset(rates))
    )


def _unit_price(unit: str, rate: price_list.Rate, above: float) -> int:
    """Return a listed price in money units for one unit, for a prompt of more than so many tokens."""
    if isinstance(rate, list):
        steps = zip(rate[1::2], rate[2::2], strict=True)
        rate = [rate[0], *(price for step, price in steps if step <= above)][-1]
    per: int = price_list.table()["per"].get(unit, 1_000_000)
    return round(rate * (UNITS_PER_DOLLAR // per))


@cache
def _layout(priced: frozenset[str]) -> list[tuple[str, tuple[int, ...], tuple[_Names, ...], frozenset[str]]]:
    """Return everything but the rates of a tariff with prices for these units; all such tariffs share it."""
    dimensions = price_list.unit_dimensions()
    order = sorted(priced, key=lambda unit: (-len(dimensions[unit]), unit))
    layout = []
    for unit in order:
        sub_units = tuple(n for n, other in enumerate(order) if dimensions[unit] < dimensions[other])
        overlaps = _overlaps(unit)
        layout.append((unit, sub_units, overlaps, frozenset().union(*overlaps)))
    return layout


def _overlaps(unit: str) -> tuple[_Names, ...]:
    """Return each sub-unit of a unit, and the pairs that overlap in it: cached and audio in cached audio."""
    dimensions = price_list.unit_dimensions()
    sub_units = [(other,) for other in dimensions if dimensions[unit] < dimensions[other]]
    wholes = [whole for whole in dimensions if dimensions[whole] < dimensions[unit]]
    pairs = [
        (a, b) for a in wholes for b in wholes if a < b and dimensions[a] | dimensions[b] == dimensions[unit]
    ]
    return (*sub_units, *pairs)


@cache
def _covered(priced: frozenset[str]) -> frozenset[str]:
    """Return the units that have a price, or are a sub-unit of one that has."""
    dimensions = price_list.unit_dimensions()
    return frozenset(
        unit for unit in dimensions if any(dimensions[whole] <= dimensions[unit] for whole in priced)
    )
