"""The events of a framework's runs: boundaries of chains, documents, failures of tools and retrievers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.recording.events import Event, blank, linked

if TYPE_CHECKING:
    from hilt_autolog.facts import Failure
    from hilt_autolog.framework import Run


def boundary(session_id: str, run: Run, word: str, reply_to: str | None) -> Event:
    """Return the event of a run's start or end: `word` is started, completed, paused or failed."""
    event = blank("system", session_id, "system", run.name)
    event["content"] = {"text": word}
    event["provenance"] = dict(run.origin)
    event["extensions"] = linked(reply_to)
    return event


def failed(session_id: str, run: Run, failure: Failure, reply_to: str | None) -> Event:
    """Return the event of an exception in a tool or a retriever."""
    event = boundary(session_id, run, failure.text, reply_to)
    event["extensions"].update(because(failure))
    if run.tool is not None:
        event["extensions"].update(linked(None, tool_call_id=run.tool.id, tool=run.tool.name))
    return event


def because(failure: Failure) -> dict[str, Any]:
    """Return what extensions say of a failure."""
    return linked(
        None,
        status_code=failure.status,
        error_type=failure.type,
        error_code=failure.code,
        retry_after=failure.retry_after,
    )
