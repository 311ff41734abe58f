"""From a framework's callbacks to runs: pass on what a wrapped callback gets and returns."""

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

# The retriever whose search runs here.
_current_retriever: ContextVar[weakref.ref[RetrieverRun] | None] = ContextVar("hilt_retriever", default=None)


class RecordingHandler:
    """A handler in the program's configuration that records runs into a log of its own, and in no other."""

    @property
    def recorder(self) -> Recorder:
        """The recorder of its log."""
        raise NotImplementedError


class CallbackEvent(NamedTuple):
    """A call of one of a framework's callbacks."""

    target: PatchTarget
    framework: Framework
    instance: Any
    args: tuple[Any, ...]
    kwargs: JsonMapping


def dispatch_callback(
    recorder: Recorder, patched: PatchedSdks, *fields: Any
) -> Callable[[Any], object] | None:
    """Pass a callback on to the run that it concerns.

    Args:
        recorder: writes the runs.
        patched: by SDK, which of its functions are wrapped: the calls of such an SDK are recorded themselves.
        *fields: those of a `CallbackEvent`.

    Returns:
        For a callback whose return value matters, the function that takes it.
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


# The role of a callback -> the method of `ActiveRun` that takes what the callback gets.
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
        framework: reads what their callbacks get.
        runs: what has started.
        patched: by SDK, which of its functions are wrapped: its calls will record the models that they serve.
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
            active_run.claim_end()  # a run without a start in the log has no end there
            raise
        active_runs.append(active_run)
    return active_runs


def _are_patched(run: Run, patched: PatchedSdks) -> bool:
    """Return whether an SDK that this model's class calls has wrapped functions."""
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
    """Give the scores that a search returns to the retriever that runs it, if one does."""
    reference = _current_retriever.get()
    retriever = None if reference is None else reference()
    if retriever is not None:
        retriever.scores.update(event.framework.scores(result))
