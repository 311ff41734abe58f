"""Reading objects that are not ours: without running their code, and without trusting their types."""

from __future__ import annotations

import json
import math
import sys
from functools import lru_cache
from typing import Any

import orjson


def fields(value: Any) -> dict[str, Any]:
    """Return the attributes of an SDK's object, or a dict itself, as one dict; of anything else, none.

    Reads the instance only: no property, no `model_dump`, nothing that runs the SDK's or the user's code.
    """
    if type(value) is dict:
        return value
    if value is None:
        return {}
    if isinstance(value, dict):  # OrderedDict and its kin have attributes besides
        return dict(dict.items(value))
    try:
        known: dict[str, Any] = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    try:
        extra = value.__pydantic_extra__
    except AttributeError:
        return known
    return {**known, **extra} if extra else known


def jsonable(value: Any) -> Any:
    """Return an SDK's object as JSON-able data, without the fields that were not given (`None`)."""
    if type(value) in _SCALARS:
        return value
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if type(value) is dict and is_plain_json(value):
        return value
    if isinstance(value, dict) or hasattr(value, "__pydantic_fields_set__"):
        return {
            name: one if type(one) in _SCALARS else jsonable(one)
            for name, one in fields(value).items()
            if one is not None
        }
    return value


def is_plain_json(value: dict[str, Any]) -> bool:
    """Return whether a dict is JSON with no field that was not given; one that has lists is not looked at."""
    for one in value.values():
        if type(one) not in _SCALARS and not (type(one) is dict and is_plain_json(one)):
            return False
    return True


_SCALARS = frozenset((str, int, float, bool))


def text_or_none(value: Any) -> str | None:
    """Return `value` if it is a text that says something."""
    return value if isinstance(value, str) and value else None


def count_or_none(value: Any) -> int | None:
    """Return `value` if it is a number of things (an int, not a bool), else nothing."""
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None


def float_or_none(value: Any) -> float | None:
    """Return a number, of whatever library, as a float; what is infinite or none, as nothing."""
    if isinstance(value, bool | str | bytes) or not hasattr(type(value), "__float__"):
        return None
    try:
        known = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return known if math.isfinite(known) else None


def milliseconds_or_none(value: Any) -> int | None:
    """Return a duration in whole milliseconds; what is no duration, as nothing."""
    known = float_or_none(value)
    return None if known is None or known < 0 else round(known)


def as_json(value: Any) -> str:
    """Return a text as it is, anything else as JSON: providers send arguments as the one or the other."""
    return value if isinstance(value, str) else json.dumps(jsonable(value or {}), ensure_ascii=False)


def is_json(text: str) -> bool:
    """Return whether a text is whole JSON."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


@lru_cache(maxsize=16)
def sdk_version(package: str) -> str:
    """Return the name and the version of an SDK that is imported: `openai 3.57.0`."""
    return f"{package} {getattr(sys.modules.get(package), '__version__', 'unknown')}"
