"""Amazon's event streams, as bytes come in: for programs that read the body of an answer by themselves.

A message is: its length and that of its headers (four bytes each), a checksum, headers, payload, a checksum.
"""

from __future__ import annotations

import base64
from typing import Any

import orjson

_FRAME = 16  # bytes of a message beside its headers and its payload
_PRELUDE = 12
_TEXT = 7  # the type of a header whose value is a text


class AwsEventStreamDecoder:
    """Splits a byte stream into messages wherever the pieces are cut, and gives the JSON that they carry."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[Any]:
        """Take the next piece; return the JSON of each message that it completes."""
        self._rest += piece
        found = []
        while len(self._rest) >= _PRELUDE:
            length = int.from_bytes(self._rest[:4])
            if length < _FRAME:  # no such stream: there is nothing in it that we can read
                self._rest = b""
            if not _FRAME <= length <= len(self._rest):
                break
            message, self._rest = self._rest[:length], self._rest[length:]
            found += _carried(message)
        return found

    def end(self) -> list[Any]:
        """Return what an unfinished last message says: nothing."""
        return []


def _carried(message: bytes) -> list[Any]:
    after = _PRELUDE + int.from_bytes(message[4:8])
    try:
        payload = orjson.loads(message[after:-4])
        if "bytes" in payload:
            return [orjson.loads(base64.b64decode(payload["bytes"]))]
        kind = _headers(message[_PRELUDE:after]).get(":exception-type")
    except (ValueError, TypeError, IndexError):
        return []
    return [{"type": "error", "error": {"type": kind, "message": payload.get("message")}}] if kind else []


def _headers(data: bytes) -> dict[str, str]:
    """Return the headers that are texts, up to one that is not."""
    headers = {}
    while data:
        name, data = data[1 : 1 + data[0]], data[1 + data[0] :]
        if data[0] != _TEXT:
            break
        size = int.from_bytes(data[1:3])
        headers[name.decode()], data = data[3 : 3 + size].decode(), data[3 + size :]
    return headers
