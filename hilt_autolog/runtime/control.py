"""Enable and disable the recording of this process. This module owns its state.

`enable()` only registers an import hook for the SDKs. Everything else is imported with the first SDK:
wrapt alone would double the time that an interpreter takes to start (tests/benchmarks/startup.py).
"""

from __future__ import annotations

import atexit
import os
import sys
from _thread import allocate_lock
from typing import TYPE_CHECKING

from hilt_autolog.instrumentation import import_hook
from hilt_autolog.providers import sdks
from hilt_autolog.settings import Settings, load, override

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from hilt_autolog.instrumentation.hook import ReturnObserver
    from hilt_autolog.recording.call_starter import CallStarter
    from hilt_autolog.recording.recorder import EventSink, Recorder

    from .factory import RecordingParts
    from .status import Status

_OFF = ("0", "false", "no", "off")


class _State:
    """The state of this process's recording.

    Attributes:
        settings: the settings in force; None while recording is disabled.
        folder: the current directory of the latest `enable()`, to which a relative path of the log belongs.
        session: the program's session, to which events are written instead of the log.
        call_starter: begins calls; None until the first SDK is imported.
        dispatch: `runs.dispatch.dispatch_callback`; None until the first SDK is imported.
        parts: the recorder, the writer and the mirror in use, or last used.
        undo: removes the import hook and the wrappers, last first.
        watching: SDK -> target -> whether the target exists; see `Status`.
        is_fork_handled: a fork handler is registered; Python cannot unregister it.
        lock: held while settings and session are exchanged, and never while waiting or importing.
        reported: the problems of settings that were written to stderr; each is written once.
    """

    def __init__(self) -> None:
        self.settings: Settings | None = None
        self.folder = os.sep
        self.session: EventSink | None = None
        self.call_starter: CallStarter | None = None
        self.dispatch: Callable[..., ReturnObserver | None] | None = None
        self.parts: RecordingParts | None = None
        self.undo: list[Callable[[], None]] = []
        self.watching: dict[str, dict[str, bool | None]] = {}
        self.is_fork_handled = False
        self.lock = allocate_lock()
        self.reported: set[str] = set()


_state = _State()


class Recording:
    """Returned by `enable()`: a context manager that restores the previous settings and session.

    Args:
        settings: the settings to restore; None to disable recording.
        session: the session to restore.
        changed: whether there is anything to restore.
    """

    def __init__(self, settings: Settings | None, session: EventSink | None, *, changed: bool) -> None:
        self._settings = settings
        self._session = session
        self._changed = changed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._changed and self._settings is None:
            disable()
        elif self._changed and self._settings is not None:
            _apply(self._settings, self._session)

    @property
    def path(self) -> str | None:
        """The log file, once the first event has opened it."""
        return status().path


def enable(*, session: EventSink | None = None, **arguments: object) -> Recording:
    """Record every call to a model that this process makes from now on.

    Calling it again changes only the settings in `arguments`. `HILT_AUTOLOG=0` wins over it.

    Args:
        session: a `Session` to write to, instead of a log at `path`.
        **arguments: settings by name: `path`, `chunks`, `content`, `providers` ... (see `settings.SETTINGS`).

    Returns:
        A context manager: `with enable(path="app.hilt.jsonl"): ...` records the calls made inside.

    Raises:
        SettingsError: an unknown name or value.
    """
    variable = _environ().get("HILT_AUTOLOG", "").strip().lower()
    if variable in _OFF or (_state.settings is not None and not arguments and session is None):
        return Recording(None, None, changed=False)
    old_settings, old_session = _state.settings, _state.session
    if old_settings is None and variable and arguments:  # HILT_AUTOLOG=1, but no SDK has been imported yet
        old_settings = _load({})
    settings = _load(arguments) if old_settings is None else override(old_settings, arguments, sdks())
    return Recording(old_settings, old_session, changed=_apply(settings, session or old_session))


def _load(arguments: Mapping[str, object]) -> Settings:
    try:
        _state.folder = os.getcwd()
    except OSError:  # the directory was deleted
        _state.folder = os.sep
    settings, problems = load(arguments, _environ(), _state.folder, sdks())
    if sys.stderr is not None:
        for problem in problems:
            if problem not in _state.reported:
                sys.stderr.write(f"{problem}\n")
    _state.reported.update(problems)
    return settings


def _environ() -> Mapping[str, str]:
    return {} if sys.flags.ignore_environment else os.environ  # python -I and -E


def _apply(settings: Settings, session: EventSink | None) -> bool:
    """Record with these settings into this session; return whether anything has changed."""
    with _state.lock:  # two threads may import two SDKs at once
        old_settings, _state.settings = _state.settings, settings
        old_session, _state.session = _state.session, session
    if settings == old_settings and session is old_session:
        return False
    if old_settings is not None:
        _close(end=False)
    if old_settings is None or old_settings.providers != settings.providers:
        _uninstrument()
        _instrument_all(frozenset(settings.providers) or sdks())
    elif _state.watching:
        _build_recording()
    return True


def disable() -> None:
    """Stop recording: restore the SDKs' own functions, write the last line of the log and close it."""
    from hilt_autolog.internal_errors import internal_errors

    import_hook.remove_hooks()
    _uninstrument()
    _close()
    internal_errors.is_strict = False  # the setting `strict` was that of the recording
    _state.settings = _state.session = None


def _uninstrument() -> None:
    while _state.undo:
        _state.undo.pop()()
    _state.watching = {}


def status() -> Status:
    """Return the status of this process's recording."""
    from .status import current_status

    return current_status(_state.settings, _state.parts, _state.session, _state.watching)


def session() -> EventSink | None:
    """Return the program's session, if events are written to one."""
    return _state.session


def _instrument_all(sdks: frozenset[str]) -> None:
    """Instrument SDKs: those that are imported now, the others when they are imported."""
    _state.undo.append(import_hook.when_imported(sdks, _instrument))
    for sdk in sorted(sdks & sys.modules.keys()):
        _instrument(sdk)


def _instrument(sdk: str) -> None:
    """Wrap the functions of an imported SDK."""
    from hilt_autolog.internal_errors import capture_errors

    capture_errors(_patch)(sdk)


def _patch(sdk: str) -> None:
    from hilt_autolog.instrumentation.patcher import patch_sdk
    from hilt_autolog.runs.dispatch import dispatch_callback

    _state.dispatch = dispatch_callback
    starter = _build_recording()  # imports every module now, because file descriptors may be exhausted later
    _state.watching[sdk], undo = patch_sdk(sdk, starter.begin, _dispatch, starter.begin_method)
    _state.undo.append(undo)


def _dispatch(*callback: object) -> ReturnObserver | None:
    """Call `dispatch_callback` with the recorder in use."""
    recorder = None if _state.call_starter is None else _state.call_starter.recorder
    if recorder is None or _state.dispatch is None:
        return None
    return _state.dispatch(recorder, _state.watching, *callback)


def recorder() -> Recorder | None:
    """Return the recorder of this process; None while recording is disabled."""
    return None if _state.settings is None else _build_recording().recorder


def _build_recording() -> CallStarter:
    """Return the `CallStarter`. While recording is enabled, it has a recorder, built here if necessary."""
    from hilt_autolog.recording.call_starter import CallStarter

    from .factory import build_recording

    starter = _state.call_starter = _state.call_starter or CallStarter()
    if starter.recorder is None and _state.settings is not None:
        _state.parts = build_recording(_state.settings, _state.folder, _sdk_versions, _state.session)
        starter.recorder = _state.parts.recorder
        atexit.register(_close)
        _register_fork_handler()
    return starter


def _sdk_versions() -> dict[str, str]:
    return {sdk: str(getattr(sys.modules.get(sdk), "__version__", "unknown")) for sdk in _state.watching}


def _close(*, end: bool = True) -> None:
    """Close the log; `end` the open calls, or let them finish and reopen the log."""
    atexit.unregister(_close)
    if _state.call_starter is not None:
        recorder, _state.call_starter.recorder = _state.call_starter.recorder, None
        if recorder is not None and end:
            recorder.end_all()
    if _state.parts is not None:
        _state.parts.close(wait=end)


def _register_fork_handler() -> None:
    if not _state.is_fork_handled and hasattr(os, "register_at_fork"):  # Windows has no fork
        os.register_at_fork(after_in_child=_reset_after_fork)
        _state.is_fork_handled = True


def _reset_after_fork() -> None:
    """Give a forked child new ids, no open calls, and a log of its own."""
    from hilt_autolog import clock
    from hilt_autolog.internal_errors import internal_errors

    _state.lock = allocate_lock()  # a thread of the parent may have held it
    clock.reseed()
    internal_errors.reset()
    if _state.call_starter is not None and _state.call_starter.recorder is not None:
        _state.call_starter.recorder.reset_after_fork()
    if _state.parts is not None:
        _state.parts.writer.reset_after_fork()
