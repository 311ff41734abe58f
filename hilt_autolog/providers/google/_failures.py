"""How calls to Google fail: exceptions of both SDKs, of what carries them, and of any other kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.facts import Failure
from hilt_autolog.foreign import fields, text_or_none
from hilt_autolog.providers._transport import transport_code

from ._contents import at, sequence

if TYPE_CHECKING:
    from collections.abc import Mapping


def failure(error: BaseException) -> Failure:
    """Read an exception."""
    known = fields(error)
    details = fields(known.get("details"))
    status = _status(error, known)
    code = text_or_none(known.get("status")) or _grpc_code(error)
    return Failure(
        text=text_or_none(known.get("message")) or str(error) or type(error).__name__,
        type=type(error).__name__,
        code=code or transport_code(error, status),
        status=status,
        retry_after=_retry_after(fields(details.get("error")) or details, known),
    )


def _status(error: BaseException, known: Mapping[str, Any]) -> int | None:
    """Return the HTTP status; an error that came over gRPC, or inside of a stream, has a code of its own."""
    response = known.get("response") or known.get("_response")
    for holder, name in ((response, "status_code"), (response, "status"), (error, "code")):
        status = getattr(holder, name, None)
        if type(status) is int and (holder is response or known.get("code") == status):
            return status
    return None


def _grpc_code(error: BaseException) -> str | None:
    name = getattr(getattr(error, "grpc_status_code", None), "name", None)
    return text_or_none(name)


def _retry_after(details: Mapping[str, Any], known: Mapping[str, Any]) -> float | None:
    """Return the seconds that the provider asks to wait."""
    for one in (*sequence(details.get("details")), *sequence(known.get("_details"))):
        delay = at(fields(one), "retryDelay")
        if delay is None:
            delay = getattr(one, "retry_delay", None)  # of a proto
        seconds = getattr(delay, "seconds", None)
        if type(seconds) is int:
            return seconds + getattr(delay, "nanos", 0) / 1e9
        if isinstance(delay, str) and delay.endswith("s"):
            try:
                return float(delay[:-1])
            except ValueError:
                continue
    return None
