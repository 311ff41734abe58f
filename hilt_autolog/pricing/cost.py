"""What a call cost in dollars, by a price list that ships with this package: offline, exact, or not at all.

The tests hold every price to the answer of genai-prices, out of which the list is made. A model's bill is
worked out once for each service tier and quarter of an hour; after that a call costs two look-ups and a
short sum. Sums are whole numbers of `PARTS` of a dollar, so that no figure is a rounding error off.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from . import price_list

if TYPE_CHECKING:
    from collections.abc import Mapping

PARTS = 9 * 10**12  # to the dollar: whatever a price is for, one unit's price is a whole number of them
SLOT = 900  # seconds: prices change at whole quarters of an hour only; the generator makes sure of both
LONGEST_NAMES = 2048  # more than any model has, and short enough for the caches
LARGEST_COUNT = 10**15

# Our names of providers where genai-prices has another id; every other name must be one of its ids.
_IDS = {"gemini": "google", "vertex": "google", "bedrock": "aws", "xai": "x-ai"}


_PAIR = frozenset(("prompt", "completion"))
_WHOLES = _PAIR | {"total"}

_Names = tuple[str, ...]


class _Line(NamedTuple):
    """What is charged for one unit."""

    unit: str
    rate: int  # parts of a dollar for one
    inside: tuple[int, ...]  # earlier lines, whose units are parts of this one
    needs: tuple[_Names, ...]  # units that, used together, cannot be priced while this one is absent
    signs: frozenset[str]  # all the names in `needs`


class _Bill(NamedTuple):
    """What is charged for a model's calls."""

    brackets: tuple[tuple[int, tuple[_Line, ...]], ...]  # (above how large a prompt, lines), largest first
    fixed: int  # parts of a dollar for the request itself
    simple: tuple[tuple[int, int, int], ...]  # the same for calls without parts: (above, prompt, completion)
    covered: frozenset[str]  # units that have a price, or are part of one that has
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
        provider: who answered, as in `provenance.provider`: `openai`, `azure`, `anthropic`, `gemini`,
            `vertex`, `bedrock`, `xai`, or an id of genai-prices. One that is not listed has no prices: a
            model's name does not tell what somebody else asks for it.
        model: the model that answered, as the provider spells it.
        tokens: `metrics.tokens`. `request` and `completion` are wholes; `cached`, `cache_creation`,
            `reasoning`, `audio_prompt`, `audio_completion` are parts of them; `total` is not looked at. An
            absent part is charged in its whole; a part whose whole is absent cannot be priced.
        at: when the call was made, in seconds since 1970 (UTC).
        service_tier: as the provider reports it (`flex`, `priority`, `batch`, `fast` ...). One without prices
            of its own is charged as standard, and so is any tier of a model that the provider only resells.
        extra: what else was used, by genai-prices' names: `cache_write_1h_tokens`, `web_searches`,
            `cache_audio_read_tokens`, `input_image_tokens`, `audio_seconds`, `input_characters`,
            `input_document_pages` ...

    Returns:
        US dollars, the float nearest to the exact sum; 0.0 only where the list says that something is free.
        None, and never an exception, if the list does not know the provider, the model, or a price for any of
        what was used, or if nothing is reported, or nothing that makes sense.
    """
    tier = "" if service_tier is None else service_tier
    if not (isinstance(provider, str) and isinstance(model, str) and isinstance(tier, str)):
        return None
    if len(provider) + len(model) + len(tier) > LONGEST_NAMES:
        return None
    try:
        slot = int(at // SLOT)
        used = {**tokens, **extra} if extra else tokens
        is_simple = used.keys() == _WHOLES
    except (AttributeError, TypeError, ValueError, OverflowError):  # no moment (a word, infinity), no mapping
        return None
    bill = _bill(_IDS.get(provider, provider), model, tier, slot)
    if bill is None:
        return None
    if is_simple and bill.simple:
        amount: float | None = _simple_amount(bill, used["prompt"], used["completion"])
    else:
        amount = _amount(bill, used) if _is_covered(used, bill.covered) else None
    return None if amount is None else amount / PARTS


def snapshot() -> str:
    """Where the price list comes from, with its version: `genai-prices 0.2.3`."""
    return str(price_list.table()["snapshot"])


def _simple_amount(bill: _Bill, prompt: Any, completion: Any) -> int | None:
    """Parts of a dollar for most calls: a prompt and a completion, and nothing special about either."""
    if type(prompt) is not int or type(completion) is not int:
        return None
    if not (0 <= prompt <= LARGEST_COUNT and 0 <= completion <= LARGEST_COUNT):
        return None
    for above, rate, other in bill.simple:
        if prompt > above:
            return bill.fixed + prompt * rate + completion * other
    return None


def _is_covered(used: Mapping[str, Any], covered: frozenset[str]) -> bool:
    """Whether something is reported, all of it in sane numbers, and nothing used that has no price."""
    reported = False
    for unit, count in used.items():
        if count is None or unit == "total":
            continue
        kind = type(count)  # exactly: True is no count
        if (kind is not int and kind is not float) or not 0 <= count <= LARGEST_COUNT:
            return False
        if count and unit not in covered:
            return False
        reported = True
    return reported


def _amount(bill: _Bill, used: Mapping[str, Any]) -> float | None:
    """Parts of a dollar: of each unit, what is not charged as one of its parts already."""
    if bill.least_seconds:
        used = _lengthened(used, bill.least_seconds)
    prompt = used.get("prompt") or 0
    for above, bracket in bill.brackets:
        lines = bracket
        if prompt > above:
            break
    amount: float = bill.fixed
    charged: list[float] = []
    for unit, rate, inside, needs, signs in lines:
        count = used.get(unit)
        if count is None:
            if not signs.isdisjoint(used) and any(all(map(used.get, need)) for need in needs):
                return None
            count = 0
        for part in inside:
            count -= charged[part]
        if count < 0:
            return None
        charged.append(count)
        amount += count * rate
    return amount


def _lengthened(used: Mapping[str, Any], least: int) -> Mapping[str, Any]:
    """Audio is charged for at least so many seconds, however they are reported."""
    seconds = used.get("audio_seconds") or used.get("input_audio_seconds")
    if not seconds:
        return used
    return {**used} | dict.fromkeys(("audio_seconds", "input_audio_seconds"), max(seconds, least))


@lru_cache(maxsize=1024)
def _bill(seller: str, name: str, tier: str, slot: int) -> _Bill | None:
    """What is charged for a model at a time, or None if the list does not know it."""
    model = price_list.find(seller, name)
    if model is None:
        return None
    rates = price_list.rates(model, tier, slot * SLOT)
    fixed = _parts("requests", rates.pop("requests", 0), -1)
    steps = {step for rate in rates.values() if isinstance(rate, list) for step in rate[1::2]}
    brackets = tuple((int(above), _lines(rates, above)) for above in sorted({-1, *steps}, reverse=True))
    simple = () if model.least_seconds else _simple(brackets)
    return _Bill(brackets, fixed, simple, _covered(frozenset(rates)), model.least_seconds)


def _simple(brackets: tuple[tuple[int, tuple[_Line, ...]], ...]) -> tuple[tuple[int, int, int], ...]:
    """The rates of a prompt and a completion, where no other line has a say in calls of just these."""
    simple = []
    for above, lines in brackets:
        rates = {line.unit: line.rate for line in lines}
        if not rates.keys() >= _PAIR or any(line.signs & _PAIR for line in lines if line.unit not in _PAIR):
            return ()
        simple.append((above, rates["prompt"], rates["completion"]))
    return tuple(simple)


def _lines(rates: Mapping[str, price_list.Rate], above: float) -> tuple[_Line, ...]:
    """The lines for prompts of more than so many tokens, parts before their wholes."""
    return tuple(
        _Line(unit, _parts(unit, rates[unit], above), inside, needs, signs)
        for unit, inside, needs, signs in _layout(frozenset(rates))
    )


def _parts(unit: str, rate: price_list.Rate, above: float) -> int:
    """A listed price as parts of a dollar for one, with a prompt of more than so many tokens."""
    if isinstance(rate, list):
        steps = zip(rate[1::2], rate[2::2], strict=True)
        rate = [rate[0], *(price for step, price in steps if step <= above)][-1]
    per: int = price_list.table()["per"].get(unit, 1_000_000)
    return round(rate * (PARTS // per))


@cache
def _layout(priced: frozenset[str]) -> list[tuple[str, tuple[int, ...], tuple[_Names, ...], frozenset[str]]]:
    """All but the rates of the lines of a bill that has prices for these units; shared by all such bills."""
    extent = price_list.extents()
    order = sorted(priced, key=lambda unit: (-len(extent[unit]), unit))
    layout = []
    for unit in order:
        inside = tuple(line for line, part in enumerate(order) if extent[unit] < extent[part])
        needs = _needs(unit)
        layout.append((unit, inside, needs, frozenset().union(*needs)))
    return layout


def _needs(unit: str) -> tuple[_Names, ...]:
    """Each part of a unit, and the pairs that overlap in it, as cached and audio tokens in cached audio."""
    extent = price_list.extents()
    parts = [(part,) for part in extent if extent[unit] < extent[part]]
    wholes = [whole for whole in extent if extent[whole] < extent[unit]]
    pairs = [(a, b) for a in wholes for b in wholes if a < b and extent[a] | extent[b] == extent[unit]]
    return (*parts, *pairs)


@cache
def _covered(priced: frozenset[str]) -> frozenset[str]:
    extent = price_list.extents()
    return frozenset(unit for unit in extent if any(extent[whole] <= extent[unit] for whole in priced))
