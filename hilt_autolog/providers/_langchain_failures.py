"""Exceptions that end a run: failures of any library, and LangGraph's ways to hand over and to wait."""

from __future__ import annotations

from typing import Any

from hilt_autolog.facts import Failure
from hilt_autolog.foreign import fields
from hilt_autolog.framework import Pause

from ._openai_chat import sequence

_RATE_LIMIT = 429


def failure(error: BaseException) -> Failure:
    """Read an exception, by what libraries have in common and by the names of its classes."""
    known = fields(error)
    statuses = (known.get("status_code"), known.get("code"), fields(known.get("response")).get("status_code"))
    status = next((one for one in statuses if isinstance(one, int) and one in range(100, 600)), None)
    kind = type(error).__name__
    return Failure(text=str(error) or kind, type=kind, code=_code(error, status), status=status)


def _code(error: BaseException, status: int | None) -> str:
    family = " ".join(kind.__name__ for kind in type(error).__mro__)
    if not isinstance(error, Exception):
        return "cancelled"
    if status == _RATE_LIMIT or "RateLimit" in family or "Throttling" in family:
        return "rate_limit"
    if "Timeout" in family:
        return "timeout"
    return "connection" if "Connect" in family else "api_error"


def pause(error: BaseException) -> Pause | None:
    """Return how LangGraph leaves a run by this exception, if it is no failure."""
    family = {kind.__name__ for kind in type(error).__mro__}
    if "GraphBubbleUp" not in family:
        return None
    if "GraphInterrupt" not in family:  # a command for the graph above, or a request to come to an end
        return Pause("completed" if "ParentCommand" in family else "paused")
    return Pause("paused", [_question(one) for one in sequence(error.args[0] if error.args else None)])


def _question(interrupt: Any) -> Any:
    known = {name: getattr(interrupt, name, None) for name in ("id", "value")}
    return {name: value for name, value in known.items() if value is not None} or interrupt
