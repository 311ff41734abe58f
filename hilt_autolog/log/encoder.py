"""Encode an event with values of any type as one line of bytes."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from .json_values import to_json_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["encode_json_line", "encode_line", "escape_invisible", "to_json_value"]

DELETE = 0x7F

# Characters that JSON does not escape, but that a terminal, an editor or str.splitlines() acts on: DEL,
# the C1 controls, zero-width and bidi characters, line and paragraph separators, the byte order mark. A lead
# byte of UTF-8 never occurs inside a character, so the bytes can be searched without decoding. There is one
# pattern for each lead, because `re` is five times faster where a pattern begins with fixed bytes, and the
# common quotes and dashes share a lead.
_INVISIBLE = (
    (b"\x7f", re.compile(rb"\x7f")),
    (b"\xc2", re.compile(rb"\xc2[\x80-\x9f]")),
    (b"\xe2\x80", re.compile(rb"\xe2\x80[\x8b-\x8f\xa8-\xae]")),
    (b"\xe2\x81", re.compile(rb"\xe2\x81[\xa6-\xa9]")),
    (b"\xef\xbb\xbf", re.compile(rb"\xef\xbb\xbf")),
)


def encode_line(event: Mapping[str, object], option: int = orjson.OPT_APPEND_NEWLINE) -> bytes:
    r"""Encode an event as one JSON object and the line's only line break.

    An event with values of JSON's own types is passed to orjson, any other is converted by `to_json_value`
    first. All types are checked before, because orjson accepts two kinds of values that it must not get: NaN,
    which it turns into `null`, and enums, whose `value` it reads (the process crashes if that raises). The
    check costs 1 us for an ordinary event of tests/benchmarks/calls.py; unlike a search of the output for
    `null`, its cost does not grow with the length of the texts.

    Args:
        event: an event. A value that is no JSON object is written under the key `event`.
        option: an option of orjson instead of the line break.

    Returns:
        UTF-8. Invisible and direction-changing characters are escaped as `\uXXXX`: a JSON reader restores
        them, while `bytes.splitlines` and `str.splitlines` see one line.
    """
    try:
        if type(event) is dict and _is_json(event.values()):
            return escape_invisible(orjson.dumps(event, option=option))
    except Exception:  # lone surrogates, keys that are not strings, long integers, cycles, great depth
        return _encode_converted(event, option)
    return _encode_converted(event, option)


# Encodes an event whose values are all of JSON's own types, for example because they were read from JSON:
# this saves the type check of `encode_line`. A lone surrogate raises orjson.JSONEncodeError. Invisible
# characters are not escaped.
encode_json_line = partial(orjson.dumps, option=orjson.OPT_APPEND_NEWLINE)


def _encode_converted(event: object, option: int) -> bytes:
    value = to_json_value(event)
    if type(value) is not dict:
        value = {"event": value}
    return escape_invisible(orjson.dumps(value, option=option))


def _is_json(values: Iterable[Any]) -> bool:
    """Return whether all values are exactly of JSON's types, and finite. A cycle raises RecursionError."""
    for value in values:
        kind = type(value)
        if kind is str or kind is int:
            continue
        if kind is dict:
            if not _is_json(value.values()):
                return False
        elif kind is list:
            if not _is_json(value):
                return False
        elif kind is float:
            if value - value != 0.0:  # NaN and the infinities
                return False
        elif kind is not bool and value is not None:
            return False
    return True


def escape_invisible(data: bytes) -> bytes:
    """Escape the characters that a terminal or an editor would act on, in a line of JSON."""
    if data.isascii() and DELETE not in data:
        return data
    for lead, pattern in _INVISIBLE:
        if lead in data:
            data = pattern.sub(_escape, data)
    return data


def _escape(match: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(match[0].decode())
