"""Server-sent events, as bytes come in: for programs that read the body of a stream by themselves."""

from __future__ import annotations

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
