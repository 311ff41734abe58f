"""How calls fail on their way, whichever library carries them: httpx, httpx2, aiohttp or requests."""

from __future__ import annotations

import re
from typing import Any

_TOO_MANY_REQUESTS = 429
_CONNECTION = re.compile(
    "Connect|NetworkError|ProtocolError|TransportError|ReadError|WriteError|PayloadError|ChunkedEncoding"
)


def transport_code(error: BaseException, status: Any) -> str:
    """Return the contract's code for a failure that the provider gave none to, or never heard of."""
    if not isinstance(error, Exception) or type(error).__name__ == "CancelledError":
        return "cancelled"
    family = " ".join(kind.__name__ for kind in type(error).__mro__)
    if status == _TOO_MANY_REQUESTS or "RateLimit" in family:
        return "rate_limit"
    if "Timeout" in family:
        return "timeout"
    return "connection" if _CONNECTION.search(family) else "api_error"
