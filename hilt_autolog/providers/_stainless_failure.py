"""The exceptions of SDKs made by the Stainless generator, and of the HTTP libraries below them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.facts import Failure
from hilt_autolog.foreign import fields, text_or_none

from ._transport import transport_code

if TYPE_CHECKING:
    from collections.abc import Mapping

_REQUEST_IDS = (b"x-request-id", b"request-id", b"apim-request-id", b"x-amzn-requestid", b"cf-ray")
_RATE_LIMITS = ("x-ratelimit-", "anthropic-ratelimit-")


def read_failure(error: BaseException, error_code: str) -> Failure:
    """Read an exception; `error_code` is the field of an error's body that tells errors apart."""
    known = fields(error)
    response = known.get("response")
    headers = response.headers if response is not None else {}
    details = _details(known.get("body"))
    status = known.get(
        "status_code", getattr(type(error), "status_code", None)
    )  # of some it is their class's
    return Failure(
        text=text_or_none(details.get("message")) or str(error) or type(error).__name__,
        type=type(error).__name__,
        code=_code(error, details.get(error_code), status),
        status=status if isinstance(status, int) else None,
        retry_after=_retry_after(headers),
        rate_limit={k: v for k, v in headers.items() if k.startswith(_RATE_LIMITS)},
        retries=_retries(response, known.get("request")),
        request_id=request_id_of(headers),
    )


def request_id_of(headers: Any) -> str | None:
    """Return the provider's name for a request."""
    raw = getattr(headers, "raw", ())  # each `get` would go through all of them
    known = {name.lower(): value for name, value in raw if value and name.lower() in _REQUEST_IDS}
    return known[min(known, key=_REQUEST_IDS.index)].decode("latin-1") if known else None


def _details(body: Any) -> dict[str, Any]:
    """Return the error object of an error's body, whether or not the SDK has unwrapped it already."""
    known = fields(body)
    inner = known.get("error")
    return fields(inner) if isinstance(inner, dict) else known


def _code(error: BaseException, named: Any, status: Any) -> str:
    code = named or fields(error).get("code")  # no property: some are deprecated, and warn
    if (
        isinstance(error, Exception)
        and isinstance(code, str | int)
        and not isinstance(code, bool)
        and str(code) != str(status)
    ):
        return str(code)
    return transport_code(error, status)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the provider asks to wait; a date, which the header may also be, is none."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
    return None


def _retries(response: Any, request: Any) -> int:
    """Return how often the SDK had tried before; it says so in the headers of the last attempt."""
    request = fields(response).get("_request") or request
    headers = fields(request).get("headers") or {}
    return int(headers.get("x-stainless-retry-count", 0))
