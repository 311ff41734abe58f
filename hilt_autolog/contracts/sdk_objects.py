"""Read the SDK's objects without running their code and without trusting their types."""

from __future__ import annotations

import json
import math
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .types import JsonObject


def fields(value: Any) -> JsonObject:
    """Return the attributes of an SDK's object as a dict, or `value` itself if it is a dict; else `{}`.

    Reads the instance's `__dict__` only: no property, no `model_dump`, nothing that runs code of the SDK or
    of the program. Pydantic keeps fields that the model does not declare in `__pydantic_extra__`.
    """
    if type(value) is dict:
        return value
    if value is None:
        return {}
    if isinstance(value, dict):  # OrderedDict and other subclasses have a `__dict__` besides their items
        return dict(dict.items(value))
    try:
        attributes: JsonObject = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    try:
        extra = value.__pydantic_extra__
    except AttributeError:
        return attributes
    return {**attributes, **extra} if extra else attributes


def jsonable(value: Any) -> Any:
    """Return an SDK's object as JSON-able data, without the fields that are None."""
    if type(value) in _SCALARS:
        return value
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if type(value) is dict and is_plain_json(value):
        return value
    if isinstance(value, dict) or hasattr(value, "__pydantic_fields_set__"):
        return {
            name: item if type(item) in _SCALARS else jsonable(item)
            for name, item in fields(value).items()
            if item is not None
        }
    return value


def is_plain_json(value: JsonObject) -> bool:
    """Return whether a dict consists of scalars and such dicts, without None; False if it contains a list."""
    for item in value.values():
        if type(item) is dict:  # one level here: a usage object has its details in such dicts
            for inner in item.values():
                if type(inner) not in _SCALARS and not (type(inner) is dict and is_plain_json(inner)):
                    return False
        elif type(item) not in _SCALARS:
            return False
    return True


_SCALARS = frozenset((str, int, float, bool))


def text_or_none(value: object) -> str | None:
    """Return `value` if it is a str and not empty."""
    return value if isinstance(value, str) and value else None


def list_or_empty(value: object) -> Sequence[Any]:
    """Return `value` if it is a list or a tuple, else `()`.

    Any other iterable is left alone: an iterator in a request can be read only once, by the SDK.
    """
    return value if isinstance(value, list | tuple) else ()


def count_or_none(value: object) -> int | None:
    """Return `value` if it is an int (no bool) or a float without a fraction."""
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None


def float_or_none(value: Any) -> float | None:
    """Return a number of any library as a float; None for what is no number, infinite or NaN."""
    if isinstance(value, bool | str | bytes) or not hasattr(type(value), "__float__"):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def milliseconds_or_none(value: object) -> int | None:
    """Return a duration in milliseconds as an int; None for what is no number or negative."""
    number = float_or_none(value)
    return None if number is None or number < 0 else round(number)


def as_json(value: object) -> str:
    """Return a str as it is, and anything else as JSON text: providers send arguments as either."""
    return value if isinstance(value, str) else json.dumps(jsonable(value or {}), ensure_ascii=False)


def is_json(text: str) -> bool:
    """Return whether a text is complete JSON."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


@lru_cache(maxsize=16)
def sdk_version(package: str) -> str:
    """Return the name and the version of an imported SDK: `openai 3.57.0`."""
    return f"{package} {getattr(sys.modules.get(package), '__version__', 'unknown')}"
