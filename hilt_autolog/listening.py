"""Where a framework is listened to: what its functions are given and return becomes what runs are told."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from . import tickets
from .guard import faults
from .model_runs import Model
from .runs import Chain, Live
from .tool_runs import Retriever, Tool

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from .framework import Framework, Run
    from .provider import Probe
    from .recorder import Recorder

_retriever: ContextVar[Retriever | None] = ContextVar("hilt_retriever", default=None)


class Heard(NamedTuple):
    """A call of a framework's function, as the engine saw it."""

    probe: Probe
    framework: Framework
    subject: Any  # what a start has returned; of the other roles, the object whose method was called
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


def tell(recorder: Recorder, watched: Collection[str], *seen: Any) -> None:
    """Tell a run what has happened to it.

    Args:
        recorder: where runs are written.
        watched: the SDKs whose own calls are recorded.
        seen: what has happened: the fields of `Heard`.
    """
    heard = Heard(*seen)
    try:
        role = heard.probe.role
        if role in ("start", "async start"):
            _start(recorder, watched, heard)
        elif role in ("scores", "async scores"):
            _score(heard)
        else:
            run = recorder.runs.get(heard.framework.run_id(heard.subject))
            if run is not None:
                _TOLD[role](run, heard.framework.said(heard.args, heard.kwargs))
    except Exception as fault:
        faults.note(fault)


_TOLD: dict[str, Callable[[Live, Any], None]] = {
    "token": lambda run, chunk: run.take(chunk),
    "end": lambda run, result: run.end(result),
    "error": lambda run, error: run.fail(error),
}


def _start(recorder: Recorder, watched: Collection[str], heard: Heard) -> None:
    known = {sdk.replace(".", "_") for sdk in watched}
    models: list[tickets.Ticket] = []
    for run in heard.framework.runs(heard.probe.name, heard.args, heard.kwargs, heard.subject):
        parent = None if run.parent is None else recorder.runs.get(run.parent)
        live = _kind(run)(recorder, heard.framework, run, parent)
        recorder.runs[run.id] = live
        live.watch(run.handle, is_async=heard.probe.role == "async start")
        live.start(is_served=not run.through.isdisjoint(known))
        if isinstance(live, Model):
            models.append(live)
        elif isinstance(live, Retriever):
            _retriever.set(live)
    if models:
        tickets.leave(models)


def _kind(run: Run) -> type[Live]:
    if run.prompt is not None:
        return Model
    if run.tool is not None:
        return Tool
    return Chain if run.query is None else Retriever


def _score(heard: Heard) -> None:
    """Give the scores that a search has told to the retriever that searches; it may be none of ours."""
    retriever = _retriever.get()
    if retriever is not None:
        retriever.scores.update(heard.framework.scores(heard.subject))
