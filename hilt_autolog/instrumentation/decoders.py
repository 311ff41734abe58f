"""Server-sent events, as bytes come in: for programs that read the body of a stream by themselves."""

from __future__ import annotations

import base64
from typing import Any

import orjson


class SseDecoder:
    """Splits a byte stream into events wherever the pieces are cut, and gives their data as JSON."""

    __slots__ = ("_data", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> list[Any]:
        """Take the next piece; return the JSON of each event that it completes."""
        if piece.endswith(b"\r"):  # half of a line end, perhaps
            self._rest += piece
            return []
        *lines, self._rest = (self._rest + piece).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        found = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line:
                found += self._complete()
        return found

    def end(self) -> list[Any]:
        """Return what an unfinished last event says."""
        return self.feed(b"\n\n")

    def _complete(self) -> list[Any]:
        data, self._data = b"\n".join(self._data), []
        if not data or data.startswith(b"[DONE]"):
            return []
        try:
            return [orjson.loads(data)]
        except orjson.JSONDecodeError:
            return []


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
