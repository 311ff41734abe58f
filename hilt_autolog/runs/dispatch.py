"""Where a framework is listened to: what its functions are given and return becomes what runs are told."""

from __future__ import annotations

import weakref
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from hilt_autolog.internal_errors import capture_errors, internal_errors
from hilt_autolog.recording import correlation

from .active_run import ActiveRun, ChainRun
from .model_run import ModelRun
from .tool_run import RetrieverRun, ToolRun

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hilt_autolog.contracts.framework import Framework, Run
    from hilt_autolog.contracts.provider import PatchTarget
    from hilt_autolog.recording.recorder import Recorder

    Watching = Mapping[str, Mapping[str, bool | None]]

# The retriever that searches, as long as it does.
_retriever: ContextVar[weakref.ref[RetrieverRun] | None] = ContextVar("hilt_retriever", default=None)


class RecordingHandler:
    """A listener of the program's that logs what it is told: its runs stand in its log, and in no other."""

    @property
    def recorder(self) -> Recorder:
        """What writes them."""
        raise NotImplementedError


class CallbackEvent(NamedTuple):
    """A call of a framework's function, as the engine sees it."""

    probe: PatchTarget
    framework: Framework
    instance: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


def dispatch_callback(recorder: Recorder, watched: Watching, *heard: Any) -> Callable[[Any], object] | None:
    """Tell a run what happens to it.

    Args:
        recorder: where runs are written.
        watched: of each SDK, which functions are watched: what it calls by itself is recorded.
        heard: what happens: the fields of `CallbackEvent`.

    Returns:
        Of a function that tells by what it returns, what is to be told that.
    """
    try:
        return _tell(recorder, watched, CallbackEvent(*heard))
    except Exception as fault:
        internal_errors.note(fault)
        return None


def _tell(recorder: Recorder, watched: Watching, heard: CallbackEvent) -> Callable[[Any], object] | None:
    role = heard.probe.role.removeprefix("async ")
    if role == "model start":
        return capture_errors(partial(_start, recorder, watched, heard, correlation.open_pending_runs()))
    if role == "start":
        return capture_errors(partial(_start, recorder, watched, heard, None))
    if role == "scores":
        return capture_errors(partial(_score, heard))
    run = recorder.runs.get(heard.framework.run_id(heard.instance))
    if run is not None:
        _TOLD[role](run, heard.framework.payload(heard.args, heard.kwargs))
    return None


_TOLD: dict[str, Callable[[ActiveRun, Any], None]] = {
    "chunk": lambda run, chunk: run.add(chunk),
    "end": lambda run, result: run.end(result),
    "error": lambda run, error: run.fail(error),
}


def _start(
    recorder: Recorder,
    watched: Watching,
    heard: CallbackEvent,
    slot: correlation.PendingRuns | None,
    result: Any,
) -> None:
    known = frozenset(sdk.replace(".", "_") for sdk, probes in watched.items() if any(probes.values()))
    is_async = heard.probe.role.startswith("async")
    started = heard.framework.new_runs(heard.probe.name, heard.args, heard.kwargs, result)
    told = {run.id: listener for run in started if (listener := _listener(run)) is not None}
    lives = [listener.recorder.runs.get(identity) for identity, listener in told.items()]
    lives += begin_runs(
        recorder, heard.framework, [run for run in started if run.id not in told], known, is_async=is_async
    )
    for live in lives:
        if isinstance(live, ModelRun) and slot is not None:
            live.leave_ticket(slot)
        elif isinstance(live, RetrieverRun):
            _retriever.set(weakref.ref(live))
        elif isinstance(live, ToolRun):
            live.go_inside()


def _listener(run: Run) -> RecordingHandler | None:
    """Return who of the program's own listeners logs a run by itself."""
    handlers = getattr(run.handle, "handlers", None)
    return next((one for one in handlers or () if isinstance(one, RecordingHandler)), None)


def begin_runs(
    recorder: Recorder,
    framework: Framework,
    runs: Sequence[Run],
    known: frozenset[str] = frozenset(),
    *,
    is_async: bool = False,
) -> list[ActiveRun]:
    """Begin runs.

    Args:
        recorder: where they are written.
        framework: reads what they will be told.
        runs: what has started.
        known: the SDKs whose calls are recorded, and so will tell of the models that they serve.
        is_async: whether they are awaited.
    """
    lives = []
    for run in runs:
        parent = None if run.parent_id is None else recorder.runs.get(run.parent_id)
        live = _kind(run)(recorder, framework, run, parent)
        live.watch(is_async=is_async)
        try:
            live.start(is_served=not run.sdk_packages.isdisjoint(known))
        except Exception:
            live.claim_end()  # what has no beginning in the log has no end there
            raise
        lives.append(live)
    return lives


def _kind(run: Run) -> type[ActiveRun]:
    if run.request is not None:
        return ModelRun
    if run.tool is not None:
        return ToolRun
    return ChainRun if run.query is None else RetrieverRun


def _score(heard: CallbackEvent, result: Any) -> None:
    """Give the scores that a search has told to the retriever that searches; it may be none of ours."""
    searching = _retriever.get()
    retriever = None if searching is None else searching()
    if retriever is not None:
        retriever.scores.update(heard.framework.scores(result))
