"""Dispatch a framework's callbacks to its runs."""

from __future__ import annotations

import weakref
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from hilt_autolog.internal_errors import capture_errors, internal_errors
from hilt_autolog.recording.correlation import PendingRuns, open_pending_runs

from .active_run import ActiveRun, ChainRun
from .model_run import ModelRun
from .tool_run import RetrieverRun, ToolRun

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hilt_autolog.contracts.framework import Framework, Run
    from hilt_autolog.contracts.provider import PatchTarget
    from hilt_autolog.contracts.types import JsonMapping
    from hilt_autolog.recording.recorder import Recorder

    PatchedSdks = Mapping[str, Mapping[str, bool | None]]

# The retriever that is searching in this context.
_current_retriever: ContextVar[weakref.ref[RetrieverRun] | None] = ContextVar("hilt_retriever", default=None)


class RecordingHandler:
    """A handler in the program's configuration that records runs into its own log only."""

    @property
    def recorder(self) -> Recorder:
        """The recorder of its log."""
        raise NotImplementedError


class CallbackEvent(NamedTuple):
    """One call of a framework's callback."""

    target: PatchTarget
    framework: Framework
    instance: Any
    args: tuple[Any, ...]
    kwargs: JsonMapping


def dispatch_callback(
    recorder: Recorder, patched: PatchedSdks, *fields: Any
) -> Callable[[Any], object] | None:
    """Dispatch a callback to the run that it belongs to.

    Args:
        recorder: writes the runs.
        patched: by SDK, which of its functions are wrapped; these record the SDK's calls.
        *fields: those of a `CallbackEvent`.

    Returns:
        The function to call with the callback's return value; None if that is not needed.
    """
    try:
        event = CallbackEvent(*fields)
        role = event.target.role.removeprefix("async ")
        method = _METHODS.get(role)
        if method is not None:
            run = recorder.runs.get(event.framework.run_id(event.instance))
            if run is not None:
                getattr(run, method)(event.framework.payload(event.args, event.kwargs))
            return None
        if role == "scores":
            return capture_errors(partial(_add_scores, event))
        pending = open_pending_runs() if role == "model start" else None
        return capture_errors(partial(_start_runs, recorder, patched, event, pending))
    except Exception as error:
        internal_errors.note(error)
        return None


# By the role of a callback, the method of `ActiveRun` that is called with the callback's payload.
_METHODS = {"chunk": "add", "end": "end", "error": "fail"}


def _start_runs(
    recorder: Recorder,
    patched: PatchedSdks,
    event: CallbackEvent,
    pending: PendingRuns | None,
    result: Any,
) -> None:
    """Start the runs that a callback has created, and make the newest of each kind the current one."""
    framework, target = event.framework, event.target
    active_runs, own_runs = [], []
    for run in framework.new_runs(target.name, event.args, event.kwargs, result):
        for handler in getattr(run.handle, "handlers", None) or ():
            if isinstance(handler, RecordingHandler):  # it records the run itself
                if (active_run := handler.recorder.runs.get(run.id)) is not None:
                    active_runs.append(active_run)
                break
        else:
            own_runs.append(run)
    is_async = target.role.startswith("async")
    active_runs += begin_runs(recorder, framework, own_runs, patched, is_async=is_async)
    for active_run in active_runs:
        if isinstance(active_run, ToolRun):
            active_run.enter()
        elif isinstance(active_run, RetrieverRun):
            _current_retriever.set(weakref.ref(active_run))
        elif pending is not None and isinstance(active_run, ModelRun):
            active_run.offer(pending)


def begin_runs(
    recorder: Recorder,
    framework: Framework,
    runs: Sequence[Run],
    patched: PatchedSdks | None = None,
    *,
    is_async: bool = False,
) -> list[ActiveRun]:
    """Start runs.

    Args:
        recorder: writes them.
        framework: reads the arguments of their callbacks.
        runs: the data of the runs at their start.
        patched: by SDK, which of its functions are wrapped; these record the models' runs that call the SDK.
        is_async: whether they are awaited.
    """
    active_runs = []
    for run in runs:
        parent = None if run.parent_id is None else recorder.runs.get(run.parent_id)
        active_run = _class_of(run)(recorder, framework, run, parent)
        active_run.open_with(is_async=is_async)
        try:
            active_run.start(
                is_recorded_by_sdk=bool(patched and run.sdk_packages) and _are_patched(run, patched or {})
            )
        except Exception:
            active_run.claim_end()  # without a start in the log, write no end either
            raise
        active_runs.append(active_run)
    return active_runs


def _are_patched(run: Run, patched: PatchedSdks) -> bool:
    """Return whether this model's class calls an SDK that has wrapped functions."""
    return any(
        any(targets.values()) and sdk.replace(".", "_") in run.sdk_packages
        for sdk, targets in patched.items()
    )


def _class_of(run: Run) -> type[ActiveRun]:
    if run.request is not None:
        return ModelRun
    if run.tool is not None:
        return ToolRun
    return ChainRun if run.query is None else RetrieverRun


def _add_scores(event: CallbackEvent, result: Any) -> None:
    """Add the scores that a search returns to the retriever that runs the search, if there is one."""
    reference = _current_retriever.get()
    retriever = None if reference is None else reference()
    if retriever is not None:
        retriever.scores.update(event.framework.scores(result))
