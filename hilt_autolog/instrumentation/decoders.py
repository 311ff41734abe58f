"""Incremental decoders of event streams (SSE, AWS), for programs that read the response body themselves."""

from __future__ import annotations

import base64

import orjson


class SseDecoder:
    """Decodes server-sent events (WHATWG HTML, 9.2) from pieces that may be cut anywhere."""

    __slots__ = ("_data", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> list[object]:
        """Take the next piece; return the parsed JSON data of each event that it completes."""
        if piece.endswith(b"\r"):  # perhaps the first half of "\r\n"
            self._rest += piece
            return []
        *lines, self._rest = (self._rest + piece).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        events: list[object] = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line:
                events += self._complete()
        return events

    def end(self) -> list[object]:
        """Return the event that the end of the body completes, if any, in a list."""
        return self.feed(b"\n\n")

    def _complete(self) -> list[object]:
        data, self._data = b"\n".join(self._data), []
        if not data or data.startswith(b"[DONE]"):
            return []
        try:
            return [orjson.loads(data)]
        except orjson.JSONDecodeError:
            return []


# The format of a message (AWS event stream, `application/vnd.amazon.eventstream`): a prelude of total length,
# headers' length and CRC (4 bytes each), the headers, the payload, and a CRC of 4 bytes.
_OVERHEAD = 16  # bytes of a message beside its headers and its payload
_PRELUDE = 12
_STRING = 7  # the type of a header whose value is a string


class AwsEventStreamDecoder:
    """Decodes the messages of an AWS event stream from pieces that may be cut anywhere."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[object]:
        """Take the next piece; return the parsed JSON payload of each message that it completes."""
        self._rest += piece
        payloads: list[object] = []
        while len(self._rest) >= _PRELUDE:
            length = int.from_bytes(self._rest[:4])
            if length < _OVERHEAD:  # not an event stream: nothing in it can be read
                self._rest = b""
            if not _OVERHEAD <= length <= len(self._rest):
                break
            message, self._rest = self._rest[:length], self._rest[length:]
            payloads += _payloads(message)
        return payloads

    def end(self) -> list[object]:
        """Return nothing: a message that is cut off cannot be parsed."""
        return []


def _payloads(message: bytes) -> list[object]:
    """Return the JSON of a message: of an event its `bytes`, of an exception an error, else nothing."""
    start = _PRELUDE + int.from_bytes(message[4:8])
    try:
        payload = orjson.loads(message[start:-4])
        if "bytes" in payload:
            return [orjson.loads(base64.b64decode(payload["bytes"]))]
        error_type = _headers(message[_PRELUDE:start]).get(":exception-type")
    except (ValueError, TypeError, IndexError):
        return []
    if not error_type:
        return []
    return [{"type": "error", "error": {"type": error_type, "message": payload.get("message")}}]


def _headers(data: bytes) -> dict[str, str]:
    """Return the headers up to the first whose value is not a string."""
    headers = {}
    while data:
        name, data = data[1 : 1 + data[0]], data[1 + data[0] :]
        if data[0] != _STRING:
            break
        size = int.from_bytes(data[1:3])
        headers[name.decode()], data = data[3 : 3 + size].decode(), data[3 + size :]
    return headers
